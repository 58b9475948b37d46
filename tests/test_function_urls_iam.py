"""Function URLs of AuthType AWS_IAM: signatures, and who signed."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

import pytest
from botocore.credentials import Credentials

from tests.conftest import StartLab
from tests.web_stage import Site, signed

FORBIDDEN = "Forbidden. For troubleshooting Function URL authorization issues, see: "


class Doors(Site):
    """A function that only those may call who sign."""

    def __init__(self, lab: Any) -> None:
        super().__init__(lab)
        self.iam: Any = lab.client("iam")
        self.iam.create_user(UserName="ann")
        self.ann = self.keys()
        self.make("guarded")
        self.guarded = self.give_url("guarded", "AWS_IAM")

    def keys(self) -> Credentials:
        made = self.iam.create_access_key(UserName="ann")["AccessKey"]
        return Credentials(made["AccessKeyId"], made["SecretAccessKey"])

    def assumed(self, role: str) -> tuple[Credentials, Any]:
        given = self.lab.client("sts").assume_role(RoleArn=role, RoleSessionName="today")
        keys = given["Credentials"]
        token = keys["SessionToken"]
        return Credentials(keys["AccessKeyId"], keys["SecretAccessKey"], token), given

    def signed(self, credentials: Credentials, **more: Any) -> Any:
        return self.lab.http.request(**signed(self.guarded, credentials, **more))


@pytest.fixture(scope="module")
def doors(start_lab: StartLab) -> Iterator[Doors]:
    with start_lab() as lab:
        yield Doors(lab)


def test_the_event_says_who_signed(doors: Doors) -> None:
    reply = doors.signed(doors.ann, method="POST", body='{"a": 1}')
    assert reply.status_code == 200
    event = reply.json()
    user = doors.iam.get_user(UserName="ann")["User"]
    context = event["requestContext"]
    assert context["accountId"] == doors.lab.account
    assert context["authorizer"] == {
        "iam": {
            "accessKey": doors.ann.access_key,
            "accountId": doors.lab.account,
            "callerId": user["UserId"],
            "cognitoIdentity": None,
            "principalOrgId": None,
            "userArn": user["Arn"],
            "userId": user["UserId"],
        }
    }
    assert "authorization" not in event["headers"]
    assert "x-amz-date" in event["headers"]


def test_a_role_s_session_is_told(doors: Doors) -> None:
    doors.lab.role("visitor")
    trusted = {"Effect": "Allow", "Principal": {"AWS": "*"}, "Action": "sts:AssumeRole"}
    doors.iam.update_assume_role_policy(
        RoleName="visitor",
        PolicyDocument=json.dumps({"Version": "2012-10-17", "Statement": [trusted]}),
    )
    role = doors.iam.get_role(RoleName="visitor")["Role"]["Arn"]
    session, given = doors.assumed(role)
    who = doors.signed(session).json()["requestContext"]["authorizer"]["iam"]
    assert who["userArn"] == given["AssumedRoleUser"]["Arn"]
    assert who["callerId"] == given["AssumedRoleUser"]["AssumedRoleId"]


def test_without_a_signature_nobody_comes_in(doors: Doors) -> None:
    reply = doors.lab.http.get(doors.guarded)
    assert reply.status_code == 403
    assert reply.json()["Message"].startswith(FORBIDDEN)


def test_a_wrong_secret(doors: Doors) -> None:
    reply = doors.signed(Credentials(doors.ann.access_key, "x" * 40))
    assert reply.status_code == 403
    assert reply.headers["x-amzn-ErrorType"] == "InvalidSignatureException"


def test_what_was_signed_is_what_must_come(doors: Doors) -> None:
    made = signed(doors.guarded, doors.ann, method="POST", body="one")
    assert doors.lab.http.request(**made).status_code == 200
    assert doors.lab.http.request(**made | {"data": "two"}).status_code == 403
    assert doors.lab.http.request(**made | {"url": doors.guarded + "x"}).status_code == 403


@pytest.mark.parametrize(
    ("scope", "text"),
    [
        ({"service": "execute-api"}, "Credential should be scoped to correct service: 'lambda'."),
        ({"region": "eu-west-1"}, "Credential should be scoped to a valid region."),
    ],
    ids=str,
)
def test_a_wrong_scope(doors: Doors, scope: dict[str, str], text: str) -> None:
    reply = doors.signed(doors.ann, **scope)
    assert (reply.status_code, reply.json()) == (403, {"message": text})


def test_leave_for_everybody_is_no_leave_without_a_signature(doors: Doors) -> None:
    doors.make("popular")
    doors.permit("popular")
    url = doors.give_url("popular", "AWS_IAM")
    assert doors.lab.http.get(url).status_code == 403
    assert doors.lab.http.request(**signed(url, doors.ann)).status_code == 200


def test_another_account_needs_both_statements(doors: Doors) -> None:
    other = "999988887777"
    stranger, _ = doors.assumed(f"arn:aws:iam::{other}:role/theirs")
    for number, statement in enumerate(
        (
            {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "AWS_IAM"},
            {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
        )
    ):
        assert doors.signed(stranger).status_code == 403
        doors.lam.add_permission(
            FunctionName="guarded", StatementId=f"other-{number}", Principal=other, **statement
        )
    reply = doors.signed(stranger)
    assert reply.status_code == 200
    assert reply.json()["requestContext"]["accountId"] == other
