"""The services that invoke functions: their table, and test events of those not in the lab."""

from __future__ import annotations

import json

import pytest

from lambdalab import Lab, facts
from lambdalab.lab.errors import ServiceRefusedError
from tests.event_stage import Stage, stage

__all__ = ["stage"]

SERVICES = facts.services()
# One lesson row each: what is sent, and by whom.
ROWS = {
    "ses": "ses.amazonaws.com",
    "config": "config.amazonaws.com",
    "codecommit": "codecommit.amazonaws.com",
    "codepipeline": "codepipeline.amazonaws.com",
    "iot": "iot.amazonaws.com",
    "s3-batch": "batchoperations.s3.amazonaws.com",
    "lex": "lexv2.amazonaws.com",
    "alexa": "alexa-appkit.amazon.com",
    "api-gateway-websocket": "apigateway.amazonaws.com",
    "pipes": "pipes.amazonaws.com",
}
# The keys that handlers look for, from the outside in.
SHAPES = {
    "ses": ("Records", 0, "ses", "mail", "commonHeaders", "subject"),
    "config": ("invokingEvent",),
    "codecommit": ("Records", 0, "codecommit", "references", 0, "commit"),
    "codepipeline": ("CodePipeline.job", "data", "actionConfiguration", "configuration"),
    "iot": ("temperature",),
    "s3-batch": ("tasks", 0, "s3Key"),
    "lex": ("sessionState", "intent", "name"),
    "alexa": ("request", "intent", "name"),
    "api-gateway-websocket": ("requestContext", "connectionId"),
    "pipes": (0, "body"),
}


def test_every_service_says_how_it_calls_and_what_it_hears_of_a_failure() -> None:
    assert len(SERVICES) >= 34
    for service in SERVICES:
        assert service.modes
        assert set(service.modes) <= set("SAP")
        assert service.how.split(" or ")[0] in ("synchronous", "asynchronous", "polled")
        assert service.failure
        assert str(service) == service.title


def test_who_calls_as_itself_has_an_example_of_its_permission() -> None:
    for service in SERVICES:
        grant = service.permission_example
        assert bool(grant) == (service.permission == "resource policy"), service.name
        if service.principal is not None and grant:
            assert grant["Principal"] == service.principal
        if service.permission == "execution role":
            assert service.modes == ("P",)


def test_every_example_event_belongs_to_a_service() -> None:
    named = [service.event for service in SERVICES if service.event is not None]
    assert sorted(named) == sorted(event.name for event in facts.example_events())


def test_an_unknown_service_is_told_in_one_line() -> None:
    with pytest.raises(
        facts.UnknownFactError, match="there is no service named 's33'; nearest: s3"
    ):
        facts.service("s33")


@pytest.mark.parametrize("name", ROWS)
def test_a_test_event_arrives_by_permission_only(stage: Stage, name: str) -> None:
    service = facts.service(name)
    assert service.event is not None
    if service.permission == "resource policy":
        with pytest.raises(ServiceRefusedError, match="is not authorized to perform") as caught:
            stage.lab.send_event(name, "fn")
        assert caught.value.code == "AccessDeniedException"
        assert stage.events() == []
        stage.lam.add_permission(FunctionName="fn", StatementId="row", **service.permission_example)
    answer = stage.lab.send_event(name, stage.arn)
    event = facts.example_event(service.event).value
    assert stage.events() == [event]
    if service.modes[0] == "S":
        assert answer == {"StatusCode": 200, "Payload": event}
    else:
        assert answer == {"StatusCode": 202}
    told = stage.told("push")[-1]
    assert told["service"] == ROWS[name]
    found = event
    for key in SHAPES[name]:
        found = found[key]
    assert found


def test_events_of_ones_own_and_functions_that_fail(stage: Stage) -> None:
    assert stage.lab.send_event("s3-batch", "fn", {"own": 1})["Payload"] == {"own": 1}
    failed = stage.lab.send_event("s3-batch", "fn", "fail")
    assert failed["FunctionError"] == "Unhandled"
    assert failed["Payload"]["errorType"] == "ValueError"


def test_a_function_that_is_not_there(lab: Lab) -> None:
    with pytest.raises(ServiceRefusedError, match="Function not found") as caught:
        lab.send_event("codepipeline", "nobody")
    assert caught.value.code == "ResourceNotFoundException"


def test_the_strings_in_the_examples_are_what_they_say() -> None:
    config = facts.example_event("config").value
    assert json.loads(config["invokingEvent"])["messageType"].startswith("Configuration")
    assert json.loads(config["ruleParameters"])
    assert json.loads(facts.example_event("websocket").value["body"])["action"] == "sendmessage"
