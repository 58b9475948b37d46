"""Web handlers written with AWS Lambda Powertools for Python, behind a URL and a load balancer.

They are written as its guide has them; the library comes from a layer.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.conftest import StartLab
from tests.test_load_balancer import Shop
from tests.test_powertools import LIBRARIES, library
from tests.web_stage import LEAVE

CODE = """
from aws_lambda_powertools.event_handler import (
    ALBResolver, CORSConfig, LambdaFunctionUrlResolver, Response, content_types,
)
from aws_lambda_powertools.event_handler.exceptions import BadRequestError
from aws_lambda_powertools.shared.cookies import Cookie

cors = CORSConfig(allow_origin="https://app.example.com", max_age=60)
app = RESOLVER(cors=cors)

@app.get("/todos/<number>")
def todo(number):
    event = app.current_event
    return {
        "number": number,
        "text": event.resolved_query_string_parameters["text"],
        "many": event.resolved_query_string_parameters["many"],
        "agent": event.resolved_headers_field["user-agent"],
    }

@app.post("/todos")
def create():
    made = app.current_event.json_body
    if "title" not in made:
        raise BadRequestError("no title")
    return Response(
        status_code=201, content_type=content_types.TEXT_PLAIN, body=made["title"],
        cookies=[Cookie(name="last", value="one")], headers={"X-Made": "yes"},
    )

@app.get("/picture", compress=True)
def picture():
    return Response(status_code=200, content_type="image/x", body=b"\\x00\\xff")

def handler(event, context):
    return app.resolve(event, context)
"""


class Kitchen(Shop):
    """One application twice: behind a function URL and behind a balancer."""

    def open(self) -> None:
        super().open()
        files = {f"python/{path}": data for path, data in library(*LIBRARIES).items()}
        self.layer: str = self.lam.publish_layer_version(
            LayerName="powertools", Content={"ZipFile": self.lab.zip(files)}
        )["LayerVersionArn"]
        self.cook("url", "LambdaFunctionUrlResolver")
        for number, statement in enumerate(LEAVE):
            self.lam.add_permission(
                FunctionName="url", StatementId=f"leave-{number}", Principal="*", **statement
            )
        made = self.lam.create_function_url_config(FunctionName="url", AuthType="NONE")
        self.url = made["FunctionUrl"].rstrip("/")
        behind = self.cook("balanced", "ALBResolver")
        self.permit("balanced", self.group)
        self.elb.deregister_targets(TargetGroupArn=self.group, Targets=[{"Id": self.function}])
        self.register(self.group, behind)

    def cook(self, name: str, resolver: str) -> str:
        function = self.make_function(name, CODE.replace("RESOLVER", resolver))
        self.lam.update_function_configuration(
            FunctionName=name, Layers=[self.layer], MemorySize=1769
        )
        self.lam.get_waiter("function_updated_v2").wait(FunctionName=name)
        return function

    def ways(self) -> Iterator[tuple[str, str]]:
        """The URL, and the balancer with each setting of the target group."""
        yield "url", self.url
        for on in (False, True):
            self.many(on=on)
            yield f"balancer, multi-value {on}", f"http://{self.name}"


@pytest.fixture(scope="module")
def kitchen(start_lab: StartLab) -> Iterator[Kitchen]:
    with start_lab() as lab:
        yield Kitchen(lab)


def test_a_route_with_parameters(kitchen: Kitchen) -> None:
    for way, url in kitchen.ways():
        found: Any = kitchen.lab.http.get(
            f"{url}/todos/7?text=a&many=1&many=2", headers={"User-Agent": "test"}
        )
        assert found.status_code == 200, way
        told = found.json()
        assert (told["number"], told["text"]) == ("7", ["a"]), way
        assert told["agent"] in ("test", ["test"]), way
        last_only = way == "balancer, multi-value False"
        assert told["many"] == (["2"] if last_only else ["1", "2"]), way


def test_a_body_in_and_cookies_out(kitchen: Kitchen) -> None:
    for way, url in kitchen.ways():
        kitchen.lab.http.cookies.clear()
        made = kitchen.lab.http.post(f"{url}/todos", json={"title": "tea"})
        assert (made.status_code, made.text, made.headers["x-made"]) == (201, "tea", "yes"), way
        assert made.cookies["last"] == "one", way
        assert kitchen.lab.http.post(f"{url}/todos", json={}).status_code == 400, way
        assert kitchen.lab.http.get(f"{url}/nothing").status_code == 404, way


def test_bytes_and_compression(kitchen: Kitchen) -> None:
    for way, url in kitchen.ways():
        plain = kitchen.lab.http.get(f"{url}/picture", headers={"Accept-Encoding": "identity"})
        packed = kitchen.lab.http.get(f"{url}/picture", headers={"Accept-Encoding": "gzip"})
        assert plain.content == packed.content == b"\x00\xff", way
        assert packed.headers["content-encoding"] == "gzip", way


def test_cors_of_the_application(kitchen: Kitchen) -> None:
    asked = {"Origin": "https://app.example.com", "Access-Control-Request-Method": "POST"}
    for way, url in kitchen.ways():
        reply = kitchen.lab.http.options(f"{url}/todos", headers=asked)
        assert reply.status_code == 204, way
        assert reply.headers["access-control-allow-origin"] == "https://app.example.com", way
