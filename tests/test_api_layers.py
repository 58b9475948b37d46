"""Layers: what the API says, who may use them, and what functions have of them."""

from __future__ import annotations

import io
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from botocore.config import Config

from lambdalab import Lab, facts
from tests import layer_rows
from tests.conftest import ECHO, MakeFunction, wait_until_settled
from tests.engine import RUNTIME, invoke, refusal, scratch_of, wait_until, zygote_of

ARN = "arn:aws:lambda:us-east-1:123456789012:layer:"
Publish = Callable[..., str]


@pytest.fixture
def publish(lab: Lab, lam: Any) -> Publish:
    """Publish a version of a layer from files; gives its ARN."""

    def publish(name: str, files: dict[str, str | bytes] | None = None, **settings: Any) -> str:
        content = {"ZipFile": lab.zip(files or {"some/file": name})}
        published = lam.publish_layer_version(LayerName=name, Content=content, **settings)
        arn: str = published["LayerVersionArn"]
        return arn

    return publish


@pytest.fixture(scope="module")
def scratch(shared_lab: Lab) -> Path:
    """Where the cloud keeps code."""
    shared_lab.reset()
    lam = shared_lab.client("lambda")
    lam.create_function(
        FunctionName="any", Runtime=RUNTIME, Handler="a.handler", Role=shared_lab.role(),
        Code={"ZipFile": shared_lab.zip({"a.py": ECHO})},
    )  # fmt: skip
    wait_until_settled(lam, "any")
    lam.invoke(FunctionName="any")  # there is a zygote from now on
    return scratch_of(zygote_of(shared_lab._process.pid)) / "code"


@pytest.fixture
def stage(lab: Lab, scratch: Path) -> Iterator[tuple[Any, dict[str, Any]]]:
    """A client that sends whatever it is given, and what stands in rows."""
    lam = lab.client("lambda", config=Config(parameter_validation=False))
    given = {"@zip": lab.zip({"python/x.py": "X = 1"}), "@no zip": b"no zip", "@role": lab.role()}
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_object(Bucket="code", Key="/layer.zip", Body=given["@zip"])
    lam.create_function(
        FunctionName="f", Runtime="python3.13", Handler="x.y", Role=given["@role"],
        Code={"ZipFile": given["@zip"]},
    )  # fmt: skip
    lab.clock.advance(seconds=1)
    yield lam, given


@pytest.mark.parametrize("row", layer_rows.ROWS, ids=[row["name"] for row in layer_rows.ROWS])
def test_aws_answers_so(
    row: dict[str, Any], lab: Lab, stage: tuple[Any, dict[str, Any]], scratch: Path
) -> None:
    lam, given = stage
    assert row.get("source", layer_rows.SOURCE)
    for name in row.get("before", []):
        layer_rows.step(lam, name, given)
        lab.clock.advance(seconds=1)
    before, places = layer_rows.kept_of(lam), set(scratch.iterdir())
    request = layer_rows.filled(row["request"], given)
    layer_rows.check(row, given, layer_rows.send(lam, row["operation"], request))
    if row.get("code"):
        assert layer_rows.kept_of(lam) == before
        assert set(scratch.iterdir()) <= places


def test_every_runtime_of_today_can_be_named_by_a_layer() -> None:
    today = {one.name for one in facts.runtimes() if one.deprecation is None or one.preview}
    today |= {"python3.10", "python3.14", "nodejs24.x", "java25", "dotnet10", "provided.al2023"}
    for name in ("layers.runtimes-published", "layers.runtimes-searched"):
        listed = facts.quota(name).value.split(", ")
        assert today - set(listed) == set()
        assert len(listed) == len(set(listed))


def test_rows_are_many_and_have_names_of_their_own() -> None:
    names = [row["name"] for row in layer_rows.ROWS]
    assert len(names) == len(set(names)) >= 60


# ---- lists by the page


def test_layers_come_by_the_page(lam: Any, publish: Publish) -> None:
    names = sorted(f"layer-{number:02d}" for number in range(53))
    for name in names:
        publish(name)
    first = lam.list_layers()
    assert [one["LayerName"] for one in first["Layers"]] == names[:50]
    rest = lam.list_layers(Marker=first["NextMarker"])
    assert [one["LayerName"] for one in rest["Layers"]] == names[50:]
    assert "NextMarker" not in rest
    pages = lam.get_paginator("list_layers").paginate(PaginationConfig={"PageSize": 7})
    assert [one["LayerName"] for page in pages for one in page["Layers"]] == names


def test_versions_come_by_the_page_also_when_the_last_shown_is_deleted(
    lam: Any, publish: Publish
) -> None:
    for _ in range(12):
        publish("many")
    first = lam.list_layer_versions(LayerName="many", MaxItems=3)
    assert [one["Version"] for one in first["LayerVersions"]] == [12, 11, 10]
    lam.delete_layer_version(LayerName="many", VersionNumber=10)
    lam.delete_layer_version(LayerName="many", VersionNumber=9)
    publish("many")
    rest = lam.list_layer_versions(LayerName="many", Marker=first["NextMarker"])
    assert [one["Version"] for one in rest["LayerVersions"]] == [8, 7, 6, 5, 4, 3, 2, 1]


# ---- content


def test_the_content_of_a_version_can_be_fetched(lab: Lab, lam: Any) -> None:
    package = lab.zip({"python/x.py": "X = 1"})
    made = lam.publish_layer_version(LayerName="one", Content={"ZipFile": package})["Content"]
    shown = lam.get_layer_version(LayerName="one", VersionNumber=1)["Content"]
    assert (made["CodeSize"], made["CodeSha256"]) == (shown["CodeSize"], shown["CodeSha256"])
    with urllib.request.urlopen(shown["Location"]) as fetched:
        assert fetched.read() == package
    assert shown["CodeSize"] == len(package)


def test_layers_count_in_the_accounts_code_storage(lam: Any, publish: Publish) -> None:
    def stored() -> int:
        size: int = lam.get_account_settings()["AccountUsage"]["TotalCodeSize"]
        return size

    assert stored() == 0
    publish("one")
    first = stored()
    publish("one")
    size = lam.get_layer_version(LayerName="one", VersionNumber=1)["Content"]["CodeSize"]
    assert (first, stored()) == (size, 2 * size)
    lam.delete_layer_version(LayerName="one", VersionNumber=1)
    assert stored() == size


# ---- other accounts


@pytest.fixture
def neighbour(lab: Lab) -> Any:
    """A Lambda client of another account."""
    return client_of(lab, "222222222222")


def client_of(lab: Lab, account: str, service: str = "lambda") -> Any:
    keys = lab.client("sts").assume_role(
        RoleArn=f"arn:aws:iam::{account}:role/them", RoleSessionName="them"
    )["Credentials"]
    return lab.client(
        service, aws_access_key_id=keys["AccessKeyId"],
        aws_secret_access_key=keys["SecretAccessKey"], aws_session_token=keys["SessionToken"],
    )  # fmt: skip


def allow(lam: Any, **settings: Any) -> None:
    lam.add_layer_version_permission(
        LayerName="shared", VersionNumber=1, StatementId="s", Action="lambda:GetLayerVersion",
        **settings,
    )  # fmt: skip


@pytest.mark.parametrize("principal", ["*", "222222222222", "arn:aws:iam::222222222222:root"])
def test_a_version_is_open_to_whom_its_policy_names(
    principal: str, lam: Any, neighbour: Any, publish: Publish
) -> None:
    arn = publish("shared")
    assert refusal(neighbour.get_layer_version_by_arn, Arn=arn).status == 403
    allow(lam, Principal=principal)
    assert neighbour.get_layer_version_by_arn(Arn=arn)["Version"] == 1
    assert neighbour.get_layer_version(LayerName=ARN + "shared", VersionNumber=1)["Version"] == 1
    assert refusal(neighbour.get_layer_version_by_arn, Arn=ARN + "shared:2").status == 403
    lam.remove_layer_version_permission(LayerName="shared", VersionNumber=1, StatementId="s")
    assert refusal(neighbour.get_layer_version_by_arn, Arn=arn).code == "AccessDeniedException"


def test_a_version_open_to_a_third_account_stays_shut(
    lam: Any, neighbour: Any, publish: Publish
) -> None:
    arn = publish("shared")
    allow(lam, Principal="333333333333")
    assert refusal(neighbour.get_layer_version_by_arn, Arn=arn) == (
        403,
        "AccessDeniedException",
        "User: arn:aws:iam::222222222222:root is not authorized to perform: lambda:GetLayerVersion "
        f"on resource: {arn} because no resource-based policy allows the lambda:GetLayerVersion "
        "action",
    )


def test_a_version_is_open_to_the_accounts_of_an_organization(
    lab: Lab, lam: Any, publish: Publish
) -> None:
    organizations = lab.client("organizations")
    organization = organizations.create_organization(FeatureSet="ALL")["Organization"]["Id"]
    status = organizations.create_account(Email="a@example.com", AccountName="member")
    member = client_of(lab, status["CreateAccountStatus"]["AccountId"])
    arn = publish("shared")
    allow(lam, Principal="*", OrganizationId=organization)
    assert member.get_layer_version_by_arn(Arn=arn)["Version"] == 1
    stranger = client_of(lab, "222222222222")
    assert refusal(stranger.get_layer_version_by_arn, Arn=arn).status == 403


@pytest.mark.parametrize(
    ("operation", "given"),
    [
        ("list_layer_versions", {}),
        ("delete_layer_version", {"VersionNumber": 1}),
        ("get_layer_version_policy", {"VersionNumber": 1}),
        ("remove_layer_version_permission", {"VersionNumber": 1, "StatementId": "s"}),
    ],
)
def test_an_open_version_can_be_got_and_nothing_else(
    operation: str, given: dict[str, Any], lam: Any, neighbour: Any, publish: Publish
) -> None:
    publish("shared")
    allow(lam, Principal="*")
    call = getattr(neighbour, operation)
    assert refusal(call, LayerName=ARN + "shared", **given).code == "AccessDeniedException"
    assert len(lam.list_layer_versions(LayerName="shared")["LayerVersions"]) == 1


def test_accounts_and_regions_have_layers_of_their_own(
    lab: Lab, lam: Any, neighbour: Any, publish: Publish
) -> None:
    publish("one")
    content = {"ZipFile": lab.zip({"a": "b"})}
    theirs = neighbour.publish_layer_version(LayerName="one", Content=content)
    assert theirs["LayerVersionArn"] == "arn:aws:lambda:us-east-1:222222222222:layer:one:1"
    far = lab.client("lambda", region_name="eu-west-1")
    assert far.list_layers()["Layers"] == []
    assert refusal(far.get_layer_version_by_arn, Arn=ARN + "one:1").status == 404
    assert len(lam.list_layers()["Layers"]) == len(neighbour.list_layers()["Layers"]) == 1


def test_a_function_runs_with_another_accounts_layer_after_it_was_shut_again(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    neighbour = client_of(lab, "222222222222")
    content = {"ZipFile": lab.zip({"python/theirs.py": "SAY = 'hello'"})}
    arn = neighbour.publish_layer_version(LayerName="shared", Content=content)["LayerVersionArn"]
    allow(neighbour, Principal="123456789012")
    code = "import theirs\ndef handler(event, context): return theirs.SAY\n"
    name = make_function(code, Layers=[arn])
    neighbour.delete_layer_version(LayerName="shared", VersionNumber=1)
    assert invoke(lam, name).value == "hello"
    lam.update_function_configuration(FunctionName=name, Timeout=5)
    wait_until_settled(lam, name)
    assert invoke(lam, name).value == "hello"
    again = {"FunctionName": name, "Layers": [arn]}
    assert refusal(lam.update_function_configuration, **again).status == 403


# ---- what functions have of them

SHOW = """
import os, sys
def handler(event, context):
    import shared
    return {"who": shared.WHO, "file": os.path.basename(shared.__file__), "path": sys.path[:4]}
"""


def test_of_a_file_that_several_layers_have_the_last_ones_counts(
    lam: Any, publish: Publish, make_function: MakeFunction
) -> None:
    one = publish("one", {"python/shared.py": "WHO = 'one'", "python/only_one.py": ""})
    two = publish("two", {"python/shared.py": "WHO = 'two'"})
    assert invoke(lam, make_function(SHOW, Layers=[one, two])).value["who"] == "two"
    assert invoke(lam, make_function(SHOW, Layers=[two, one])).value["who"] == "one"


def test_modules_are_looked_for_in_the_code_then_the_layers_then_the_runtime(
    lam: Any, publish: Publish, make_function: MakeFunction
) -> None:
    layer = publish(
        "paths",
        {
            f"python/lib/{RUNTIME}/site-packages/shared.py": "WHO = 'site-packages'",
            "python/shared.py": "WHO = 'python'",
            "python/other.py": "WHO = 'other'",
            "python/boto3/__init__.py": "WHO = 'a newer boto3'",
        },
    )
    code = """
import sys
def handler(event, context):
    import boto3, other, shared
    print(sys.path)
    return [boto3.WHO, other.WHO, shared.WHO]
"""
    answer = invoke(lam, make_function(code, Layers=[layer]))
    assert answer.value == ["a newer boto3", "other", "site-packages"]
    path = f"['/var/task', '/opt/python/lib/{RUNTIME}/site-packages', '/opt/python', '/var/runtime'"
    assert path in answer.log
    files = {"lambda_function.py": code, "shared.py": "WHO = 'the code'"}
    assert invoke(lam, make_function(files, Layers=[layer])).value[2] == "the code"


def test_a_search_path_of_the_functions_own_takes_the_place_of_the_layers(
    lam: Any, publish: Publish, make_function: MakeFunction
) -> None:
    layer = publish("paths", {"python/shared.py": "WHO = 'python'", "own/shared.py": "WHO = 'own'"})
    variables = {"Variables": {"PYTHONPATH": "/opt/own:/var/task/more"}}
    files = {"lambda_function.py": SHOW, "more/another.py": ""}
    answer = invoke(lam, make_function(files, Layers=[layer], Environment=variables)).value
    assert answer["who"] == "own"


def test_path_files_of_layers_are_read(
    lam: Any, publish: Publish, make_function: MakeFunction
) -> None:
    layer = publish("paths", {"python/more.pth": "deep", "python/deep/shared.py": "WHO = 'deep'"})
    assert invoke(lam, make_function(SHOW, Layers=[layer])).value["who"] == "deep"


def test_what_goes_wrong_in_a_layer_is_shown_where_aws_has_it(
    lam: Any, publish: Publish, make_function: MakeFunction
) -> None:
    layer = publish("shared", {"python/shared.py": "def fail():\n    print(__file__)\n    1 / 0\n"})
    name = make_function(
        "import shared\ndef handler(event, context): shared.fail()\n", Layers=[layer]
    )
    answer = invoke(lam, name)
    assert 'File "/opt/python/shared.py", line 3, in fail' in answer.value["stackTrace"][1]
    assert "/opt/python/shared.py\n" in answer.log
    assert "lambdalab" not in answer.log


def test_programs_and_libraries_of_layers_are_found(
    lam: Any, publish: Publish, make_function: MakeFunction
) -> None:
    program, library = zipfile.ZipInfo("bin/hello"), zipfile.ZipInfo("lib/libours.so.1")
    program.external_attr = library.external_attr = 0o755 << 16
    module = zipfile.ZipInfo("python/shared.py")
    module.external_attr = 0o644 << 16
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w") as archive:
        archive.writestr(program, "#!/bin/sh\necho hello from a layer\n")
        archive.writestr(library, a_library())
        archive.writestr(module, "WHO = 'python'")
    arn = lam.publish_layer_version(LayerName="l", Content={"ZipFile": data.getvalue()})
    code = """
import ctypes, os, shared, subprocess
LOADED = ctypes.CDLL("libours.so.1")
def handler(event, context):
    print(os.environ["PATH"], os.environ["LD_LIBRARY_PATH"])
    said = subprocess.check_output(["hello"], text=True)
    return [said, shared.WHO, LOADED._name, os.getppid()]
"""
    name = make_function(code, Layers=[arn["LayerVersionArn"]])
    answer = invoke(lam, name)
    assert answer.value[:3] == ["hello from a layer\n", "python", "libours.so.1"], answer.log
    paths = "/var/lang/bin:/usr/local/bin:/usr/bin/:/bin:/opt/bin /var/lang/lib:/lib64:"
    assert paths in answer.log
    assert answer.log.count("/opt/lib") == 1
    assert invoke(lam, name).value == answer.value


def a_library() -> bytes:
    """Some library of this machine that loads by itself."""
    folders = (
        "/lib64",
        "/usr/lib64",
        "/lib",
        "/usr/lib",
        *map(str, Path("/usr/lib").glob("*-linux-gnu")),
    )
    for name in ("libutil.so.1", "librt.so.1", "libdl.so.2", "libm.so.6"):
        for folder in folders:
            if Path(folder, name).exists():
                return Path(folder, name).read_bytes()
    pytest.skip("no library was found on this machine")


def test_a_version_keeps_its_layers_when_the_function_gets_others(
    lam: Any, publish: Publish, make_function: MakeFunction
) -> None:
    one = publish("one", {"python/shared.py": "WHO = 'one'"})
    two = publish("two", {"python/shared.py": "WHO = 'two'"})
    name = make_function(SHOW, Layers=[one])
    lam.publish_version(FunctionName=name)
    lam.update_function_configuration(FunctionName=name, Layers=[two])
    wait_until_settled(lam, name)
    assert invoke(lam, name).value["who"] == "two"
    assert invoke(lam, name, Qualifier="1").value["who"] == "one"
    shown = lam.get_function_configuration(FunctionName=name, Qualifier="1")["Layers"]
    assert [layer["Arn"] for layer in shown] == [one]
    lam.update_function_configuration(FunctionName=name, Layers=[])
    wait_until_settled(lam, name)
    assert "No module named 'shared'" in invoke(lam, name).value["errorMessage"]


def test_layers_are_part_of_what_makes_a_version_another_one(
    lam: Any, publish: Publish, make_function: MakeFunction
) -> None:
    one, two = publish("one"), publish("two")
    name = make_function(Layers=[one])
    assert lam.publish_version(FunctionName=name)["Version"] == "1"
    lam.update_function_configuration(FunctionName=name, Layers=[two])
    wait_until_settled(lam, name)
    assert lam.publish_version(FunctionName=name)["Version"] == "2"


def test_code_and_layers_together_have_a_limit(
    lab: Lab, lam: Any, role: str, make_function: MakeFunction
) -> None:
    half = zeros(131_072_000)
    arns = [
        lam.publish_layer_version(LayerName=name, Content={"ZipFile": half})["LayerVersionArn"]
        for name in ("one", "two")
    ]
    code = lab.zip({"a.py": "x = 1"})
    given = {
        "FunctionName": "large", "Runtime": "python3.13", "Handler": "a.b", "Role": role,
        "Code": {"ZipFile": code},
    }  # fmt: skip
    wanted = (
        400,
        "InvalidParameterValueException",
        "Function code combined with layers exceeds the maximum allowed size of 262144000 bytes. "
        "The actual size is 262144005 bytes.",
    )
    assert refusal(lam.create_function, **given, Layers=arns) == wanted
    assert lam.list_functions()["Functions"] == []
    lam.create_function(**given, Layers=arns[:1])
    wait_until_settled(lam, "large")
    both = {"FunctionName": "large", "Layers": arns}
    assert refusal(lam.update_function_configuration, **both) == wanted
    more = {"FunctionName": "large", "ZipFile": zeros(131_072_001)}
    assert refusal(lam.update_function_code, **more).message.endswith("is 262144001 bytes.")
    shown = lam.get_function_configuration(FunctionName="large")
    assert [layer["Arn"] for layer in shown["Layers"]] == arns[:1]
    assert shown["CodeSize"] == len(code)


def zeros(size: int) -> bytes:
    """A small package of a large file."""
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        archive.writestr("zeros", bytes(size))
    return data.getvalue()


# ---- what stays on disk


def test_what_nobody_uses_any_more_goes_from_disk(
    lab: Lab, lam: Any, publish: Publish, make_function: MakeFunction, scratch: Path
) -> None:
    wait_until(lambda: not list(scratch.iterdir()))
    one = publish("one", {"python/shared.py": "WHO = 'one'"})
    name = make_function(SHOW, Layers=[one], Timeout=1)
    assert len(list(scratch.iterdir())) == 3
    lam.delete_layer_version(LayerName="one", VersionNumber=1)
    wait_until(lambda: len(list(scratch.iterdir())) == 2)
    assert invoke(lam, name).value["who"] == "one"
    lam.delete_function(FunctionName=name)
    wait_until(lambda: not list(scratch.iterdir()))


def test_a_refused_function_leaves_no_layers_behind(
    lab: Lab, lam: Any, role: str, publish: Publish, scratch: Path
) -> None:
    layer = publish("one")
    wait_until(lambda: len(list(scratch.iterdir())) == 1)
    given = {
        "FunctionName": "f", "Runtime": "python3.13", "Handler": "a.b", "Role": role,
        "Code": {"ZipFile": b"no zip"}, "Layers": [layer],
    }  # fmt: skip
    assert refusal(lam.create_function, **given).status == 400
    assert len(list(scratch.iterdir())) == 1


def test_an_emptied_lab_has_no_layers(lab: Lab, lam: Any, publish: Publish, scratch: Path) -> None:
    arn = publish("one")
    lab.reset()
    assert lam.list_layers()["Layers"] == []
    assert refusal(lam.get_layer_version_by_arn, Arn=arn).status == 404
    wait_until(lambda: not list(scratch.iterdir()))
    assert publish("one") == arn
