"""Tokens of issuers on this machine, at the routes of an HTTP API."""

from __future__ import annotations

import json
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

import pytest
from joserfc import jwk, jwt

from tests.conftest import ECHO
from tests.gateway_stage import Api, Functions, client, http_api, uri

if TYPE_CHECKING:
    from lambdalab import Lab


class Issuer:
    """A server with the documents of an issuer; ``moved`` is where it sends those who ask."""

    def __init__(self) -> None:
        self.key = jwk.generate_key("EC", "P-256", {"kid": "one"})
        self.moved: str | None = None
        issuer = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(302 if issuer.moved else 200)
                if issuer.moved:
                    self.send_header("Location", f"{issuer.moved}{self.path}")
                self.end_headers()
                self.wfile.write(json.dumps(issuer.document(self.path)).encode())

            def log_message(self, *_: Any) -> None:
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def document(self, path: str) -> dict[str, Any]:
        if path.endswith("/openid-configuration"):
            return {"issuer": self.url, "jwks_uri": f"{self.url}/keys"}
        return {"keys": [self.key.as_dict(private=False)]}

    def token(self, lab: Lab, key: Any = None, **claims: Any) -> str:
        now = int(lab.clock.now().timestamp())
        given = {"iss": self.url, "aud": "app", "exp": now + 60, "iat": now} | claims
        told = {name: value for name, value in given.items() if value is not None}
        return jwt.encode({"alg": "ES256", "kid": "one"}, told, key or self.key)


@pytest.fixture
def issuers() -> Iterator[tuple[Issuer, Issuer]]:
    made = Issuer(), Issuer()
    yield made
    for one in made:
        one.server.shutdown()
        one.server.server_close()


@pytest.fixture(scope="module")
def echo(shared_lab: Lab) -> str:
    return Functions(shared_lab).kept(ECHO)


def guarded(lab: Lab, echo: str, issuer: str) -> Api:
    """An API with one route, for holders of that issuer's tokens."""
    v2, api = client(lab, "apigatewayv2"), http_api(lab, {})
    authorizer = v2.create_authorizer(
        ApiId=api.id, Name="jwt", AuthorizerType="JWT",
        IdentitySource=["$request.header.Authorization"],
        JwtConfiguration={"Issuer": issuer, "Audience": ["app", "other"]},
    )["AuthorizerId"]  # fmt: skip
    integration = v2.create_integration(
        ApiId=api.id, IntegrationType="AWS_PROXY", PayloadFormatVersion="2.0",
        IntegrationUri=uri(echo),
    )["IntegrationId"]  # fmt: skip
    v2.create_route(
        ApiId=api.id, RouteKey="GET /", Target=f"integrations/{integration}",
        AuthorizationType="JWT", AuthorizerId=authorizer,
    )  # fmt: skip
    return api


def test_whose_tokens_hold(shared_lab: Lab, echo: str, issuers: tuple[Issuer, Issuer]) -> None:
    lab, issuer = shared_lab, issuers[0]
    api = guarded(lab, echo, issuer.url)
    now = int(lab.clock.now().timestamp())

    def status(token: str) -> tuple[int, str]:
        answer = lab.http.get(f"{api.url}/", headers={"Authorization": f"Bearer {token}"})
        return answer.status_code, answer.headers.get("www-authenticate", "")

    assert status(issuer.token(lab, roles=["a", "b"], admin=True)) == (200, "")
    assert status(issuer.token(lab, aud=["x", "other"])) == (200, "")
    assert status(issuer.token(lab, aud=None, client_id="app")) == (200, "")
    stranger = jwk.generate_key("EC", "P-256", {"kid": "one"})
    for token, reason in (
        (issuer.token(lab, stranger), "signature is invalid"),
        (issuer.token(lab, iss="http://127.0.0.1:1"), "claim issuer mismatch"),
        (issuer.token(lab, aud="nobody"), "the token does not have a valid audience"),
        (issuer.token(lab, aud=[{}]), "the token does not have a valid audience"),
        (issuer.token(lab, exp=now - 1), "the token has expired"),
        (issuer.token(lab, nbf=now + 90), "the token is not valid yet"),
        ("a.b.c", "signature is invalid"),
    ):
        code, challenge = status(token)
        assert (code, f'error_description="{reason}"' in challenge) == (401, True), challenge


def test_nobody_is_asked_who_is_elsewhere(
    shared_lab: Lab, echo: str, issuers: tuple[Issuer, Issuer]
) -> None:
    lab, (issuer, other) = shared_lab, issuers
    issuer.moved, issuer.key = other.url, other.key
    for address in ("https://issuer.example", issuer.url):
        api = guarded(lab, echo, address)
        headers = {"Authorization": issuer.token(lab, iss=address)}
        answer = lab.http.get(f"{api.url}/", headers=headers)
        assert answer.status_code == 401
        assert "OIDC discovery endpoint communication error" in answer.headers["www-authenticate"]
