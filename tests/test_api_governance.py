"""Tags, account, loops, runtimes, code signing: rows of answers, and what spans several calls."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from botocore.config import Config

from lambdalab import Lab
from tests.api_rows import Rows
from tests.engine import refusal
from tests.governance import ARN, check_row, seen, world

MakeFunction = Callable[..., str]

ROWS = Rows("governance")
PROFILE = "arn:aws:signer:us-east-1:123456789012:/signing-profiles/test"
PUBLISHERS = {"SigningProfileVersionArns": [PROFILE]}


def config(lam: Any, **members: Any) -> str:
    made = lam.create_code_signing_config(AllowedPublishers=PUBLISHERS, **members)
    arn: str = made["CodeSigningConfig"]["CodeSigningConfigArn"]
    return arn


@pytest.fixture
def unchecked(lab: Lab) -> Any:
    """A client that sends what boto3 would refuse itself."""
    return lab.client("lambda", config=Config(parameter_validation=False))


@pytest.mark.parametrize("row", ROWS.rows, ids=lambda row: row["name"])
def test_a_row(
    lab: Lab, unchecked: Any, make_function: MakeFunction, row: dict[str, Any], role: str
) -> None:
    known = world(unchecked, make_function) | {
        "missing": "arn:aws:lambda:us-east-1:123456789012:function:doesnotexist",
        "missing_csc": f"arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-{'0' * 17}",
        "profile": PROFILE,
        "role": role,
        "zip": lab.zip({"a.py": "x = 1"}),
    }
    check_row(unchecked, ROWS, row, known)


# ---- tags


def test_tags_come_go_and_change_and_a_function_shows_them(
    lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="fn", Tags={"key_a": "value_a"})
    revisions = set()

    def check(tags: dict[str, str]) -> None:
        shown = lam.get_function(FunctionName="fn")
        assert lam.list_tags(Resource=ARN)["Tags"] == shown.get("Tags", {}) == tags
        assert ("Tags" in shown) == bool(tags)
        revisions.add(shown["Configuration"]["RevisionId"])

    check({"key_a": "value_a"})
    lam.tag_resource(Resource=ARN, Tags={"key_b": "value_b", "key_c": "value_c"})
    check({"key_a": "value_a", "key_b": "value_b", "key_c": "value_c"})
    lam.tag_resource(Resource=ARN, Tags={"key_c": "value_x"})
    check({"key_a": "value_a", "key_b": "value_b", "key_c": "value_x"})
    lam.untag_resource(Resource=ARN, TagKeys=["key_b", "key_d"])
    check({"key_a": "value_a", "key_c": "value_x"})
    lam.untag_resource(Resource=ARN, TagKeys=["key_a", "key_c"])
    check({})
    assert len(revisions) == 5


def test_a_resource_has_50_tags_and_not_one_more(
    lab: Lab, lam: Any, make_function: MakeFunction, role: str
) -> None:
    text = "Number of tags exceeds resource tag limit."
    refused = (400, "InvalidParameterValueException", text)
    tags = {f"{number}_key": f"{number}_value" for number in range(51)}
    make_function(FunctionName="fn")
    assert refusal(lam.tag_resource, Resource=ARN, Tags=tags) == refused
    assert lam.list_tags(Resource=ARN)["Tags"] == {}
    del tags["50_key"]
    lam.tag_resource(Resource=ARN, Tags=tags)
    lam.tag_resource(Resource=ARN, Tags={"0_key": "changed"})
    before = seen(lam)
    assert refusal(lam.tag_resource, Resource=ARN, Tags={"a_key": "a_value"}) == refused
    code = {"ZipFile": lab.zip({"a.py": "x = 1"})}
    settings = {"Runtime": "python3.13", "Handler": "a.b", "Role": role, "Code": code}
    too_many = {**tags, "a_key": "a_value"}
    assert refusal(lam.create_function, FunctionName="b", Tags=too_many, **settings) == refused
    assert (
        refusal(
            lam.create_code_signing_config, AllowedPublishers=PUBLISHERS, Tags=too_many
        )
        == refused
    )  # fmt: skip
    assert seen(lam) == before


def test_tags_of_a_code_signing_configuration_are_its_own(lam: Any) -> None:
    arn, other = config(lam, Tags={"a": "1"}), config(lam, Tags={"a": "1"})
    lam.tag_resource(Resource=arn, Tags={"b": "2"})
    lam.untag_resource(Resource=arn, TagKeys=["a"])
    assert lam.list_tags(Resource=arn)["Tags"] == {"b": "2"}
    assert lam.list_tags(Resource=other)["Tags"] == {"a": "1"}


# ---- the account


def test_stored_code_counts_for_every_version_and_functions_once(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    def usage() -> tuple[int, int]:
        found = lam.get_account_settings()["AccountUsage"]
        return found["FunctionCount"], found["TotalCodeSize"]

    assert usage() == (0, 0)
    make_function(FunctionName="fn")
    size = lam.get_function_configuration(FunctionName="fn")["CodeSize"]
    assert usage() == (1, size)
    lam.update_function_configuration(FunctionName="fn", Timeout=5)
    lab.clock.advance(seconds=1)
    assert usage() == (1, size)
    lam.publish_version(FunctionName="fn")
    assert usage() == (1, 2 * size)
    lam.publish_version(FunctionName="fn")
    assert usage() == (1, 2 * size)
    lam.delete_function(FunctionName="fn", Qualifier="1")
    assert usage() == (1, size)
    lam.delete_function(FunctionName="fn")
    assert usage() == (0, 0)


def test_what_functions_reserve_is_not_unreserved(lam: Any, make_function: MakeFunction) -> None:
    def unreserved() -> int:
        found: int = lam.get_account_settings()["AccountLimit"]["UnreservedConcurrentExecutions"]
        return found

    world(lam, make_function)
    lam.put_function_concurrency(FunctionName="fn", ReservedConcurrentExecutions=30)
    assert unreserved() == 970
    lam.put_provisioned_concurrency_config(
        FunctionName="fn", Qualifier="live", ProvisionedConcurrentExecutions=20
    )
    assert unreserved() == 970
    lam.delete_function_concurrency(FunctionName="fn")
    assert unreserved() == 980
    lam.delete_function(FunctionName="fn")
    assert unreserved() == 1000


def test_each_region_is_an_account_of_its_own(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="fn")
    abroad = lab.client("lambda", region_name="eu-west-1").get_account_settings()
    assert abroad["AccountUsage"] == {"FunctionCount": 0, "TotalCodeSize": 0}
    assert lam.get_account_settings()["AccountUsage"]["FunctionCount"] == 1


# ---- loops and runtimes


def test_runtime_management_is_set_for_each_version_and_not_for_aliases(
    lam: Any, make_function: MakeFunction
) -> None:
    world(lam, make_function)
    put, get = lam.put_runtime_management_config, lam.get_runtime_management_config
    put(FunctionName="fn", UpdateRuntimeOn="FunctionUpdate")
    assert get(FunctionName="fn", Qualifier="$LATEST")["UpdateRuntimeOn"] == "FunctionUpdate"
    assert get(FunctionName="fn:1")["UpdateRuntimeOn"] == "Auto"
    for call in (get, lambda **given: put(UpdateRuntimeOn="Auto", **given)):
        found = refusal(call, FunctionName="fn", Qualifier="live")
        assert found[:2] == (400, "InvalidParameterValueException")
    assert refusal(get, FunctionName="fn", Qualifier="7").status == 404


def test_a_function_held_at_its_runtime_takes_other_settings_and_is_let_go(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    make_function(FunctionName="fn", Runtime="python3.13")
    shown = lam.get_function_configuration(FunctionName="fn")
    arn = shown["RuntimeVersionConfig"]["RuntimeVersionArn"]
    lam.put_runtime_management_config(
        FunctionName="fn", UpdateRuntimeOn="Manual", RuntimeVersionArn=arn
    )
    lam.update_function_configuration(FunctionName="fn", Runtime="python3.13", Timeout=9)
    lab.clock.advance(seconds=1)
    lam.put_runtime_management_config(FunctionName="fn", UpdateRuntimeOn="Auto")
    changed = lam.update_function_configuration(FunctionName="fn", Runtime="python3.12")
    assert (changed["Runtime"], changed["Timeout"]) == ("python3.12", 9)


# ---- code signing


def test_a_code_signing_configuration_has_an_id_of_its_own_form(lab: Lab, lam: Any) -> None:
    arn = config(lam)
    assert arn.startswith("arn:aws:lambda:us-east-1:123456789012:code-signing-config:csc-")
    shown = lam.get_code_signing_config(CodeSigningConfigArn=arn)["CodeSigningConfig"]
    assert arn.endswith(f":{shown['CodeSigningConfigId']}")
    assert len(shown["CodeSigningConfigId"]) == len("csc-") + 17
    lab.clock.advance(hours=1)
    changed = lam.update_code_signing_config(CodeSigningConfigArn=arn, Description="new")
    assert changed["CodeSigningConfig"]["LastModified"] > shown["LastModified"]


def test_code_that_nobody_signed_goes_through_under_warn_and_stays_out_under_enforce(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    arn = config(lam)
    make_function(FunctionName="fn", CodeSigningConfigArn=arn)
    code = {"FunctionName": "fn", "ZipFile": lab.zip({"lambda_function.py": "x = 1"})}
    lam.update_function_code(**code)
    lab.clock.advance(seconds=1)
    enforce = {"UntrustedArtifactOnDeployment": "Enforce"}
    lam.update_code_signing_config(CodeSigningConfigArn=arn, CodeSigningPolicies=enforce)
    before = seen(lam)
    for dry in (False, True):
        found = refusal(lam.update_function_code, DryRun=dry, **code)
        assert found.code == "CodeVerificationFailedException"
    layer = lam.publish_layer_version(LayerName="l", Content={"ZipFile": lab.zip({"b.py": ""})})
    layers = [layer["LayerVersionArn"]]
    found = refusal(lam.update_function_configuration, FunctionName="fn", Layers=layers)
    assert found.code == "CodeVerificationFailedException"
    lam.delete_layer_version(LayerName="l", VersionNumber=1)
    assert seen(lam) == before
    lam.update_function_configuration(FunctionName="fn", Timeout=9)
    lab.clock.advance(seconds=1)
    lam.delete_function_code_signing_config(FunctionName="fn")
    lam.update_function_code(**code)


def test_container_images_cannot_be_signed(lam: Any, role: str) -> None:
    image = "123456789012.dkr.ecr.us-east-1.amazonaws.com/images:latest"
    settings = {"PackageType": "Image", "Code": {"ImageUri": image}, "Role": role}
    found = refusal(
        lam.create_function, FunctionName="fn", CodeSigningConfigArn=config(lam), **settings
    )
    text = "Code signing is not supported for functions created with container images."
    assert found == (400, "InvalidParameterValueException", text)
    assert lam.list_functions()["Functions"] == []


def test_a_code_signing_configuration_is_free_when_its_functions_are_gone(
    lam: Any, make_function: MakeFunction
) -> None:
    arn = config(lam)
    make_function(FunctionName="fn", CodeSigningConfigArn=arn)
    assert refusal(lam.delete_code_signing_config, CodeSigningConfigArn=arn).status == 409
    lam.delete_function(FunctionName="fn")
    lam.delete_code_signing_config(CodeSigningConfigArn=arn)
    assert lam.list_code_signing_configs()["CodeSigningConfigs"] == []


def test_lists_of_code_signing_configurations_and_their_functions_come_in_pages(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    arns = sorted(config(lam) for _ in range(3))
    found = lam.get_paginator("list_code_signing_configs").paginate(
        PaginationConfig={"PageSize": 2}
    )
    pages = [[one["CodeSigningConfigArn"] for one in page["CodeSigningConfigs"]] for page in found]
    assert pages == [arns[:2], arns[2:]]
    for name in ("a", "b", "c"):
        make_function(FunctionName=name, CodeSigningConfigArn=arns[0])
    users = lam.get_paginator("list_functions_by_code_signing_config").paginate(
        CodeSigningConfigArn=arns[0], PaginationConfig={"PageSize": 2}
    )
    assert [len(page["FunctionArns"]) for page in users] == [2, 1]
    assert lab.client("lambda", region_name="eu-west-1").list_code_signing_configs()[
        "CodeSigningConfigs"
    ] == []  # fmt: skip


def test_a_code_signing_configuration_names_one_to_twenty_profiles(unchecked: Any) -> None:
    create = unchecked.create_code_signing_config
    for count, bound in ((0, "greater than or equal to 1"), (21, "less than or equal to 20")):
        found = refusal(create, AllowedPublishers={"SigningProfileVersionArns": [PROFILE] * count})
        assert (found.status, found.code) == (400, "ValidationException")
        assert f"Member must have length {bound}" in found.message


def test_a_reset_forgets_code_signing_configurations(lab: Lab, lam: Any) -> None:
    config(lam)
    lab.reset()
    assert lab.client("lambda").list_code_signing_configs()["CodeSigningConfigs"] == []
