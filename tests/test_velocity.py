"""Mapping templates: Apache Velocity's language and JSONPath, as API Gateway uses them."""

from __future__ import annotations

import json
from typing import Any

import pytest

from lambdalab.sources.api_gateway.json_path import MISSING, found
from lambdalab.sources.api_gateway.templates import context_for, rendered
from lambdalab.sources.velocity import Scope, TemplateError, render


def shown(template: str, **variables: Any) -> str:
    return render(template, Scope(variables))


# ---- references


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$name", "Ada"),
        ("${name}s", "Adas"),
        ("$!name", "Ada"),
        ("$none", ""),
        ("$!none", ""),
        ("${none}", ""),
        ("$!{none}", ""),
        ("$person.age", "36"),
        ("$person.none", ""),
        ("$!person.none.further", ""),
        ("$person['age']$person.get('age')", "3636"),
        ("$list[1]$list.get(0)", "twoone"),
        ("$list[9]", ""),
        ("$name.toUpperCase().substring(1)", "DA"),
        ("$name.", "Ada."),
        ("$name.length() cents", "3 cents"),
        ("$5 and #1", "$5 and #1"),
        ("\\$name \\\\$name \\\\\\$name", "$name \\Ada \\$name"),
        ("\\ \\# \\$ \\#end \\# end", "\\ \\# \\$ #end \\# end"),
        ('\\#set( $name = "x" )', '#set( Ada = "x" )'),
        ("$ {name}", "$ {name}"),
        (
            "#color #13ff93 #tryme() #call( $name, ')' ).",
            "#color #13ff93 #tryme() #call( $name, ')' ).",
        ),
        ("a@b.c #hash", "a@b.c #hash"),
        ("<$name.unknown()>", "<>"),
        ("$true $list $person", " [one, two] {age=36}"),
    ],
)
def test_references(template: str, text: str) -> None:
    assert shown(template, name="Ada", person={"age": 36}, list=["one", "two"]) == text


# ---- directives


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("#set($x = 1)$x", "1"),
        ("#set($x = 1)#set($x = $none)<$x>", "<>"),
        ("#set($m = {'a': 1, \"b\": [1, 2]})$m.b[1]", "2"),
        ("#set($m = {})#set($m.a = 'x')$m.a", "x"),
        ("#set($l = [1..3])$l", "[1, 2, 3]"),
        ("#set($l = [3..1])$l", "[3, 2, 1]"),
        ('#set($x = "<$name>")$x', "<Ada>"),
        ("#set($x = '<$name>')$x", "<$name>"),
        ("#set($x = 'it''s')$x", "it's"),
        ("a\n#set($x = 1)\nb", "a\nb"),
        ("#if($name)yes#{else}no#end", "yes"),
        ("#if($none)yes#{else}no#end", "yes"),
        ("#if($person.none)yes#end#if(!$none)no#end", "yes"),
        ("#if($none == '')empty#end#if($none == $nothing)alike#end", "emptyalike"),
        ("#if(false)a#elseif($name == 'Ada')b#{else}c#end", "b"),
        ("#if(!false && $name)yes#end", "yes"),
        ("#if(not false and true)yes#end", "yes"),
        ("#if(false || false)yes#end.", "."),
        ("#if($name)#if(false)a#{else}b#end#end", "b"),
        ("#foreach($i in [1, 2])$i$foreach.index#if($foreach.hasNext),#end#end", "10,21"),
        ("#foreach($i in [5, 6])$velocityCount#end", "12"),
        ("#foreach($i in {'a': 1, 'b': 2})$i#end", "12"),
        ("#foreach($e in {'a': 1}.entrySet())$e#end", None),
        ("#foreach($i in $none)x#end.", "."),
        ("#foreach($i in [1..5])$i#if($i == 3)#break#end#end.", "123."),
        ("#foreach($i in [1..5])$i#if($i == 3)#stop#end#end.", "123"),
        ("a#return($name)", "a#return($name)"),
        ("#define ( $hi)<$name>#end$hi()$hi()", "<Ada>()<Ada>()"),
        ("#define($at)$foreach.index#end#foreach($i in [1..3])$at#end", "012"),
        ("#define($f)$c#end#set($c = 'a')$f#set($c = 'b')$f", "ab"),
        ('#define($f) a b #end#set($x = "<$f>")$x$f.trim()', "< a b >a b"),
        ("#macro(recur $n)#if($n > 0)#recur($n)#end#end#recur(5)", "#recur(5)"),
        ("\n#macro ( blah )\nhello##\n#end\n#blah()", "\n#blah()"),
        (
            "hello #if (true)$name.\n#if(true)Birthday\n#end.\n#end Off",
            "hello Ada.\nBirthday\n.\n Off",
        ),
        ('#set($d = "{""a"": 2}")$d', '{"a": 2}'),
        ('#set($d = "$name costs 5$")$d', "Ada costs 5$"),
        ('#set ($n = "\\\\b\\n\\u0041")$n', "\\\\b\\nA"),
        ("#set($m = {})#set($m['a'] = 1)#set($m.b = 2)$m", "{a=1, b=2}"),
        ("#foreach($i in [1..2])#foreach($i in [8..9])$i#end$i#end", "891892"),
        ("a ## comment\nb", "a b"),
        ("a#* much\n more *#b", "ab"),
        ("#[[$name #if]]#", "$name #if"),
        ("#foreach($i in [1..5000])x#end", "x" * 1000),
    ],
)
def test_directives(template: str, text: str | None) -> None:
    if text is None:
        with pytest.raises(TemplateError):
            shown(template)
    else:
        assert shown(template, name="Ada") == text


# ---- expressions


@pytest.mark.parametrize(
    ("expression", "text"),
    [
        ("1 + 2 * 3", "7"), ("(1 + 2) * 3", "9"), ("7 / 2", "3"), ("-7 / 2", "-3"),
        ("-7 % 3", "-1"), ("7.0 / 2", "3.5"), ("1 - 2", "-1"), ("'a' + 1", "a1"),
        ("1 == 1.0", "true"), ("'1' == 1", "true"), ("'a' != 'b'", "true"), ("2 < 10", "true"),
        ("2 gt 10", "false"), ("2 le 2", "true"), ("true || false && false", "true"),
        ("!true", "false"), ("'a' eq 'a'", "true"), ("[1, 2] == [1, 2]", "true"),
        ("1 / 0", ""), ("'a' * 2", ""), ("null", ""), (".05", "0.05"), ("100.0 / 50", "2.0"),
        ("4 > 2 + 5", "false"), ("5 * 4 - 2", "18"),
    ],
)  # fmt: skip
def test_expressions(expression: str, text: str) -> None:
    assert shown(f"#set($x = {expression})$x") == text


@pytest.mark.parametrize(
    ("call", "text"),
    [
        ("$t.split(',').size()", "2"), ("$t.contains('b')", "true"),
        ("$t.indexOf('b')", "2"), ("$t.replace(',', ';')", "a;b;;"), ("$t.charAt(0)", "a"),
        ("$t.replaceAll('([ab])', '<$1>')", "<a>,<b>,,"), ("$t.matches('a.*')", "true"),
        ("$t.equalsIgnoreCase('A,B,,')", "true"), ("$t.isEmpty()", "false"),
        ("$t.startsWith('a')$t.endsWith('a')", "truefalse"), ("$t.trim().length()", "5"),
        ("$t.contains(1)", ""), ("$t.charAt(99)", ""),
        ("$m.keySet()$m.values()", "[a, b][1, 2]"), ("$m.containsKey('a')", "true"),
        ("$m.size()$m.isEmpty()", "2false"), ("$m.getOrDefault('z', 9)", "9"),
        ("$!m.put('c', 3)$m.size()", "3"), ("$m.remove('a')$m", "1{b=2}"),
        ("#foreach($e in $m.entrySet())$e.key=$e.value;#end", "a=1;b=2;"),
        ("#foreach($e in $m.entrySet())$e.getKey()#end", "ab"),
        ("$l.add(3)$l", "true[1, 2, 3]"), ("$l.add(0, 9)$l", "true[9, 1, 2]"),
        ("$l.addAll([3, 4])$l.size()", "true4"), ("$l.indexOf(2)$l.contains(7)", "1false"),
        ("$l.set(0, 5)$l", "1[5, 2]"), ("$l.remove(0)$l", "1[2]"), ("$l.subList(1, 2)", "[2]"),
        ("$n.intValue()$n.compareTo(3)", "71"),
    ],
)  # fmt: skip
def test_methods_of_java(call: str, text: str | None) -> None:
    given = {"t": "a,b,,", "m": {"a": 1, "b": 2}, "l": [1, 2], "n": 7.5}
    assert shown(call, **given) == (call if text is None else text)


# ---- templates that are none, or do not end


@pytest.mark.parametrize(
    "template",
    [
        "#if(true)", "#end", "#else", "#foreach($i in [1])", "#foreach(i in [1])x#end",
        "#if(false)a#{else}b#elseif(true)c#end", "#define($x)", "#define($x $y)a#end",
        "#define(x)a#end", "#macro(x)", "#macro(x", "#call(1", "cost $", "hash #",
        "#set(x = 1)",
        "#set($x = )", "#set($x = 'a)", "#if()a#end", "#set($x = [1,)", "#set($x = {'a'})",
        "${name", "$list[0", "#if(" + "(" * 5000 + "1" + ")" * 5000 + ")#end",
        "$t.matches('[')",
        "#set($x = 'ab')#foreach($i in [1..100])#set($x = $x + $x)#end",
        "#set($x = 3)#foreach($i in [1..100])#set($x = $x * $x)#end",
        "#set($x = [1])#foreach($i in [1..100])#set($z = $x.addAll($x))#end",
        "#foreach($i in [1..1000])#foreach($j in [1..1000])#end#end",
        "#set($x = [])#set($z = $x.add($x))$x",
    ],
)  # fmt: skip
def test_what_is_no_template(template: str) -> None:
    with pytest.raises(TemplateError):
        shown(template, list=[1], t="a")


# ---- what API Gateway adds


def mapped(template: str, body: str = "{}") -> str:
    given = {"path": {"id": "7"}, "querystring": {"id": "8", "q": "x"}, "header": {"X-Own": "h"}}
    context = {"stage": "dev", "identity": {"sourceIp": "127.0.0.1", "user": None}}
    return rendered(template, body, given, context_for(context), {"colour": "red"})


@pytest.mark.parametrize(
    ("template", "text"),
    [
        ("$input.params('id') $input.params('q') $input.params('x-own')", "7 x h"),
        ("<$input.params('none')>", "<>"),
        ("#if($input.params('none'))yes#{else}no#end", "yes"),
        ("#if($input.params('none') == '')empty#end", "empty"),
        ("#foreach($n in $input.params().querystring.keySet())$n #end", "id q "),
        ("$input.json('$.a') $input.json('$.none')", '{"b":[1,"é"]} ""'),
        ("$input.path('$.a.b') $input.path('$.a.b[0]')", '[1,"é"] 1'),
        ("$input.path('$.a')", '{b=[1,"é"]}'),
        ("<$input.path('$.none').size()>", "<>"),
        ("<$input.path('$.a').none><$input.path('$').a.none.further>", "<><>"),
        ("#set($all = $input.path('$'))#if($all.none == '')none#end", "none"),
        ("#if($input.path('$.a').containsKey('b'))has#end", "has"),
        ("$context.stage $context.identity.sourceIp <$context.identity.user>", "dev 127.0.0.1 <>"),
        ("$stageVariables.colour$stageVariables.get('colour')<$stageVariables.none>", "redred<>"),
        ("$util.escapeJavaScript('\"')", '\\"'),
        ("$util.urlEncode('a b&ü') $util.urlDecode('a+b%26')", "a+b%26%C3%BC a b&"),
        ("$util.base64Decode($util.base64Encode('ü'))", "ü"),
        ("$util.parseJson('{\"a\": [1]}').a[0]", "1"),
    ],
)
def test_what_templates_of_the_gateway_know(template: str, text: str) -> None:
    assert mapped(template, '{"a": {"b": [1, "é"]}}') == text


def test_an_empty_body_is_an_empty_object() -> None:
    assert mapped("$input.body $input.json('$') $input.path('$')", "") == "{} {} {}"


def test_templates_of_one_request_share_the_context() -> None:
    known, nothing = context_for({"stage": "dev"}), {"path": {}, "querystring": {}, "header": {}}
    asked = "#set($context.requestOverride.path.body = $input.body)"
    assert rendered(asked, '{"a": 1}', nothing, known, {}) == ""
    answered = "$util.parseJson($context.requestOverride.path.body).a $context.stage"
    assert rendered(answered, "", nothing, known, {}) == "1 dev"


# As the Serverless Framework writes it for functions that are no proxies.
_SERVERLESS = """
#define( $loop )
  {
  #foreach($key in $map.keySet())
      #set( $k = $util.escapeJavaScript($key) )
      #set( $v = $util.escapeJavaScript($map.get($key)).replaceAll("\\\\'", "'") )
      "$k":
        "$v"
        #if( $foreach.hasNext ) , #end
  #end
  }
#end
{
  "principalId": "$context.authorizer.principalId",
  "stage": "$context.stage",
  #set( $map = $input.params().querystring )
  "query": $loop,
  #set( $map = $stageVariables )
  "stageVariables": $loop
}
"""
_FORM = """
#define( $body )
  {
  #foreach( $token in $input.path('$').split('&') )
    #set( $pair = $token.split('=') )
    #if( $pair.size() == 2 )
      "$util.urlDecode($pair[0])": "$util.urlDecode($pair[1])"#if( $foreach.hasNext ),#end
    #end
  #end
  }
#end
$body"""


def test_templates_with_definitions() -> None:
    assert json.loads(mapped(_SERVERLESS)) == {
        "principalId": "", "stage": "dev", "query": {"id": "8", "q": "x"},
        "stageVariables": {"colour": "red"},
    }  # fmt: skip
    assert json.loads(mapped(_FORM, "a=1&b=x+y%27")) == {"a": "1", "b": "x y'"}


def test_a_body_that_is_not_json() -> None:
    assert mapped("$input.body|$input.path('$')", "plain") == "plain|plain"
    deep = "[" * 100_000
    assert mapped("$input.json('$')", deep) == f'"{deep}"'


# ---- paths


VALUE = {
    "store": {"book": [{"price": 5, "title": "a"}, {"price": 9, "title": "b", "isbn": "i"}]},
    "a b": 1,
    "x.y": {"z": 2},
}


@pytest.mark.parametrize(
    ("path", "expected"),
    [
        ("$", VALUE),
        ("$.store.book[0].title", "a"),
        ("store.book[1].price", 9),
        ("$['a b']", 1),
        ('$["x.y"].z', 2),
        ("$.store.book[-1].title", "b"),
        ("$.store.book[*].title", ["a", "b"]),
        ("$.store.book[0:1].price", [5]),
        ("$..price", [5, 9]),
        ("$..book[0].title", ["a"]),
        ("$.store.book[?(@.price < 6)].title", ["a"]),
        ("$.store.book[?(@.title == 'b')].price", [9]),
        ("$.store.book[?(@.isbn)].title", ["b"]),
        ("$.none", MISSING),
        ("$.store.book[7]", MISSING),
        ("$.store.title", MISSING),
        ("$..none", []),
    ],
)
def test_json_paths(path: str, expected: Any) -> None:
    assert found(VALUE, path) == expected


@pytest.mark.parametrize("path", ["$.", "$[", "$.a[b]", "$[?(]", "$ a"])
def test_what_is_no_path(path: str) -> None:
    with pytest.raises(ValueError, match="is no"):
        found(VALUE, path)
