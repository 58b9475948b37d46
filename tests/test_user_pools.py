"""Cognito user pools and the functions that are their triggers."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable
from typing import Any

import pytest

from lambdalab import Lab
from tests.engine import refusal

MakeFunction = Callable[..., str]

# Answers each trigger as its rule says; what it was called with is in its log.
TRIGGER = """
import json, os, time
RULES = json.loads(os.environ["RULES"])
def handler(event, context):
    print(json.dumps(event))
    source = event["triggerSource"]
    rule = RULES.get(source) or RULES.get(source.split("_")[0]) or {}
    if "fail" in rule:
        raise Exception(rule["fail"])
    if "sleep" in rule:
        time.sleep(rule["sleep"])
    if "instead" in rule:
        return rule["instead"]
    if event["triggerSource"].startswith("DefineAuthChallenge"):
        session = event["request"]["session"]
        passed = bool(session) and session[-1]["challengeResult"]
        rule = {"issueTokens": passed, "failAuthentication": len(session) > 1 and not passed,
                "challengeName": "CUSTOM_CHALLENGE"}
    if event["triggerSource"].startswith("VerifyAuthChallenge"):
        wanted = event["request"]["privateChallengeParameters"]["answer"]
        rule = {"answerCorrect": event["request"]["challengeAnswer"] == wanted}
    event["response"].update(rule)
    return event
"""
PASSWORD = "Pass-word-1"
NAMES = (
    "PreSignUp", "PostConfirmation", "PreAuthentication", "PostAuthentication", "CustomMessage",
    "DefineAuthChallenge", "CreateAuthChallenge", "VerifyAuthChallengeResponse",
    "PreTokenGeneration", "UserMigration",
)  # fmt: skip
FLOWS = [
    "ALLOW_USER_PASSWORD_AUTH", "ALLOW_ADMIN_USER_PASSWORD_AUTH", "ALLOW_CUSTOM_AUTH",
    "ALLOW_REFRESH_TOKEN_AUTH",
]  # fmt: skip


class Pool:
    """A user pool whose triggers are one function with rules."""

    def __init__(self, lab: Lab, make_function: MakeFunction) -> None:
        self.lab = lab
        self.make_function = make_function
        self.idp: Any = lab.client("cognito-idp")
        self.lam: Any = lab.client("lambda")

    def make(
        self, rules: dict[str, Any], *, names: Any = NAMES, allow: bool = True, **config: Any
    ) -> None:
        variables = {"RULES": json.dumps(rules)}
        name = self.make_function(TRIGGER, Environment={"Variables": variables}, Timeout=30)
        self.function = name
        arn = self.lam.get_function_configuration(FunctionName=name)["FunctionArn"]
        triggers = dict.fromkeys(names, arn)
        config = {key: {**value, "LambdaArn": arn} for key, value in config.items()}
        made = self.idp.create_user_pool(
            PoolName="people",
            LambdaConfig={**triggers, **config},
            AutoVerifiedAttributes=["email"],
        )
        self.id, self.arn = made["UserPool"]["Id"], made["UserPool"]["Arn"]
        client = self.idp.create_user_pool_client(
            UserPoolId=self.id, ClientName="app", ExplicitAuthFlows=FLOWS
        )
        self.client = client["UserPoolClient"]["ClientId"]
        if allow:
            self.lam.add_permission(
                FunctionName=name, StatementId="pool", Action="lambda:InvokeFunction",
                Principal="cognito-idp.amazonaws.com", SourceArn=self.arn,
            )  # fmt: skip

    def sign_up(self, name: str = "ada", **more: Any) -> dict[str, Any]:
        attributes = [{"Name": "email", "Value": f"{name}@example.com"}]
        told: dict[str, Any] = self.idp.sign_up(
            ClientId=self.client, Username=name, Password=PASSWORD, UserAttributes=attributes,
            **more,
        )  # fmt: skip
        return told

    def member(self, name: str = "ada") -> None:
        """A user who is confirmed, of whom the function has heard nothing that counts here."""
        self.idp.admin_create_user(UserPoolId=self.id, Username=name, MessageAction="SUPPRESS")
        self.idp.admin_set_user_password(
            UserPoolId=self.id, Username=name, Password=PASSWORD, Permanent=True
        )

    def sign_in(self, name: str = "ada", password: str = PASSWORD, **more: Any) -> dict[str, Any]:
        told: dict[str, Any] = self.idp.initiate_auth(
            ClientId=self.client, AuthFlow="USER_PASSWORD_AUTH",
            AuthParameters={"USERNAME": name, "PASSWORD": password}, **more,
        )  # fmt: skip
        return told

    def events(self) -> list[dict[str, Any]]:
        """What the function was called with, oldest first."""
        self.lab.clock.advance(seconds=0)
        pages = self.lab.client("logs").get_paginator("filter_log_events")
        found = pages.paginate(logGroupName=f"/aws/lambda/{self.function}")
        lines = [event["message"] for page in found for event in page["events"]]
        return [json.loads(line) for line in lines if line.startswith("{")]

    def sources(self) -> list[str]:
        return [event["triggerSource"] for event in self.events()]

    def user(self, name: str = "ada") -> dict[str, Any]:
        found = self.idp.admin_get_user(UserPoolId=self.id, Username=name)
        shown = {one["Name"]: one["Value"] for one in found["UserAttributes"]}
        return {"status": found["UserStatus"], **shown}


@pytest.fixture
def pool(lab: Lab, make_function: MakeFunction) -> Pool:
    return Pool(lab, make_function)


def claims(token: str) -> dict[str, Any]:
    body = token.split(".")[1]
    told: dict[str, Any] = json.loads(base64.urlsafe_b64decode(body + "=" * (-len(body) % 4)))
    return told


# ---- sign-up


def test_a_user_who_signs_up_passes_the_functions(pool: Pool) -> None:
    pool.make({})
    told = pool.sign_up(
        ClientMetadata={"from": "test"}, ValidationData=[{"Name": "k", "Value": "v"}]
    )
    assert told["UserConfirmed"] is False
    pool.idp.confirm_sign_up(ClientId=pool.client, Username="ada", ConfirmationCode="123456")
    assert pool.sources() == [
        "PreSignUp_SignUp", "CustomMessage_SignUp", "PostConfirmation_ConfirmSignUp",
    ]  # fmt: skip
    first, message, last = pool.events()
    assert first == {
        "version": "1", "region": "us-east-1", "userPoolId": pool.id, "userName": "ada",
        "callerContext": {"awsSdkVersion": "aws-sdk-unknown-unknown", "clientId": pool.client},
        "triggerSource": "PreSignUp_SignUp",
        "request": {
            "userAttributes": {"email": "ada@example.com"},
            "validationData": {"k": "v"}, "clientMetadata": {"from": "test"},
        },
        "response": {"autoConfirmUser": False, "autoVerifyEmail": False, "autoVerifyPhone": False},
    }  # fmt: skip
    assert message["request"]["codeParameter"] == "{####}"
    shown = last["request"]["userAttributes"]
    assert shown["cognito:user_status"] == "CONFIRMED"
    assert (shown["email"], shown["sub"]) == ("ada@example.com", told["UserSub"])


def test_a_function_confirms_at_once(pool: Pool) -> None:
    pool.make({"PreSignUp": {"autoConfirmUser": True, "autoVerifyEmail": True}})
    assert pool.sign_up()["UserConfirmed"] is True
    user = pool.user()
    assert (user["status"], user["email_verified"]) == ("CONFIRMED", "true")
    assert pool.sources() == ["PreSignUp_SignUp", "PostConfirmation_ConfirmSignUp"]


def test_a_function_refuses_who_signs_up(pool: Pool) -> None:
    pool.make({"PreSignUp": {"fail": "Only by invitation"}})
    found = refusal(pool.sign_up)
    assert (found.status, found.code) == (400, "UserLambdaValidationException")
    assert found.message == "PreSignUp failed with error Only by invitation."
    assert pool.idp.list_users(UserPoolId=pool.id)["Users"] == []


def test_administrators_make_users_past_the_functions_too(pool: Pool) -> None:
    pool.make({})
    pool.idp.admin_create_user(UserPoolId=pool.id, Username="ada")
    pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="ada")
    assert pool.sources() == [
        "PreSignUp_AdminCreateUser", "CustomMessage_AdminCreateUser",
        "PostConfirmation_ConfirmSignUp",
    ]  # fmt: skip
    assert pool.events()[0]["callerContext"]["clientId"] == "CLIENT_ID_NOT_APPLICABLE"


# ---- what goes wrong


def test_a_pool_without_permission_is_refused(pool: Pool) -> None:
    pool.make({}, allow=False)
    found = refusal(pool.sign_up)
    assert found.code == "UnexpectedLambdaException"
    assert found.message == "PreSignUp invocation failed due to error AccessDeniedException."
    refused = [record for record in pool.lab.timeline if record.kind == "refused"]
    assert refused[0].detail["service"] == "cognito-idp.amazonaws.com"


def test_a_function_that_is_gone_is_an_error(pool: Pool) -> None:
    pool.make({})
    pool.lam.delete_function(FunctionName=pool.function)
    found = refusal(pool.sign_up)
    assert found.message == "PreSignUp invocation failed due to error ResourceNotFoundException."


@pytest.mark.parametrize("answer", ["text", {"no": "response"}, [1]])
def test_an_answer_that_is_no_event_is_an_error(pool: Pool, answer: Any) -> None:
    pool.make({"PreSignUp": {"instead": answer}}, names=["PreSignUp"])
    found = refusal(pool.sign_up)
    assert (found.code, found.message) == (
        "InvalidLambdaResponseException", "Unrecognizable lambda output",
    )  # fmt: skip


def test_a_function_that_is_slow_is_called_three_times(pool: Pool) -> None:
    pool.make({"PreSignUp": {"sleep": 6}}, names=["PreSignUp"])
    found = refusal(pool.sign_up)
    assert found.code == "UnexpectedLambdaException"
    assert found.message.endswith("Socket timeout while invoking Lambda function.")
    assert pool.sources() == ["PreSignUp_SignUp"] * 3


# ---- sign-in


def test_sign_in_passes_the_functions(pool: Pool) -> None:
    pool.make({})
    pool.member()
    before = len(pool.events())
    pool.sign_in(ClientMetadata={"from": "test"})
    first, second, third = pool.events()[before:]
    assert first["triggerSource"] == "PreAuthentication_Authentication"
    assert first["request"]["validationData"] == {"from": "test"}
    assert second["triggerSource"] == "PostAuthentication_Authentication"
    assert second["request"]["newDeviceUsed"] is False
    assert third["triggerSource"] == "TokenGeneration_Authentication"
    assert third["request"]["groupConfiguration"]["groupsToOverride"] == []
    # What begins a sign-in gives its metadata to the first function only.
    assert not any("clientMetadata" in one["request"] for one in (first, second, third))


def test_a_wrong_password_passes_the_first_function_only(pool: Pool) -> None:
    pool.make({})
    pool.member()
    before = len(pool.events())
    assert refusal(pool.sign_in, password="wrong").code == "NotAuthorizedException"
    assert pool.sources()[before:] == ["PreAuthentication_Authentication"]


def test_a_function_refuses_who_signs_in(pool: Pool) -> None:
    pool.make({"PreAuthentication": {"fail": "Not today"}})
    pool.member()
    found = refusal(pool.sign_in)
    assert found.message == "PreAuthentication failed with error Not today."


def test_the_first_version_changes_the_id_token(pool: Pool) -> None:
    details = {
        "claimsToAddOrOverride": {"team": "blue", "sub": "somebody else"},
        "claimsToSuppress": ["email"],
        "groupOverrideDetails": {
            "groupsToOverride": ["editors"],
            "iamRolesToOverride": ["arn:aws:iam::123456789012:role/e"],
            "preferredRole": "arn:aws:iam::123456789012:role/e",
        },
    }
    pool.make({"TokenGeneration": {"claimsOverrideDetails": details}})
    pool.member()
    told = pool.sign_in()["AuthenticationResult"]
    token, access = claims(told["IdToken"]), claims(told["AccessToken"])
    assert (token["team"], token["cognito:groups"]) == ("blue", ["editors"])
    assert token["cognito:roles"] == [token["cognito:preferred_role"]]
    assert access["cognito:groups"] == ["editors"]
    assert not {"cognito:roles", "email"} & {*access, *set(token) - {"cognito:roles"}}
    assert token["sub"] != "somebody else"
    assert "team" not in access
    before = len(pool.events())
    pool.idp.initiate_auth(
        ClientId=pool.client, AuthFlow="REFRESH_TOKEN_AUTH",
        AuthParameters={"REFRESH_TOKEN": told["RefreshToken"]},
    )  # fmt: skip
    assert pool.sources()[before:] == ["TokenGeneration_RefreshTokens"]


@pytest.mark.parametrize("version", ["2", "3"])
def test_the_second_version_changes_the_access_token_too(pool: Pool, version: str) -> None:
    details = {
        "idTokenGeneration": {"claimsToAddOrOverride": {"team": "blue"}},
        "accessTokenGeneration": {
            "claimsToAddOrOverride": {"tier": "gold"}, "scopesToAdd": ["orders/read"],
            "scopesToSuppress": ["aws.cognito.signin.user.admin"],
        },
    }  # fmt: skip
    rules = {"TokenGeneration": {"claimsAndScopeOverrideDetails": details}}
    pool.make(rules, names=[], PreTokenGenerationConfig={"LambdaVersion": f"V{version}_0"})
    pool.member()
    told = pool.sign_in()["AuthenticationResult"]
    assert claims(told["IdToken"])["team"] == "blue"
    access = claims(told["AccessToken"])
    assert (access["tier"], access["scope"]) == ("gold", "orders/read")
    (event,) = pool.events()
    assert (event["version"], event["request"]["scopes"]) == (
        version, ["aws.cognito.signin.user.admin"],
    )  # fmt: skip


def test_a_user_comes_over_from_elsewhere(pool: Pool) -> None:
    attributes = {"email": "old@example.com", "email_verified": "true"}
    found = {"userAttributes": attributes, "finalUserStatus": "CONFIRMED"}
    pool.make({"UserMigration": found}, names=["UserMigration"])
    assert "AuthenticationResult" in pool.sign_in("old")
    assert pool.user("old")["email"] == "old@example.com"
    (event,) = pool.events()
    assert event["triggerSource"] == "UserMigration_Authentication"
    assert event["request"]["password"] == PASSWORD
    pool.sign_in("old")
    assert len(pool.events()) == 1


def test_a_forgotten_password_has_its_message(pool: Pool) -> None:
    pool.make({})
    pool.sign_up()
    pool.idp.admin_confirm_sign_up(UserPoolId=pool.id, Username="ada")
    before = len(pool.events())
    pool.idp.forgot_password(ClientId=pool.client, Username="ada")
    pool.idp.confirm_forgot_password(
        ClientId=pool.client, Username="ada", ConfirmationCode="1", Password="New-word-22"
    )
    pool.idp.resend_confirmation_code(ClientId=pool.client, Username="ada")
    assert pool.sources()[before:] == [
        "CustomMessage_ForgotPassword", "PostConfirmation_ConfirmForgotPassword",
        "CustomMessage_ResendCode",
    ]  # fmt: skip


def test_another_address_has_its_message(pool: Pool) -> None:
    pool.make({}, names=["CustomMessage"])
    pool.member()
    token = pool.sign_in()["AuthenticationResult"]["AccessToken"]
    changed = [{"Name": "email", "Value": "new@example.com"}]
    pool.idp.update_user_attributes(AccessToken=token, UserAttributes=changed)
    (event,) = pool.events()
    assert event["triggerSource"] == "CustomMessage_UpdateUserAttribute"
    assert event["request"]["userAttributes"]["email"] == "new@example.com"


# ---- challenges


CREATED = {
    "publicChallengeParameters": {"question": "6 * 7"},
    "privateChallengeParameters": {"answer": "42"},
    "challengeMetadata": "SUM",
}


def begin(pool: Pool) -> dict[str, Any]:
    told: dict[str, Any] = pool.idp.initiate_auth(
        ClientId=pool.client, AuthFlow="CUSTOM_AUTH", AuthParameters={"USERNAME": "ada"}
    )
    return told


def answer(pool: Pool, session: str, text: str) -> dict[str, Any]:
    told: dict[str, Any] = pool.idp.respond_to_auth_challenge(
        ClientId=pool.client, ChallengeName="CUSTOM_CHALLENGE", Session=session,
        ChallengeResponses={"USERNAME": "ada", "ANSWER": text},
    )  # fmt: skip
    return told


def test_functions_lead_a_challenge_of_their_own(pool: Pool) -> None:
    pool.make({"CreateAuthChallenge": CREATED})
    pool.member()
    told = begin(pool)
    assert told["ChallengeName"] == "CUSTOM_CHALLENGE"
    assert told["ChallengeParameters"] == {"USERNAME": "ada", "question": "6 * 7"}
    again = answer(pool, told["Session"], "41")
    assert again["ChallengeName"] == "CUSTOM_CHALLENGE"
    done = answer(pool, again["Session"], "42")
    assert claims(done["AuthenticationResult"]["IdToken"])["cognito:username"] == "ada"
    defined = [e for e in pool.events() if e["triggerSource"].startswith("DefineAuth")]
    assert defined[-1]["request"]["session"] == [
        {"challengeName": "CUSTOM_CHALLENGE", "challengeResult": result, "challengeMetadata": "SUM"}
        for result in (False, True)
    ]


def test_functions_end_a_challenge_with_a_refusal(pool: Pool) -> None:
    pool.make({"CreateAuthChallenge": CREATED})
    pool.member()
    again = answer(pool, begin(pool)["Session"], "1")
    found = refusal(answer, pool=pool, session=again["Session"], text="2")
    assert (found.code, found.message) == (
        "NotAuthorizedException", "Incorrect username or password.",
    )  # fmt: skip


def test_a_challenge_without_its_functions_is_refused(pool: Pool) -> None:
    pool.make({}, names=["PreSignUp"])
    pool.member()
    assert refusal(begin, pool=pool).code == "InvalidParameterException"
