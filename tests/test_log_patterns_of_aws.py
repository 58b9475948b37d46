"""Filter patterns as AWS itself matched them, when TestMetricFilter was asked.

Source: https://github.com/radkawar/stackd, testdata/aws/logs/filters.json
"""

from __future__ import annotations

import pytest

from lambdalab.sources.logs.log_patterns import PatternError, pattern

TERMS = [
    "ERROR ARGUMENTS REQUEST", "ERROR BAD REQUEST", "INFO ARGUMENTS", "INFO REQUEST",
    "error arguments request", "ERROR INTERNAL SERVER ERROR", "ERROR INTERNAL  SERVER ERROR",
    "INTERNAL SERVER error", "TERROR REQUEST", "[ERROR] REQUEST", "ERROR-REQUEST",
    "ERROR_ARGUMENTS", "ERROR\nARGUMENTS", "ARGUMENTS ERROR", "plain", 'say "hello world" now',
    "hello-world", " ",
]  # fmt: skip
EXPRESSIONS = [
    "ERROR 500", "ERROR 50", "ERROR 5000", "WARN 404", "xERROR 500", "error 500", "color",
    "colour", "colouur", "10.10.0.1", "10010,051", "hello!", "hello(", "café", "aaab", "abab",
    "ERROR\n500",
]  # fmt: skip
SCALARS = [
    "{}", '{"v":null}', '{"v":"null"}', '{"v":true}', '{"v":false}', '{"v":"true"}',
    '{"v":"false"}', '{"v":0}', '{"v":1}', '{"v":1.0}', '{"v":1e0}', '{"v":"1"}', '{"v":"1.0"}',
    '{"v":-1}', '{"v":1.5}', '{"v":10}', '{"v":"10"}', '{"v":"Alpha"}', '{"v":"alpha"}',
    '{"v":"Alphabet"}', '{"v":"xAlpha"}', '{"v":""}', '{"v":[]}', '{"v":{}}',
    '{"v":[1,"Alpha",null]}', '{"v":"a*b"}', '{"v":"a?b"}', '{"v":1,"v":2}', '{"v":2,"v":1}',
    "not JSON", '[{"v":1}]', "{broken",
]  # fmt: skip
PATHS = [
    '{"nested":{"value":"hit"},"cluster.name":"flat","cluster":{"name":"nested"},'
    '"items":[{"a":1,"b":0},{"a":0,"b":2}],"arr":["miss","hit"],"matrix":[[0,1],[2,3]],'
    '"a":1,"b":0,"c":0}',
    '{"nested":{"value":"miss"},"cluster.name":"nested","cluster":{"name":"flat"},'
    '"items":[{"a":1,"b":2}],"arr":["hit","miss"],"matrix":[[1,0]],"a":0,"b":2,"c":3}',
    '{"nested":null,"arr":[null],"items":[],"a":0,"b":2,"c":0}',
    '{"nested":{},"arr":[],"a":1,"b":2,"c":3}',
    '{"nested":{"value":null},"arr":"hit","a":0,"b":0,"c":3}',
    '{"nested":{"value":"null"},"other":"hit"}',
    '{"nested.value":"hit","arr":[["hit"]]}',
    '{"arr":["hit","hit"],"items":[{"a":1},{"b":2}]}',
    '{"arr":{"0":"hit"},"nested":[{"value":"hit"}]}',
    "{}",
]
FIELDS = [
    '127.0.0.1 - frank [10/Oct/2000:13:25:15 -0700] "GET /index.html HTTP/1.0" 404 1534',
    '127.0.0.2 - jane [10/Oct/2000:13:25:16 -0700] "GET /index.html HTTP/1.0" 410 0',
    '127.0.0.3 - frank [10/Oct/2000:13:25:17 -0700] "POST /api HTTP/1.0" 500 2048',
    '127.0.0.4 - frank [10/Oct/2000:13:25:18 -0700] "GET /index.html HTTP/1.0" 200 100',
    '127.0.0.5  -  frank [10/Oct/2000:13:25:19 -0700] "GET /index.html HTTP/1.0" 404 1534 extra',
    '127.0.0.6\t-\tfrank\t[10/Oct/2000:13:25:20 -0700]\t"GET /index.html HTTP/1.0"\t404\t1534',
    "ERROR request failed", "WARNING request", "INFO request accepted", "ERROR",
    'ERROR "two words"', 'ERROR "unterminated words',
]  # fmt: skip
SEVEN = "ip, identity, user, timestamp, request, status, bytes"

# What AWS found, counted from 0.
FOUND: list[tuple[str, list[str], list[int]]] = [
    ('" "', TERMS, [*range(10), 13, 15, 17]),
    ("ERROR", TERMS, [0, 1, 5, 6, 8, 9, 10, 11, 12, 13]),
    ("ERROR ARGUMENTS", TERMS, [0, 11, 12, 13]),
    ("?ERROR ?ARGUMENTS", TERMS, [0, 1, 2, 5, 6, 8, 9, 10, 11, 12, 13]),
    ("?ERROR ?ARGUMENTS REQUEST", TERMS, [0, 1, 3, 8, 9, 10]),
    ("?ERROR ?ARGUMENTS -REQUEST", TERMS, [2, 4, 5, 6, 7, *range(11, 18)]),
    ("ERROR -ARGUMENTS", TERMS, [1, 5, 6, 8, 9, 10]),
    ("-ERROR", TERMS, [2, 3, 4, 7, 14, 15, 16, 17]),
    ('"INTERNAL SERVER ERROR"', TERMS, [5]),
    ("error", TERMS, [4, 7]),
    ('"hello-world"', TERMS, [16]),
    ('ERROR -"BAD REQUEST"', TERMS, [0, 5, 6, *range(8, 14)]),
    (r"%^ERROR\s[0-9]{3}$%", EXPRESSIONS, [0, 16]),
    ("%ERROR|WARN%", EXPRESSIONS, [0, 1, 2, 3, 4, 16]),
    ("%^colou?r$%", EXPRESSIONS, [6, 7]),
    (r"%10\.10\.0\.1%", EXPRESSIONS, [9]),
    ("%10.10.0.1%", EXPRESSIONS, [9, 10]),
    (r"%\x21%", EXPRESSIONS, [11]),
    ("%^[^a-z]+$%", EXPRESSIONS, [0, 1, 2, 3, 9, 10, 16]),
    ("%^a*b$%", EXPRESSIONS, [14]),
    ("{ $.v = 1 }", SCALARS, [8, 9, 10, 11, 28]),
    ("{ $.v != 1 }", SCALARS, [2, 5, 6, 7, *range(12, 22), 25, 26, 27]),
    ("{ $.v > 1 }", SCALARS, [14, 15, 27]),
    ("{ $.v < 1 }", SCALARS, [7, 13]),
    ("{ $.v >= 1 }", SCALARS, [8, 9, 10, 14, 15, 27, 28]),
    ("{ $.v <= 1 }", SCALARS, [7, 8, 9, 10, 13, 28]),
    ("{ $.v = 1e+0 }", SCALARS, [8, 9, 10, 28]),
    ("{ $.v = -1 }", SCALARS, [13]),
    ('{ $.v = "1" }', SCALARS, [8, 11, 28]),
    ('{ $.v = "Alpha" }', SCALARS, [17]),
    ('{ $.v != "Alpha" }', SCALARS, [2, *range(5, 17), *range(18, 22), 25, 26, 27, 28]),
    ('{ $.v = "Alpha*" }', SCALARS, [17, 19]),
    ('{ $.v = "*Alpha" }', SCALARS, [17, 20]),
    ('{ $.v = "a?b" }', SCALARS, [26]),
    ('{ $.v = "" }', SCALARS, [21]),
    ("{ $.v = %^Al.*% }", SCALARS, [17, 19]),
    ("{ $.v IS NULL }", SCALARS, [1, 24]),
    ("{ $.v NOT EXISTS }", SCALARS, [0]),
    ("{ $.v IS TRUE }", SCALARS, [3]),
    ("{ $.v IS FALSE }", SCALARS, [4]),
    ("{ $.v = true }", SCALARS, [5]),
    ("{ $.v = * }", SCALARS, [2, *range(5, 22), 25, 26, 27, 28]),
    ('{ $.nested.value = "hit" }', PATHS, [0]),
    ("{ $.['cluster.name'] = \"flat\" }", PATHS, [0]),
    ('{ $.cluster.name = "flat" }', PATHS, [1]),
    ('{ $.arr[0] = "hit" }', PATHS, [1, 7]),
    ('{ $.arr[*] = "hit" }', PATHS, [0, 1, 7, 8]),
    ('{ $.* = "hit" }', PATHS, [4, 5, 6]),
    ("{ $.matrix[0][1] = 1 }", PATHS, [0]),
    ("{ $.items[*].a = 1 && $.items[*].b = 2 }", PATHS, [0, 1, 7]),
    ("{ $.a = 1 || $.b = 2 && $.c = 3 }", PATHS, [0, 1, 3]),
    ("{ ($.a = 1 || $.b = 2) && $.c = 3 }", PATHS, [1, 3]),
    ("{ $.nested.value NOT EXISTS }", PATHS, [2, 3, 6, 7, 8, 9]),
    ("{ $.nested.value IS NULL }", PATHS, [4]),
    (f"[{SEVEN}]", FIELDS, [0, 1, 2, 3, 4, 5]),
    ("[ip, identity, user, timestamp, request, status >= 400, bytes > 1000]", FIELDS, [0, 2, 5]),
    ("[..., request = *.html*, status = 4*, bytes]", FIELDS, [0, 1, 5]),
    ("[..., status = 404 || status = 410, bytes]", FIELDS, [0, 1, 5]),
    ("[" + SEVEN.replace("ip", r"ip = %127\.0\.0\.[1-3]%") + "]", FIELDS, [0, 1, 2]),
    ("[..., bytes]", FIELDS, [*range(12)]),
    ("[ip, ..., status, bytes]", FIELDS, [0, 1, 2, 3, 4, 5, 6, 8, 11]),
    ("[]", FIELDS, [*range(12)]),
    ("[w1=ERROR, w2]", FIELDS, [6, 10, 11]),
    ("[w1!=ERROR && w1!=WARNING, w2]", FIELDS, [0, 1, 2, 3, 4, 5, 8]),
]


@pytest.mark.parametrize(("text", "messages", "found"), FOUND, ids=[one[0] for one in FOUND])
def test_what_aws_found(text: str, messages: list[str], found: list[int]) -> None:
    read = pattern(text)
    assert [at for at, message in enumerate(messages) if read.matches(message)] == found


def test_what_aws_took_out_of_messages() -> None:
    apache = pattern(f"[{SEVEN}]").fields
    assert apache(FIELDS[4]) == {
        "ip": "127.0.0.5", "identity": "-", "user": "frank",
        "timestamp": "10/Oct/2000:13:25:19 -0700", "request": "GET /index.html HTTP/1.0",
        "status": "404", "bytes": "1534 extra",
    }  # fmt: skip
    rest = pattern("[w1!=ERROR && w1!=WARNING, w2]").fields
    assert rest(FIELDS[5]) == {"w1": "127.0.0.6", "w2": FIELDS[5].partition("\t")[2]}
    middle = pattern("[ip, ..., status, bytes]").fields
    assert middle(FIELDS[11]) == {"ip": "ERROR", "status": '"unterminated', "bytes": "words"}
    assert pattern("[..., bytes]").fields(FIELDS[10]) == {"1": "ERROR", "bytes": "two words"}
    assert pattern('{ $.v = "Alpha" }').fields('{"v":"Alpha"}') == {}


# What AWS said of patterns that are none.
REFUSED = {
    "ERR*": "Invalid character(s) in term '*'",
    '"ERROR': "Invalid character(s) in term '\"ERROR'",
    "%^(ERROR|WARN)%": "Invalid character(s) in term '%^('",
    "%hello!%": "Invalid character(s) in term '%hello!'",
    "%café%": "Invalid character(s) in term '%café'",
    "%ERROR(?= 500)%": "Invalid character(s) in term '%ERROR('",
    "%[abc%": "Failed to compile regular expression.",
    "{ $.v = null }": "Invalid metric filter pattern",
    "{ $.v EXISTS }": "Invalid metric filter pattern",
    "{ $.v == 1 }": "Invalid metric filter pattern",
    "{ $.v > 0 AND $.v < 2 }": "Invalid metric filter pattern",
    "{ $.broken = }": "Invalid metric filter pattern",
    "{ $.v IS NOT NULL }": "Invalid character(s) in term 'NOT'",
    "{ !($.v = 1) }": "Invalid character(s) in term '!('",
    '{ "v": [1] }': "Invalid character(s) in term ':'",
    '{ $.v > "Alpha" }': "Invalid character(s) in term '\"Alpha\"'",
    "{ $.v = %(Alpha|Beta)% }": "Invalid character(s) in term '%('",
    '{ $..value = "hit" }': "Invalid character(s) in term '$..'",
    '{ $.arr[-1] = "hit" }': "Invalid character(s) in term '[-'",
    '{ $.arr[0:2] = "hit" }': "Invalid character(s) in term '[0:'",
    "{ $.items[*].* = 1 }": (
        "Your filter pattern has a JSON path selector that exceeds the maximum of 1 wildcard "
        "allowed per json selector."
    ),
    '{ $.arr[*] = "a" || $.items[*].a = 1 || $.* = "a" || $.matrix[*][0] = 0 }': (
        "Your input has exceeded the maximum of 3 JSON wildcard selectors allowed per filter "
        "pattern."
    ),
    "{ $.v = %Alpha% || $.v = %Beta% || $.v = %Gamma% }": (
        "Your input has exceeded the maximum of 2 regular expressions per filter pattern."
    ),
    "[..., status, ...]": "Duplicate field '...'",
    "[word, word]": "Duplicate field 'word'",
}


@pytest.mark.parametrize("text", REFUSED)
def test_what_aws_refused(text: str) -> None:
    with pytest.raises(PatternError) as caught:
        pattern(text)
    assert str(caught.value) == REFUSED[text]
