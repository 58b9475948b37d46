"""What tests of function URLs share: a lab, functions with URLs, requests."""

from __future__ import annotations

import http.client
import json
from typing import Any

import requests
from botocore.auth import SigV4Auth
from botocore.awsrequest import AWSRequest
from botocore.credentials import Credentials

from lambdalab import Lab
from tests.engine import RUNTIME, port_of

# Gives its event back, or what the header X-Answer says; fails where that says so.
CODE = """import json
def handler(event, context):
    wanted = event["headers"].get("x-answer")
    if wanted == "fail":
        raise ValueError("as the request wants it")
    if wanted == "trace":
        import os
        return {"statusCode": 200, "body": os.environ["_X_AMZN_TRACE_ID"]}
    return json.loads(wanted) if wanted else {"statusCode": 200, "body": json.dumps(event)}
"""
# Both statements that everybody needs.
LEAVE: tuple[dict[str, Any], ...] = (
    {"Action": "lambda:InvokeFunctionUrl", "FunctionUrlAuthType": "NONE"},
    {"Action": "lambda:InvokeFunction", "InvokedViaFunctionUrl": True},
)


class Site:
    """A lab with functions that have URLs."""

    def __init__(self, lab: Lab) -> None:
        self.lab = lab
        self.lam: Any = lab.client("lambda")
        self.url = self.open("site")

    def make(self, name: str, code: str | dict[str, str] = CODE, **settings: Any) -> None:
        files = {"lambda_function.py": code} if isinstance(code, str) else code
        wanted = {
            "FunctionName": name, "Runtime": RUNTIME, "Role": self.lab.role(), "Timeout": 10,
            "Handler": "lambda_function.handler", "Code": {"ZipFile": self.lab.zip(files)},
        }  # fmt: skip
        self.lam.create_function(**wanted | settings)
        self.lam.get_waiter("function_active_v2").wait(FunctionName=name)

    def open(self, name: str, auth: str = "NONE", **settings: Any) -> str:
        """Make a function that everybody may call by its URL; gives that."""
        self.make(name)
        self.permit(name)
        return self.give_url(name, auth, **settings)

    def give_url(self, name: str, auth: str = "NONE", **settings: Any) -> str:
        made = self.lam.create_function_url_config(FunctionName=name, AuthType=auth, **settings)
        return str(made["FunctionUrl"])

    def permit(self, name: str, principal: str = "*", **more: Any) -> None:
        for number, statement in enumerate(LEAVE):
            self.lam.add_permission(
                FunctionName=name, StatementId=f"leave-{number}", Principal=principal,
                **statement | more,
            )  # fmt: skip

    def set(self, name: str, **settings: Any) -> None:
        self.lam.update_function_url_config(FunctionName=name, **settings)

    def get(self, path: str = "", **options: Any) -> requests.Response:
        return self.ask("GET", path, **options)

    def ask(self, method: str, path: str = "", **options: Any) -> requests.Response:
        self.lab.http.cookies.clear()
        return self.lab.http.request(method, self.url + path, **options)

    def answered(self, answer: Any, url: str | None = None) -> requests.Response:
        """What becomes of what a function returns."""
        self.lab.http.cookies.clear()
        text = answer if isinstance(answer, str) else json.dumps(answer)
        return self.lab.http.get(url or self.url, headers={"X-Answer": text})

    def raw(
        self, method: str, target: str, fields: list[tuple[str, str]], body: bytes = b""
    ) -> tuple[int, list[tuple[str, str]], bytes]:
        """A request whose header is exactly these fields; gives status, header fields, body."""
        connection = http.client.HTTPConnection("127.0.0.1", port_of(self.lab), timeout=30)
        try:
            connection.putrequest(method, target, skip_host=True, skip_accept_encoding=True)
            for name, value in fields:
                connection.putheader(name, value)
            connection.endheaders(body or None)
            answer = connection.getresponse()
            return answer.status, answer.getheaders(), answer.read()
        finally:
            connection.close()


def host_of(url: str) -> str:
    return url.removeprefix("https://").rstrip("/")


def signed(
    url: str, credentials: Credentials, *, service: str = "lambda", region: str = "us-east-1",
    method: str = "GET", body: str = "", **headers: str,
) -> dict[str, Any]:  # fmt: skip
    """What a request needs to be signed: the words of ``requests.request``."""
    made = AWSRequest(method, url, headers, body)
    SigV4Auth(credentials, service, region).add_auth(made)
    return {"method": method, "url": url, "headers": dict(made.headers), "data": body}
