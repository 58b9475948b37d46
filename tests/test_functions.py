"""Functions are created, shown, changed, listed and deleted as on AWS."""

from __future__ import annotations

import base64
import hashlib
import io
import re
import struct
import urllib.request
import zipfile
from collections.abc import Callable, Iterator
from typing import Any

import boto3
import pytest

from lambdalab import Lab, start
from tests.conftest import wait_until_settled
from tests.engine import ARRIVE, RUNTIME, Gate, gone, invoke, outside, refusal, wait_until

MakeFunction = Callable[..., str]

PID = "import os\ndef handler(event, context):\n    return os.getpid()\n"
VERSION = "def handler(event, context):\n    return {}\n"
UNZIP = "Could not unzip uploaded file. Please check your file, then try to upload again."
MEMBERS = {
    "FunctionName", "FunctionArn", "Runtime", "Role", "Handler", "CodeSize", "Description",
    "Timeout", "MemorySize", "LastModified", "CodeSha256", "Version", "TracingConfig",
    "RevisionId", "PackageType", "Architectures", "EphemeralStorage", "SnapStart",
    "RuntimeVersionConfig", "LoggingConfig",
}  # fmt: skip
STATE = {"State", "StateReason", "StateReasonCode", "LastUpdateStatus"}


def settle(lab: Lab) -> None:
    """Let every creation and update come through."""
    lab.clock.advance(seconds=1)


def shown(lam: Any, name: str) -> dict[str, Any]:
    configuration: dict[str, Any] = lam.get_function(FunctionName=name)["Configuration"]
    return configuration


def new(lab: Lab, role: str, name: str = "new", **settings: Any) -> dict[str, Any]:
    """Parameters of CreateFunction."""
    return {
        "FunctionName": name,
        "Runtime": RUNTIME,
        "Handler": "lambda_function.handler",
        "Role": role,
        "Code": {"ZipFile": lab.zip({"lambda_function.py": PID})},
    } | settings


# ---- creation


def test_a_new_function_is_pending_and_shows_its_settings(lab: Lab, lam: Any, role: str) -> None:
    package = lab.zip({"lambda_function.py": PID})
    made = lam.create_function(**new(lab, role, Code={"ZipFile": package}))
    made.pop("ResponseMetadata")
    assert set(made) == MEMBERS | {"State", "StateReason", "StateReasonCode"}
    assert (made["State"], made["StateReasonCode"]) == ("Pending", "Creating")
    assert made["StateReason"] == "The function is being created."
    assert made["FunctionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:new"
    assert made["CodeSize"] == len(package)
    assert made["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", made["LastModified"])
    assert re.fullmatch(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", made["RevisionId"])
    defaults = {
        "Timeout": 3,
        "MemorySize": 128,
        "Description": "",
        "Version": "$LATEST",
        "PackageType": "Zip",
        "Architectures": ["x86_64"],
        "EphemeralStorage": {"Size": 512},
        "TracingConfig": {"Mode": "PassThrough"},
        "SnapStart": {"ApplyOn": "None", "OptimizationStatus": "Off"},
        "LoggingConfig": {"LogFormat": "Text", "LogGroup": "/aws/lambda/new"},
    }
    assert {name: made[name] for name in defaults} == defaults


def test_a_function_becomes_active_and_the_waiters_of_boto3_see_it(
    lab: Lab, lam: Any, role: str
) -> None:
    lam.create_function(**new(lab, role))
    lam.get_waiter("function_exists").wait(FunctionName="new")
    lam.get_waiter("function_active_v2").wait(FunctionName="new")
    lam.get_waiter("function_updated_v2").wait(FunctionName="new")
    found = shown(lam, "new")
    assert (found["State"], found["LastUpdateStatus"]) == ("Active", "Successful")
    assert not STATE & {"StateReason", "StateReasonCode"} & set(found)


@pytest.fixture(scope="module")
def slow_lab() -> Iterator[Lab]:
    """A lab whose time stands all but still: what is under way stays so until it is wound."""
    with start(export=False, speed=0.0001) as lab:
        yield lab


def test_a_function_that_is_pending_is_neither_invoked_nor_updated(slow_lab: Lab) -> None:
    slow_lab.reset()
    lam = slow_lab.client("lambda")
    lam.create_function(**new(slow_lab, slow_lab.role()))
    text = "The operation cannot be performed at this time. The function is currently in the "
    wanted = (409, "ResourceConflictException", f"{text}following state: Pending")
    assert refusal(lam.invoke, FunctionName="new") == wanted
    assert refusal(lam.update_function_configuration, FunctionName="new", Timeout=5) == wanted
    settle(slow_lab)
    assert lam.invoke(FunctionName="new")["StatusCode"] == 200


def test_all_settings_are_kept(lab: Lab, lam: Any, role: str) -> None:
    settings = {
        "Description": "what it does",
        "Timeout": 30,
        "MemorySize": 512,
        "EphemeralStorage": {"Size": 1024},
        "Architectures": ["arm64"],
        "Environment": {"Variables": {"AB": "é", "CD": ""}},
    }
    made = lam.create_function(**new(lab, role, **settings, Tags={"team": "a"}))
    assert {name: made[name] for name in settings} == settings
    assert {name: shown(lam, "new")[name] for name in settings} == settings
    assert lam.get_function(FunctionName="new")["Tags"] == {"team": "a"}


def test_a_name_is_taken_once_per_region(lab: Lab, lam: Any, role: str) -> None:
    lam.create_function(**new(lab, role))
    assert refusal(lam.create_function, **new(lab, role)) == (
        409,
        "ResourceConflictException",
        "Function already exist: new",
    )
    europe = lab.client("lambda", region_name="eu-west-1")
    assert europe.list_functions()["Functions"] == []
    made = europe.create_function(**new(lab, role))
    assert made["FunctionArn"] == "arn:aws:lambda:eu-west-1:123456789012:function:new"


def test_accounts_are_apart(lab: Lab, lam: Any, role: str) -> None:
    lam.create_function(**new(lab, role))
    other = lab.client("sts").assume_role(
        RoleArn="arn:aws:iam::111111111111:role/them", RoleSessionName="them"
    )["Credentials"]
    theirs = boto3.client(
        "lambda",
        endpoint_url=lab.endpoint_url,
        region_name=lab.region,
        aws_access_key_id=other["AccessKeyId"],
        aws_secret_access_key=other["SecretAccessKey"],
        aws_session_token=other["SessionToken"],
    )
    assert theirs.list_functions()["Functions"] == []
    missing = "Function not found: arn:aws:lambda:us-east-1:111111111111:function:new"
    assert refusal(theirs.get_function, FunctionName="new").message == missing


TWO = '{"Service":["ec2.amazonaws.com","lambda.amazonaws.com"]}'
TRUST = '{"Version":"2012-10-17","Statement":[{"Effect":%s,"Action":%s,"Principal":%s}]}'


@pytest.mark.parametrize(
    ("trust", "assumable"),
    [
        (TRUST % ('"Allow"', '"sts:AssumeRole"', '{"Service":"lambda.amazonaws.com"}'), True),
        (TRUST % ('"Allow"', '["sts:*"]', TWO), True),
        (TRUST % ('"Allow"', '"sts:AssumeRole"', '{"Service":"ec2.amazonaws.com"}'), False),
        (TRUST % ('"Deny"', '"sts:AssumeRole"', '{"Service":"lambda.amazonaws.com"}'), False),
        (TRUST % ('"Allow"', '"sts:TagSession"', '{"Service":"lambda.amazonaws.com"}'), False),
    ],
)  # fmt: skip
def test_lambda_must_be_trusted_with_the_role(
    trust: str, assumable: bool, lab: Lab, lam: Any
) -> None:
    iam = lab.client("iam")
    arn = iam.create_role(RoleName="r", AssumeRolePolicyDocument=trust, Path="/deep/down/")
    parameters = new(lab, arn["Role"]["Arn"])
    if assumable:
        assert lam.create_function(**parameters)["State"] == "Pending"
    else:
        assert refusal(lam.create_function, **parameters) == (
            400,
            "InvalidParameterValueException",
            "The role defined for the function cannot be assumed by Lambda.",
        )


def test_functions_of_other_runtimes_are_kept_and_say_that_they_do_not_run(
    lab: Lab, lam: Any, role: str
) -> None:
    lam.create_function(**new(lab, role, Runtime="java21", Handler="example.Handler"))
    settle(lab)
    assert shown(lam, "new")["Runtime"] == "java21"
    status, code, text = refusal(lam.invoke, FunctionName="new")
    assert (status, code) == (502, "InvalidRuntimeException")
    assert "java21" in text


# ---- packages


def packed(build: Callable[[zipfile.ZipFile], object], compression: int = 8) -> bytes:
    data = io.BytesIO()
    with zipfile.ZipFile(data, "w", compression) as archive:
        build(archive)
    return data.getvalue()


def spoiled(package: bytes, start: int, end: int) -> bytes:
    return package[:start] + bytes(byte ^ 0xFF for byte in package[start:end]) + package[end:]


def claiming(package: bytes, size: int) -> bytes:
    """The package with another unzipped size in its directory."""
    place = package.rfind(b"PK\x01\x02") + 24
    return package[:place] + struct.pack("<I", size) + package[place + 4 :]


SOME = b"x = 1\n" * 200
PACKAGE = packed(lambda archive: archive.writestr("a.py", SOME))
DIRECTORY = PACKAGE.rfind(b"PK\x01\x02")
BAD_PACKAGES = {
    "no zip": b"this is not a zip",
    "empty": b"",
    "cut short": PACKAGE[: len(PACKAGE) // 2],
    "broken deflate": spoiled(PACKAGE, 34, 40),
    "broken lzma": spoiled(packed(lambda a: a.writestr("a.py", SOME), zipfile.ZIP_LZMA), 40, 60),
    "broken bzip2": spoiled(packed(lambda a: a.writestr("a.py", SOME), zipfile.ZIP_BZIP2), 40, 60),
    "wrong checksum": spoiled(PACKAGE, DIRECTORY + 16, DIRECTORY + 18),
    "encrypted": PACKAGE[: DIRECTORY + 8] + b"\x01" + PACKAGE[DIRECTORY + 9 :],
    "up and out": packed(lambda archive: archive.writestr("../../evil.py", SOME)),
    "from the root": packed(lambda archive: archive.writestr("/etc/evil", SOME)),
    "a file as a folder": packed(lambda a: (a.writestr("a", b"x"), a.writestr("a/b", b"y"))),
}  # fmt: skip


@pytest.mark.parametrize("kind", BAD_PACKAGES)
def test_a_package_that_cannot_be_unzipped_is_refused_and_leaves_nothing(
    kind: str, lab: Lab, lam: Any, role: str
) -> None:
    wanted = (400, "InvalidParameterValueException", UNZIP)
    code = {"ZipFile": BAD_PACKAGES[kind]}
    assert refusal(lam.create_function, **new(lab, role, Code=code)) == wanted
    assert lam.list_functions()["Functions"] == []


def test_an_unzipped_size_is_judged_before_anything_is_unzipped(
    lab: Lab, lam: Any, role: str
) -> None:
    code = {"ZipFile": claiming(PACKAGE, 262_144_001)}
    assert refusal(lam.create_function, **new(lab, role, Code=code)) == (
        400,
        "InvalidParameterValueException",
        "Unzipped size must be smaller than 262144000 bytes",
    )


def test_a_package_that_claims_less_than_it_holds_is_refused(lab: Lab, lam: Any, role: str) -> None:
    code = {"ZipFile": claiming(PACKAGE, 10)}
    assert refusal(lam.create_function, **new(lab, role, Code=code)).message == UNZIP


def test_a_package_too_large_to_be_sent_is_refused_by_its_own_size_then_the_requests(
    lab: Lab, lam: Any, role: str
) -> None:
    code = {"ZipFile": bytes(52_428_801)}
    assert refusal(lam.create_function, **new(lab, role, Code=code)) == (
        413,
        "RequestEntityTooLargeException",
        "Zipped size must be smaller than 52428800 bytes",
    )
    code = {"ZipFile": bytes(52_700_000)}
    assert refusal(lam.create_function, **new(lab, role, Code=code)) == (
        413,
        "RequestEntityTooLargeException",
        "Request must be smaller than 70167211 bytes for the CreateFunction operation",
    )


LOOK = """
import os, stat, subprocess
def handler(event, context):
    root = os.environ["LAMBDA_TASK_ROOT"]
    modes = {}
    for folder, _, names in os.walk(root):
        for name in names:
            path = os.path.join(folder, name)
            if not name.endswith(".pyc"):
                modes[os.path.relpath(path, root)] = oct(stat.S_IMODE(os.stat(path).st_mode))
    return {"modes": modes, "ran": subprocess.check_output([root + "/bin/tool"], text=True)}
"""


def test_a_package_is_unpacked_with_its_folders_and_modes(
    lam: Any, make_function: MakeFunction
) -> None:
    def build(archive: zipfile.ZipFile) -> None:
        code = zipfile.ZipInfo("lambda_function.py")
        code.external_attr = 0o644 << 16  # others than its owner must be able to read it
        archive.writestr(code, LOOK)
        tool = zipfile.ZipInfo("bin/tool")
        tool.external_attr = 0o755 << 16
        archive.writestr(tool, "#!/bin/sh\necho it runs\n")
        plain = zipfile.ZipInfo("no/mode.txt")
        plain.external_attr = 0x20  # as archivers of Windows write it, without Unix modes
        archive.writestr(plain, "text")

    found = invoke(lam, make_function(Code={"ZipFile": packed(build)})).value
    assert found["ran"] == "it runs\n"
    assert found["modes"]["bin/tool"] == "0o755"
    assert found["modes"]["no/mode.txt"] == "0o644"


def test_code_comes_from_s3_too_also_an_older_version_of_it(lab: Lab, lam: Any, role: str) -> None:
    s3 = lab.client("s3")
    s3.create_bucket(Bucket="code")
    s3.put_bucket_versioning(Bucket="code", VersioningConfiguration={"Status": "Enabled"})
    old, young = (lab.zip({"lambda_function.py": VERSION.format(n)}) for n in (1, 2))
    first = s3.put_object(Bucket="code", Key="a/b.zip", Body=old)["VersionId"]
    s3.put_object(Bucket="code", Key="a/b.zip", Body=young)
    place = {"S3Bucket": "code", "S3Key": "a/b.zip"}
    lam.create_function(**new(lab, role, Code=place))
    settle(lab)
    assert invoke(lam, "new").value == 2
    lam.update_function_code(FunctionName="new", **place, S3ObjectVersion=first)
    settle(lab)
    assert invoke(lam, "new").value == 1


@pytest.mark.parametrize(
    ("bucket", "reason"),
    [
        ("code", "NoSuchKey. S3 Error Message: The specified key does not exist."),
        ("none", "NoSuchBucket. S3 Error Message: The specified bucket does not exist"),
    ],
)
def test_code_that_is_not_in_s3_is_told(
    bucket: str, reason: str, lab: Lab, lam: Any, role: str
) -> None:
    lab.client("s3").create_bucket(Bucket="code")
    code = {"S3Bucket": bucket, "S3Key": "missing.zip"}
    assert refusal(lam.create_function, **new(lab, role, Code=code)) == (
        400,
        "InvalidParameterValueException",
        f"Error occurred while GetObject. S3 Error Code: {reason}",
    )


def test_the_code_can_be_fetched_where_get_function_says(lab: Lab, lam: Any, role: str) -> None:
    package = lab.zip({"lambda_function.py": PID})
    lam.create_function(**new(lab, role, Code={"ZipFile": package}))
    code = lam.get_function(FunctionName="new")["Code"]
    assert code["RepositoryType"] == "S3"
    with urllib.request.urlopen(code["Location"]) as answer:
        assert answer.read() == package
    with pytest.raises(urllib.error.HTTPError) as caught:
        urllib.request.urlopen(code["Location"][:-4] + "0000")
    caught.value.close()
    assert caught.value.code == 404


# ---- names


@pytest.mark.parametrize(
    "form",
    [
        "{name}",
        "function:{name}",
        "123456789012:function:{name}",
        "arn:aws:lambda:us-east-1:123456789012:function:{name}",
        "{name}:$LATEST",
        "arn:aws:lambda:us-east-1:123456789012:function:{name}:$LATEST",
    ],
)
def test_a_function_has_many_names(form: str, lam: Any, make_function: MakeFunction) -> None:
    name = make_function()
    given = form.format(name=name)
    assert lam.get_function(FunctionName=given)["Configuration"]["FunctionName"] == name
    assert lam.get_function_configuration(FunctionName=given)["FunctionName"] == name
    assert invoke(lam, given, {"a": 1}).value == {"a": 1}


OPERATIONS = [
    "get_function",
    "get_function_configuration",
    "delete_function",
    "update_function_configuration",
    "invoke",
]


@pytest.mark.parametrize("operation", OPERATIONS)
def test_a_function_that_is_not_there_is_told_by_its_arn(operation: str, lam: Any) -> None:
    arn = "arn:aws:lambda:us-east-1:123456789012:function:nope"
    assert refusal(getattr(lam, operation), FunctionName="nope") == (
        404,
        "ResourceNotFoundException",
        f"Function not found: {arn}",
    )
    if operation.startswith(("get", "invoke")):
        found = refusal(getattr(lam, operation), FunctionName="nope", Qualifier="$LATEST")
        assert found.message == f"Function not found: {arn}:$LATEST"


# ---- changes


def test_an_update_of_code_is_seen_when_it_has_come_through(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(VERSION.format(1))
    assert invoke(lam, name).value == 1
    before = shown(lam, name)
    package = lab.zip({"lambda_function.py": VERSION.format(2)})
    answer = lam.update_function_code(FunctionName=name, ZipFile=package)
    assert (answer["State"], answer["LastUpdateStatus"]) == ("Active", "InProgress")
    assert answer["LastUpdateStatusReasonCode"] == "Creating"
    assert answer["RevisionId"] != before["RevisionId"]
    assert answer["CodeSha256"] != before["CodeSha256"]
    wait_until_settled(lam, name)
    assert invoke(lam, name).value == 2


def test_while_an_update_is_under_way_another_is_refused_and_the_old_code_runs_on(
    slow_lab: Lab,
) -> None:
    slow_lab.reset()
    lam = slow_lab.client("lambda")
    old, young = (slow_lab.zip({"lambda_function.py": VERSION.format(n)}) for n in (1, 2))
    lam.create_function(**new(slow_lab, slow_lab.role(), Code={"ZipFile": old}))
    settle(slow_lab)
    assert invoke(lam, "new").value == 1
    lam.update_function_code(FunctionName="new", ZipFile=young)
    arn = "arn:aws:lambda:us-east-1:123456789012:function:new"
    text = "The operation cannot be performed at this time. An update is in progress for resource: "
    wanted = (409, "ResourceConflictException", f"{text}{arn}")
    assert refusal(lam.update_function_configuration, FunctionName="new", Timeout=5) == wanted
    assert refusal(lam.update_function_code, FunctionName="new", ZipFile=old) == wanted
    assert invoke(lam, "new").value == 1
    settle(slow_lab)
    assert invoke(lam, "new").value == 2


def test_an_update_of_settings_changes_only_what_it_names(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(
        "import os\ndef handler(event, context):\n    return [os.environ.get('AB'), "
        "context.memory_limit_in_mb, os.getpid(), context.log_stream_name]\n",
        Environment={"Variables": {"AB": "1"}},
        Description="kept",
    )
    *before, inside, stream = invoke(lam, name).value
    pid = outside(lab, inside)
    assert before == ["1", "128"]
    lam.update_function_configuration(FunctionName=name, MemorySize=256)
    settle(lab)
    *after, _, other = invoke(lam, name).value
    assert after == ["1", "256"]
    wait_until(lambda: gone(pid))
    assert other != stream
    lam.update_function_configuration(FunctionName=name, Environment={"Variables": {}})
    settle(lab)
    assert invoke(lam, name).value[0] is None
    found = shown(lam, name)
    assert (found["Description"], found["MemorySize"]) == ("kept", 256)


def test_what_runs_while_the_code_is_changed_ends_with_the_old_code(
    lab: Lab, lam: Any, make_function: MakeFunction, gate: Gate
) -> None:
    from concurrent.futures import ThreadPoolExecutor

    waits = ARRIVE + (
        "def handler(gate, context):\n    arrive(gate)\n    import late\n    return late.WHICH\n"
    )
    name = make_function({"lambda_function.py": waits, "late.py": "WHICH = 'old'"}, Timeout=30)
    with ThreadPoolExecutor() as pool:
        running = pool.submit(invoke, lam, name, gate.port)
        gate.wait_for(1)
        package = lab.zip({"lambda_function.py": VERSION.format("'new'")})
        lam.update_function_code(FunctionName=name, ZipFile=package)
        settle(lab)
        assert invoke(lam, name).value == "new"
        gate.open()
        assert running.result().value == "old"


@pytest.mark.parametrize("operation", ["update_function_configuration", "update_function_code"])
def test_a_stale_revision_is_refused(
    operation: str, lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function()
    changes = (
        {"ZipFile": lab.zip({"lambda_function.py": PID})}
        if operation.endswith("code")
        else {"Timeout": 9}
    )
    stale = shown(lam, name)["RevisionId"]
    getattr(lam, operation)(FunctionName=name, RevisionId=stale, **changes)
    settle(lab)
    assert refusal(getattr(lam, operation), FunctionName=name, RevisionId=stale, **changes) == (
        412,
        "PreconditionFailedException",
        "The Revision Id provided does not match the latest Revision Id. Call the "
        "GetFunction/GetAlias API to retrieve the latest Revision Id",
    )


def test_a_dry_run_of_an_update_tells_what_would_be_and_changes_nothing(
    lab: Lab, lam: Any, make_function: MakeFunction
) -> None:
    name = make_function(VERSION.format(1))
    before = shown(lam, name)
    package = lab.zip({"lambda_function.py": VERSION.format(2)})
    answer = lam.update_function_code(FunctionName=name, ZipFile=package, DryRun=True)
    assert answer["CodeSha256"] == base64.b64encode(hashlib.sha256(package).digest()).decode()
    settle(lab)
    assert shown(lam, name) == before
    assert invoke(lam, name).value == 1


def test_a_bad_update_leaves_the_function_as_it_was(lam: Any, make_function: MakeFunction) -> None:
    name = make_function(VERSION.format(1))
    before = shown(lam, name)
    assert refusal(lam.update_function_code, FunctionName=name, ZipFile=b"no").message == UNZIP
    refusal(lam.update_function_configuration, FunctionName=name, Runtime="python2")
    assert shown(lam, name) == before
    assert invoke(lam, name).value == 1


# ---- lists


def test_functions_are_listed_by_name_page_by_page_and_without_their_state(
    lab: Lab, lam: Any, role: str
) -> None:
    names = [f"f{number:02}" for number in range(7)]
    for name in reversed(names):
        lam.create_function(**new(lab, role, name, Environment={"Variables": {"AB": name}}))
    pages = list(lam.get_paginator("list_functions").paginate(PaginationConfig={"PageSize": 3}))
    assert [[f["FunctionName"] for f in page["Functions"]] for page in pages] == [
        names[:3],
        names[3:6],
        names[6:],
    ]
    row = pages[0]["Functions"][0]
    assert not STATE & set(row)
    assert row["Environment"] == {"Variables": {"AB": "f00"}}
    exact = lam.list_functions(MaxItems=7)
    assert "NextMarker" not in exact


def test_a_list_goes_on_where_it_was_though_functions_come_and_go(
    lab: Lab, lam: Any, role: str
) -> None:
    for name in ("a", "c", "e"):
        lam.create_function(**new(lab, role, name * 2))
    marker = lam.list_functions(MaxItems=2)["NextMarker"]
    lam.delete_function(FunctionName="cc")
    lam.create_function(**new(lab, role, "dd"))
    rest = lam.list_functions(Marker=marker)["Functions"]
    assert [function["FunctionName"] for function in rest] == ["dd", "ee"]


def test_at_most_fifty_come_at_once(lab: Lab, lam: Any, role: str) -> None:
    package = {"ZipFile": lab.zip({"lambda_function.py": PID})}
    for number in range(51):
        lam.create_function(**new(lab, role, f"f{number:02}", Code=package))
    first = lam.list_functions(MaxItems=10_000)
    assert len(first["Functions"]) == 50
    assert len(lam.list_functions(Marker=first["NextMarker"])["Functions"]) == 1


# ---- deletion


def test_a_deleted_function_is_gone_with_its_environments_and_its_name_is_free(
    lab: Lab, lam: Any, make_function: MakeFunction, role: str
) -> None:
    name = make_function(PID)
    pid = outside(lab, invoke(lam, name).value)
    answer = lam.delete_function(FunctionName=name)
    assert answer["ResponseMetadata"]["HTTPStatusCode"] == 204
    assert refusal(lam.get_function, FunctionName=name).status == 404
    assert refusal(lam.invoke, FunctionName=name).status == 404
    assert refusal(lam.delete_function, FunctionName=name).status == 404
    wait_until(lambda: gone(pid))
    lam.create_function(**new(lab, role, name))
    settle(lab)
    assert outside(lab, invoke(lam, name).value) != pid


def test_a_function_can_be_deleted_while_it_is_created_or_updated(
    lab: Lab, lam: Any, role: str
) -> None:
    lam.create_function(**new(lab, role))
    lam.delete_function(FunctionName="new")
    settle(lab)
    assert lam.list_functions()["Functions"] == []
    lam.create_function(**new(lab, role))
    settle(lab)
    lam.update_function_configuration(FunctionName="new", Timeout=9)
    lam.delete_function(FunctionName="new")
    settle(lab)
    assert lam.list_functions()["Functions"] == []


def test_the_timeline_tells_what_became_of_a_function(lab: Lab, lam: Any, role: str) -> None:
    lam.create_function(**new(lab, role))
    settle(lab)
    lam.update_function_configuration(FunctionName="new", Timeout=9)
    settle(lab)
    lam.delete_function(FunctionName="new")
    told = [r.detail["change"] for r in lab.timeline if r.kind == "function"]
    assert told == ["created", "updated", "deleted"]
