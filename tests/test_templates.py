"""Templates of CloudFormation: what is read, what is refused before anything starts, and in whose
words."""

from __future__ import annotations

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from lambdalab import Lab
from lambdalab.errors import AwsError
from lambdalab.neighbours.stacks.templates import checks, extensions, parameters, text, types
from lambdalab.neighbours.stacks.templates.early import Early
from lambdalab.neighbours.stacks.templates.functions import evaluate
from lambdalab.neighbours.stacks.templates.scopes import Preview
from tests.engine import refusal

Json = dict[str, Any]

PLACE = ("123456789012", "us-east-1")
TOPIC: Json = {"Type": "AWS::SNS::Topic"}
FORMAT = "Template format error: "
ERROR = "Template error: "


def gives(kind: str, attribute: str) -> bool:
    return types.gives(kind, attribute)


def refused(template: Any, given: Json | None = None) -> str:
    """Why a template is refused; the code is always the same."""
    body = template if isinstance(template, str) else json.dumps(template)
    with pytest.raises(AwsError) as caught:
        read = text.read(body)
        checks.check(read, gives)
        checks.check_values(read, given or {}, {"AWS::Region": "us-east-1"}, PLACE)
    assert (caught.value.code, caught.value.status) == ("ValidationError", 400)
    return caught.value.message


# ---- the text


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ('{"this is invalid JSON"}', "JSON not well-formed. (line 1, column 25)"),
        ('{"Resources": {}', "JSON not well-formed. (line 1, column 17)"),
        ('{"Resources": NaN}', "JSON not well-formed. (line 1, column 2)"),
        ("Resources: [", "YAML not well-formed. (line 2, column 1)"),
        ("a:\n  B:\n    T: X\n   P: {}\n", "YAML not well-formed. (line 4, column 4)"),
        ("a: 1\na: 2\n", "YAML not well-formed. (line 2, column 1)"),
        ("a: !GetAttr X.Arn\n", "YAML not well-formed. (line 1, column 4)"),
        ("a: !!python/object/apply:os.getcwd []\n", "YAML not well-formed. (line 1, column 4)"),
        ("? [a, b]\n: c\n", "YAML not well-formed. (line 1, column 3)"),
        ("\x00", "YAML not well-formed. (line 1, column 1)"),
        ("- a\n- b\n", "unsupported structure."),
        ("text", "unsupported structure."),
        ("[" * 9000 + "]" * 9000, "unsupported structure."),
        ('{"a":' * 9000 + "1" + "}" * 9000, "unsupported structure."),
    ],
    ids=range(14),
)
def test_what_is_no_template_is_refused_with_its_place(body: str, message: str) -> None:
    assert refused(body) == FORMAT + message


def test_aliases_of_yaml_are_refused() -> None:
    found = refused("Resources:\n  A: &a {Type: AWS::SNS::Topic}\n  B: *a\n")
    assert found == ERROR + "YAML aliases are not allowed in CloudFormation templates"


def test_nothing_is_no_template() -> None:
    assert refused(" \n") == "Either Template URL or Template Body must be specified."


def test_yaml_is_what_its_json_is() -> None:
    body = """
AWSTemplateFormatVersion: 2010-09-09
Resources:
  A:
    Type: AWS::SNS::Topic
    Properties:
      Name: !Join ["-", [!Ref X, !GetAtt B.Nested.Arn, !GetAtt [B, Arn]]]
      Sub: !Sub ["${a}", {a: !Select [0, !Split [",", "a,b"]]}]
      When: !If [C, !FindInMap [M, a, b], !Ref AWS::NoValue]
      Numbers: [1, 1.5, true, "1", 2024-01-02]
      Empty: !GetAZs ""
Conditions:
  C: !And [!Condition D, !Not [!Equals [a, b]]]
"""
    att = {"Fn::GetAtt": ["B", "Nested.Arn"]}
    parts = [{"Ref": "X"}, att, {"Fn::GetAtt": ["B", "Arn"]}]
    first = {"Fn::Select": [0, {"Fn::Split": [",", "a,b"]}]}
    both = [{"Condition": "D"}, {"Fn::Not": [{"Fn::Equals": ["a", "b"]}]}]
    assert text.read(body) == {
        "AWSTemplateFormatVersion": "2010-09-09",
        "Resources": {
            "A": {
                "Type": "AWS::SNS::Topic",
                "Properties": {
                    "Name": {"Fn::Join": ["-", parts]},
                    "Sub": {"Fn::Sub": ["${a}", {"a": first}]},
                    "When": {
                        "Fn::If": ["C", {"Fn::FindInMap": ["M", "a", "b"]}, {"Ref": "AWS::NoValue"}]
                    },
                    "Numbers": [1, 1.5, True, "1", "2024-01-02"],
                    "Empty": {"Fn::GetAZs": ""},
                },
            }
        },
        "Conditions": {"C": {"Fn::And": both}},
    }


# ---- sections, and what stands in them


def out(value: Any, **more: Any) -> Json:
    return {"Resources": {"T": TOPIC}, "Outputs": {"O": {"Value": value}}, **more}


def one(**more: Any) -> Json:
    return {"Resources": {"T": {**TOPIC, **more}}}


NOT_STRING = "Output O is malformed. The Value field of every Outputs member must evaluate to a"
WRONG: list[tuple[Json, str]] = [
    ({}, FORMAT + "At least one Resources member must be defined."),
    ({"Resources": {}}, FORMAT + "At least one Resources member must be defined."),
    ({"Resources": {"T": "text"}}, FORMAT + "Any Resources member must be an object."),
    ({"Resources": {"A": {"Properties": {}}}},
     FORMAT + "[/Resources/A] Every Resources object must contain a Type member."),
    (one(Invalid=10), "Invalid template resource property 'Invalid'"),
    (one(Properties={"TopicName": None}),
     "[/Resources/T/Properties/TopicName] 'null' values are not allowed in templates"),
    ({"Resources": {"T": TOPIC}, "Outputs": {"O": {}}},
     FORMAT + "Every Outputs member must contain a Value object"),
    ({"Resources": {"T": TOPIC}, "Outputs": {"O": {"Value": None}}},
     "[/Outputs/O/Value] 'null' values are not allowed in templates"),
    ({"Resources": {"a-b": TOPIC}}, FORMAT + "Resource name a-b is non alphanumeric."),
    ({"Resources": {"T": TOPIC}, "Foo": 1, "Bar": 2},
     "Invalid template property or properties [Foo, Bar]"),
    ({"Resources": {"T": TOPIC}, "AWSTemplateFormatVersion": "2011-01-01"},
     FORMAT + "2011-01-01 is not a supported value for AWSTemplateFormatVersion."),
    ({"Resources": {"A": {"Type": "AWS::Foo::Bar"}, "B": {"Type": "AWS::S3::Buckt"}}},
     FORMAT + "Unrecognized resource types: [AWS::Foo::Bar, AWS::S3::Buckt]"),
    ({"Resources": {"A": {"Type": "AWS::Serverless::Function"}}},
     FORMAT + "Unrecognized resource types: [AWS::Serverless::Function]"),
    ({"Resources": {f"T{number}": TOPIC for number in range(501)}},
     FORMAT + "Number of resources, 501, is greater than maximum allowed, 500"),
    (one(DeletionPolicy="Keep"), FORMAT + "Unrecognized DeletionPolicy Keep for resource T"),
    (one(DependsOn=[1]), FORMAT + "DependsOn must be a string or list of strings."),
    (one(DependsOn="X"),
     FORMAT + "Unresolved resource dependencies [X] in the Resources block of the template"),
    (out("x", Mappings={"M": {"A": "b"}}), FORMAT + "Every Mappings member A must be a map"),
    (out("x", Mappings={"M": {"A": {"b": {"c": 1}}}}),
     FORMAT + "Every Mappings attribute must be a String or a List."),
    (out(["a"]), FORMAT + NOT_STRING + " String."),
    # Names that stand for nothing.
    (one(Properties={"TopicName": {"Ref": "Nope"}}),
     FORMAT + "Unresolved resource dependencies [Nope] in the Resources block of the template"),
    (out({"Ref": "AWS::Nope"}),
     FORMAT + "Unresolved resource dependencies [AWS::Nope] in the Outputs block of the template"),
    (out({"Fn::Sub": "${Nope}-${T}-${Other}"}),
     FORMAT + "Unresolved resource dependencies [Nope, Other] in the Outputs block of the "
     "template"),
    (out({"Fn::GetAtt": ["Nope", "Arn"]}),
     ERROR + "instance of Fn::GetAtt references undefined resource Nope"),
    (out({"Fn::GetAtt": ["T", "Nope"]}),
     ERROR + "resource T does not support attribute type Nope in Fn::GetAtt"),
    (out({"Fn::Sub": "${T.Nope}"}),
     ERROR + "instance of Fn::Sub references invalid resource attribute T.Nope"),
    (out({"Fn::FindInMap": ["M", "A", "B"]}),
     ERROR + "Mapping named 'M' is not present in the 'Mappings' section of template."),
    (out({"Fn::FindInMap": ["M", "A", "C"]}, Mappings={"M": {"A": {"B": "x"}}}),
     ERROR + "Unable to get mapping for M::A::C"),
    (out({"Fn::If": ["C", "a", "b"]}), ERROR + "unresolved condition dependency C in Fn::If"),
    (one(Condition="C"),
     FORMAT + "Unresolved condition dependency C in the Resources block of the template"),
    # A resource that will not be there.
    ({"Conditions": {"C": {"Fn::Equals": ["a", "b"]}}, "Resources": {
        "T": {**TOPIC, "Condition": "C"}, "S": {**TOPIC, "Properties": {
            "TopicName": {"Fn::Sub": "${T}"}}}}},
     FORMAT + "Unresolved resource dependencies [T] in the Resources block of the template"),
    # Conditions.
    (out("x", Conditions={"C": {"Fn::Equals": ["a"]}}),
     ERROR + "every Fn::Equals object requires a list of 2 string parameters."),
    (out("x", Conditions={"C": {"Fn::Equals": ["a", {"Ref": "T"}]}}),
     FORMAT + "Unresolved dependencies [T]. Cannot reference resources in the Conditions block of "
     "the template"),
    (out("x", Conditions={"C": {"Fn::Or": [{"Fn::Equals": ["a", "b"]}]}}),
     ERROR + "every Fn::Or object requires a list of at least 2 and at most 10 boolean "
     "parameters."),
    (out("x", Conditions={"C": "yes"}),
     FORMAT + "Conditions can only be boolean operations on parameters and other conditions"),
    (out("x", Conditions={"A": {"Condition": "B"}, "B": {"Condition": "A"}}),
     FORMAT + "Circular dependency between conditions: [A, B]"),
    (out("x", Conditions={"A": {"Fn::Equals": [{"Fn::ImportValue": "x"}, "y"]}}),
     ERROR + "Cannot use Fn::ImportValue in Conditions"),
    # Functions.
    (out({"Fn::Foo": 1}), ERROR + "Encountered unsupported function: Fn::Foo"),
    (out({"Ref": ["T"]}), ERROR + "every Ref object must have a single String value."),
    (out({"Fn::Select": [5, ["a"]]}),
     ERROR + "Fn::Select cannot select nonexistent value at index 5"),
    (out({"Fn::Select": ["x", ["a"]]}), ERROR + "Fn::Select requires a list argument"),
    (out({"Fn::Join": ["-"]}), ERROR + "every Fn::Join object requires two parameters"),
    (out({"Fn::Split": [",", ["a"]]}), ERROR + "every Fn::Split object requires two parameters"),
    (out({"Fn::Base64": ["x"]}),
     ERROR + "every Fn::Base64 object must have a String-typed value."),
    (out({"Fn::Sub": ["x", "b"]}), ERROR + "One or more Fn::Sub intrinsic functions"),
    (out({"Fn::GetAtt": ["T"]}), ERROR + "every Fn::GetAtt object requires two non-empty"),
    (out({"Fn::Cidr": ["10.0.0/24", 4, 6]}), ERROR + "every Fn::Cidr object requires"),
    (out({"Fn::ImportValue": {"Ref": "T"}}),
     ERROR + "the attribute in Fn::ImportValue must not depend on any resources"),
    # Circles.
    ({"Resources": {"A": {**TOPIC, "DependsOn": "B"}, "B": {**TOPIC, "DependsOn": "A"}}},
     "Circular dependency between resources: [A, B]"),
    # Parameters that are declared wrong.
    (out("x", Parameters={"P": {}}),
     FORMAT + "Every Parameters object must contain a Type member."),
    (out("x", Parameters={"P": {"Type": "Strin"}}),
     FORMAT + "Unrecognized parameter type: Strin"),
]  # fmt: skip


@pytest.mark.parametrize(("template", "message"), WRONG, ids=range(len(WRONG)))
def test_a_wrong_template_is_refused_in_cloudformations_words(template: Json, message: str) -> None:
    assert refused(template).startswith(message)


@pytest.mark.parametrize(
    ("template", "named"),
    [
        (one(DeletionPolicy="Snapshot"), "DeletionPolicy Snapshot"),
        (one(CreationPolicy={}), "CreationPolicy"),
        (out("x", Hooks={}), "section Hooks"),
    ],
)
def test_what_the_lab_does_not_act_on_is_named(template: Json, named: str) -> None:
    with pytest.raises(AwsError, match=named) as caught:
        checks.check(template, gives)
        checks.check_values(template, {}, {}, PLACE)
    assert caught.value.code == "NotImplementedException"


# ---- parameters


@pytest.mark.parametrize(
    ("declared", "value", "message"),
    [
        ({"Type": "String"}, None, "Parameters: [P] must have values"),
        ({"Type": "String", "AllowedValues": ["a", 1]}, "b",
         "Parameter 'P' must be one of AllowedValues"),
        ({"Type": "CommaDelimitedList", "AllowedValues": ["a"]}, "a,c",
         "Parameter 'P' must be one of AllowedValues"),
        ({"Type": "String", "AllowedPattern": "[a-z]+"}, "abc1",
         "Parameter 'P' must match pattern [a-z]+"),
        ({"Type": "String", "AllowedPattern": "[a-z]+", "ConstraintDescription": "small ones"}, "A",
         "Parameter 'P' failed to satisfy constraint: small ones"),
        ({"Type": "String", "MinLength": 3}, "ab",
         "Parameter 'P' must contain at least 3 characters"),
        ({"Type": "String", "MaxLength": "1"}, "ab",
         "Parameter 'P' must contain at most 1 characters"),
        ({"Type": "Number"}, "ten", "Parameter 'P' must be a number"),
        ({"Type": "List<Number>"}, "1,x", "Parameter 'P' must be a number"),
        ({"Type": "Number", "MinValue": 1}, "0", "Parameter 'P' must be a number not less than 1"),
        ({"Type": "Number", "MaxValue": 2.5}, "3",
         "Parameter 'P' must be a number not greater than 2.5"),
    ],
)  # fmt: skip
def test_a_value_that_is_not_as_declared_is_refused(
    declared: Json, value: str | None, message: str
) -> None:
    template = out("x", Parameters={"P": declared})
    assert refused(template, {} if value is None else {"P": value}) == message


def test_a_value_that_nobody_has_declared_is_refused() -> None:
    assert refused(out("x"), {"P": "x"}) == "Parameters: [P] do not exist in the template"


def test_a_value_is_what_its_type_says() -> None:
    template = {
        "Parameters": {
            "List": {"Type": "CommaDelimitedList", "Default": "a, b,c"},
            "Numbers": {"Type": "List<Number>"},
            "Number": {"Type": "Number", "Default": 7},
            "Text": {"Type": "String", "Default": True},
        }
    }
    found = parameters.values(template, {"Numbers": "1,2.5"})
    assert found == {"List": "a, b,c", "Numbers": "1,2.5", "Number": "7", "Text": "true"}
    assert parameters.resolved(template, found, PLACE) == {
        "List": ["a", "b", "c"],
        "Numbers": [1, 2.5],
        "Number": 7,
        "Text": "true",
    }


RULES = {
    "Old": {
        "RuleCondition": {"Fn::Equals": [{"Ref": "Check"}, "yes"]},
        "Assertions": [{"Assert": {"Fn::Not": [{"Fn::Contains": [["1", "2"], {"Ref": "Version"}]}]},
                        "AssertDescription": "3 or newer, please"}],
    }
}  # fmt: skip


@pytest.mark.parametrize(
    ("version", "check", "message"),
    [("2", "yes", "Template rule failed: 3 or newer, please"), ("3", "yes", ""), ("2", "no", "")],
)
def test_rules_hold_for_values_together(version: str, check: str, message: str) -> None:
    declared = {"Version": {"Type": "String"}, "Check": {"Type": "String"}}
    template, given = (
        out("x", Rules=RULES, Parameters=declared),
        {"Version": version, "Check": check},
    )
    if message:
        assert refused(template, given) == message
    else:
        checks.check(template, gives)
        assert checks.check_values(template, given, {}, PLACE) == set()


# ---- functions

MAPPED = {
    "Mappings": {"M": {"us-east-1": {"Size": 2, "Names": ["a", "b"]}}},
    "Conditions": {"Yes": {"Fn::Equals": [{"Ref": "Flag"}, "true"]}},
    "Resources": {"T": TOPIC},
}
NOTHING = {"Ref": "AWS::NoValue"}


@pytest.mark.parametrize(
    ("value", "found"),
    [
        ({"Fn::Join": ["-", ["a", NOTHING, {"Ref": "Flag"}]]}, "a-true"),
        ({"Fn::Join": ["-", [NOTHING]]}, ""),
        ({"Fn::Split": [",", "a,b,,c"]}, ["a", "b", "", "c"]),
        ({"Fn::Select": ["1", {"Fn::Split": [",", "a,b"]}]}, "b"),
        ({"Fn::Sub": "${Flag}-${!Flag}-$Flag"}, "true-${Flag}-$Flag"),
        ({"Fn::Sub": ["${a}${Flag}", {"a": {"Ref": "Flag"}}]}, "truetrue"),
        ({"Fn::FindInMap": ["M", {"Ref": "AWS::Region"}, "Size"]}, 2),
        ({"Fn::FindInMap": ["M", "us-east-1", "Names"]}, ["a", "b"]),
        ({"Fn::If": ["Yes", "a", "b"]}, "a"),
        ({"a": {"Fn::If": ["Yes", NOTHING, "b"]}, "c": 1}, {"c": 1}),
        (["a", {"Fn::If": ["Yes", NOTHING, "b"]}], ["a"]),
        ({"Fn::Base64": "hello"}, "aGVsbG8="),
        ({"Fn::Cidr": ["192.168.0.0/24", 3, "5"]},
         ["192.168.0.0/27", "192.168.0.32/27", "192.168.0.64/27"]),
        ({"Fn::Cidr": ["2600:1f18:abc:de00::/56", 2, 64]},
         ["2600:1f18:abc:de00::/64", "2600:1f18:abc:de01::/64"]),
        ({"Statement": {"Condition": {"Bool": {"x": "true"}}}},
         {"Statement": {"Condition": {"Bool": {"x": "true"}}}}),
    ],
)  # fmt: skip
def test_functions_give_what_cloudformation_gives(value: Any, found: Any) -> None:
    scope = Preview(MAPPED, {"Flag": "true", "AWS::Region": "us-east-1"}, PLACE)
    assert evaluate(value, scope) == found


def test_zones_are_those_of_the_region() -> None:
    scope = Preview(MAPPED, {"AWS::Region": "us-east-1"}, PLACE)
    zones = evaluate({"Fn::GetAZs": {"Ref": "AWS::Region"}}, scope)
    assert zones[:2] == ["us-east-1a", "us-east-1b"]
    assert evaluate({"Fn::GetAZs": "eu-west-1"}, scope)[0] == "eu-west-1a"


# ---- nothing else

NAMES = st.sampled_from(
    ["Ref", "Fn::GetAtt", "Fn::Sub", "Fn::Join", "Fn::Select", "Fn::Split", "Fn::If", "Fn::Cidr",
     "Fn::FindInMap", "Fn::GetAZs", "Fn::Base64", "Fn::ImportValue", "Type", "Properties", "Value",
     "Condition", "DependsOn", "Export", "A", "T", "AWS::SNS::Topic", "AWS::SNS::Subscription"]
)  # fmt: skip
VALUES = st.recursive(
    st.one_of(NAMES, st.booleans(), st.integers(-3, 9), st.text(max_size=4), st.floats()),
    lambda inner: st.one_of(st.lists(inner, max_size=3), st.dictionaries(NAMES, inner, max_size=2)),
    max_leaves=12,
)
SECTIONS = ["Resources", "Outputs", "Conditions", "Mappings", "Parameters", "Description"]


@settings(max_examples=150, deadline=None)
@given(st.dictionaries(st.sampled_from(SECTIONS), st.dictionaries(NAMES, VALUES, max_size=3)))
def test_whatever_a_template_holds_it_is_taken_or_refused(found: Json) -> None:
    template = {"Resources": {"T": TOPIC}, **found}
    try:
        checks.check(template, gives)
        checks.check_values(template, {}, {}, PLACE)
    except AwsError as error:
        assert error.code in ("ValidationError", "NotImplementedException")


@settings(max_examples=150, deadline=None)
@given(st.text(alphabet="{}[]:,\"'!&*-\n aRef#|>%@\t", max_size=40))
def test_whatever_a_text_holds_it_is_read_or_refused(body: str) -> None:
    try:
        assert isinstance(text.read(body), dict)
    except AwsError as error:
        assert error.code == "ValidationError"


# ---- through the API


@pytest.mark.parametrize("operation", ["create_stack", "validate_template", "get_template_summary"])
@pytest.mark.parametrize("body", ["{", "a: [", "[]", '{"Resources": {"A": {"Type": "AWS::X::Y"}}}'])
def test_a_wrong_template_is_a_validation_error(lab: Lab, operation: str, body: str) -> None:
    client = lab.client("cloudformation")
    name = {"StackName": "stack"} if operation == "create_stack" else {}
    found = refusal(getattr(client, operation), TemplateBody=body, **name)
    assert (found.status, found.code) == (400, "ValidationError")
    assert found.message.startswith("Template format error: ")
    assert client.describe_stacks()["Stacks"] == []


def test_a_template_that_is_too_long_is_refused(lab: Lab) -> None:
    client, body = lab.client("cloudformation"), "#" * 51_201
    found = refusal(client.create_stack, StackName="stack", TemplateBody=body)
    assert found.message.endswith("Member must have length less than or equal to 51200")


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://example.com/t.json", "TemplateURL must be a supported URL."),
        (
            "s3://bucket/t.json",
            "S3 error: Domain name specified in bucket is not a valid S3 domain",
        ),
        ("https://s3.amazonaws.com/none/t.json", "S3 error: The specified bucket does not exist"),
        ("https://code.s3.us-east-1.amazonaws.com/none", "S3 error: The specified key does not ex"),
    ],
)
def test_a_template_that_is_not_there_is_refused(lab: Lab, url: str, message: str) -> None:
    lab.client("s3").create_bucket(Bucket="code")
    found = refusal(lab.client("cloudformation").validate_template, TemplateURL=url)
    assert (found.code, found.message.startswith(message)) == ("ValidationError", True)


def test_a_template_is_summed_up(lab: Lab) -> None:
    client = lab.client("cloudformation")
    body = json.dumps({
        "AWSTemplateFormatVersion": "2010-09-09", "Description": "about it",
        "Metadata": {"TopicName": "x"},
        "Parameters": {"P": {"Type": "Number", "Default": 3, "NoEcho": True, "AllowedValues": [3]}},
        "Resources": {"T": TOPIC, "R": {"Type": "AWS::IAM::Role", "Properties": {"RoleName": "r"}}},
    })  # fmt: skip
    summary = client.get_template_summary(TemplateBody=body)
    assert (summary["Version"], summary["Metadata"]) == ("2010-09-09", "{'TopicName': 'x'}")
    assert summary["ResourceTypes"] == ["AWS::IAM::Role", "AWS::SNS::Topic"]
    assert summary["ResourceIdentifierSummaries"][0] == {
        "ResourceType": "AWS::SNS::Topic",
        "LogicalResourceIds": ["T"],
    }
    valid = client.validate_template(TemplateBody=body)
    assert valid["Parameters"] == [{"ParameterKey": "P", "DefaultValue": "3", "NoEcho": True}]
    for found in (summary, valid):
        assert (found["Description"], found["Capabilities"]) == (
            "about it",
            ["CAPABILITY_NAMED_IAM"],
        )
        assert found["CapabilitiesReason"] == (
            "The following resource(s) require capabilities: [AWS::IAM::Role]"
        )
    assert client.estimate_template_cost(TemplateBody=body)["Url"].startswith("https://")


def test_values_of_other_services_reach_a_template(lab: Lab) -> None:
    client = lab.client("cloudformation")
    lab.client("ssm").put_parameter(Name="/app/name", Value="from-store", Type="String")
    lab.client("secretsmanager").create_secret(Name="login", SecretString='{"user": "me"}')
    body = {
        "Parameters": {"P": {"Type": "AWS::SSM::Parameter::Value<String>", "Default": "/app/name"},
                       "Hidden": {"Type": "String", "NoEcho": True, "Default": "secret"}},
        "Resources": {"T": {**TOPIC, "Properties": {
            "TopicName": {"Fn::Sub": "${P}-{{resolve:ssm:/app/name}}"},
            "DisplayName": "{{resolve:secretsmanager:login:SecretString:user}}"}}},
        "Outputs": {"Name": {"Value": {"Fn::GetAtt": ["T", "TopicName"]}}},
    }  # fmt: skip
    client.create_stack(StackName="stack", TemplateBody=json.dumps(body))
    (stack,) = client.describe_stacks(StackName="stack")["Stacks"]
    assert stack["Outputs"][0]["OutputValue"] == "from-store-from-store"
    assert stack["Parameters"] == [
        {"ParameterKey": "P", "ParameterValue": "/app/name", "ResolvedValue": "from-store"},
        {"ParameterKey": "Hidden", "ParameterValue": "****"},
    ]
    (topic,) = lab.client("sns").list_topics()["Topics"]
    attributes = lab.client("sns").get_topic_attributes(TopicArn=topic["TopicArn"])["Attributes"]
    assert attributes["DisplayName"] == "me"
    given = [{"ParameterKey": "P", "ParameterValue": "/none"}]
    found = refusal(
        client.create_stack, StackName="s", TemplateBody=json.dumps(body), Parameters=given
    )
    assert found.message == (
        "Unable to fetch parameters [/none] from parameter store for this account."
    )


@pytest.mark.parametrize(
    "operation",
    ["detect_stack_drift", "continue_update_rollback", "rollback_stack", "describe_account_limits"],
)
def test_operations_that_the_lab_lacks_are_named(lab: Lab, operation: str) -> None:
    client = lab.client("cloudformation")
    given = {} if operation == "describe_account_limits" else {"StackName": "stack"}
    found = refusal(getattr(client, operation), **given)
    assert found.code == "NotImplementedException"
    assert operation.replace("_", "") in found.message.lower()


# ---- AWS::LanguageExtensions


EXTENDED: list[tuple[Json, Json]] = [
    # loops: in the names, in values, one in the other, over a parameter
    ({"Fn::ForEach::L": ["X", ["a", "b"], {"Q${X}": {"N": {"Ref": "X"}, "T": "is ${X}"}}]},
     {"Qa": {"N": "a", "T": "is a"}, "Qb": {"N": "b", "T": "is b"}}),
    ({"Fn::ForEach::L": ["X", {"Ref": "List"}, {"Q&{X}": {"N": "${X}"}}]},
     {"Qone": {"N": "one"}, "Qtwo": {"N": "t-wo"}}),
    ({"Fn::ForEach::L": ["X", ["a"], {"Fn::ForEach::M": ["Y", ["1", "2"], {"${X}${Y}": {}}]}]},
     {"a1": {}, "a2": {}}),
    ({"A": {"P": {"Fn::ForEach::L": ["X", ["a", "b"], {"${X}": 1}], "c": 2}}},
     {"A": {"P": {"a": 1, "b": 1, "c": 2}}}),
    # functions
    ({"A": {"Fn::Length": {"Ref": "List"}}}, {"A": 2}),
    ({"A": {"Fn::ToJsonString": {"a": [1, {"Ref": "Word"}]}}}, {"A": '{"a":[1,"w"]}'}),
    ({"A": {"Fn::ToJsonString": {"a": {"Ref": "Q"}}}},
     {"A": {"Fn::Sub": ['{"a":"${Value0}"}', {"Value0": {"Ref": "Q"}}]}}),
    ({"A": {"Fn::FindInMap": ["M", {"Ref": "Word"}, "x"]}}, {"A": "found"}),
    ({"A": {"Fn::FindInMap": ["M", "w", "y", {"DefaultValue": "else"}]}}, {"A": "else"}),
    ({"A": {"Fn::GetAtt": [{"Fn::Sub": "Q${Word}"}, "Arn"]}}, {"A": {"Fn::GetAtt": ["Qw", "Arn"]}}),
    ({"A": {"DeletionPolicy": {"Ref": "Keep"}}}, {"A": {"DeletionPolicy": "Retain"}}),
    ({"A": {"Fn::GetAtt": ["Q", "Arn"]}}, {"A": {"Fn::GetAtt": ["Q", "Arn"]}}),
]  # fmt: skip


def extended(resources: Json) -> Json:
    declared = {"List": "CommaDelimitedList", "Word": "String", "Keep": "String"}
    template = {
        "Transform": extensions.NAME,
        "Parameters": {name: {"Type": kind} for name, kind in declared.items()},
        "Mappings": {"M": {"w": {"x": "found"}}},
        "Resources": resources,
    }
    values = {"List": "one,t-wo", "Word": "w", "Keep": "Retain"}
    found = extensions.extend(template, Early(template, values, {"AWS::Region": "r"}, PLACE))
    made: Json = found["Resources"]
    return made


@pytest.mark.parametrize(("resources", "wanted"), EXTENDED)
def test_the_language_is_extended(resources: Json, wanted: Json) -> None:
    assert extended(resources) == wanted


@pytest.mark.parametrize(
    ("resources", "text"),
    [
        ({"Fn::ForEach::L": ["X", ["a", "a"], {"Q${X}": {}}]},
         "Duplicate key 'Qa' when merging keys to parent object in Fn::ForEach"),
        ({"Fn::ForEach::L": ["X", ["a"]]}, "Fn::ForEach::L needs an identifier"),
        ({"Fn::ForEach::L": ["X", {"Ref": "Unknown"}, {"Q": {}}]}, "Fn::ForEach::L needs"),
        ({"A": {"Fn::Length": {"Ref": "Word"}}}, "Fn::Length needs a list"),
        ({"A": {"Fn::Length": {"Ref": "Q"}}}, "Fn::Length needs a value that is known"),
        ({"A": {"DeletionPolicy": {"Ref": "Q"}}}, "DeletionPolicy needs a value that is known"),
        ({"A": {"Fn::FindInMap": ["M"]}}, "every Fn::FindInMap object requires"),
    ],
)  # fmt: skip
def test_a_wrong_extension_of_the_language_is_refused(resources: Json, text: str) -> None:
    with pytest.raises(AwsError, match=text):
        extended(resources)
