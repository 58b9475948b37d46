"""moto's CloudWatch Logs Insights: moto reads three commands and drops the rest.

Here queries are read and run by ``lambdalab.insights``; a query is complete when StartQuery has
answered. What is malformed is refused, and so are queries in SQL and PPL.
Source: https://docs.aws.amazon.com/AmazonCloudWatchLogs/latest/APIReference/API_StartQuery.html
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from types import ModuleType
from typing import Any, NoReturn

from lambdalab import facts
from lambdalab.errors import AwsError, aws_error
from lambdalab.imports import after_load
from lambdalab.insights import Event, QueryError, read
from lambdalab.insights.records import row_of
from lambdalab.insights.values import shown
from lambdalab.neighbours.monitoring.logs_events import event_id
from lambdalab.neighbours.request_checks import checked

__all__ = ["install"]

_LANGUAGE = "CWLI"
# Times above this are milliseconds: in seconds it is the year 5138.
_MILLISECONDS = 100_000_000_000
_OPERATIONS = {
    "start_query": "StartQuery",
    "get_query_results": "GetQueryResults",
    "stop_query": "StopQuery",
    "get_log_record": "GetLogRecord",
    "describe_queries": "DescribeQueries",
}


def install() -> None:
    """Mend moto's queries once it is loaded."""
    after_load("moto.logs.responses", _mend)


def _mend(module: ModuleType) -> None:
    handler = module.LogsResponse
    handler.start_query = _start
    handler.get_query_results = _results
    handler.stop_query = _stop
    handler.describe_queries = _listed
    handler.get_log_record = _record
    checked(handler, "logs", _OPERATIONS)


class _Ran:
    """A query that was run, as moto keeps queries."""

    status = "Complete"

    def __init__(self, query_id: str, text: str, groups: list[str], answer: dict[str, Any]) -> None:
        from moto.core.utils import unix_time_millis, utcnow

        self.query_id = query_id
        self.log_group_names = groups
        self.answer = answer
        self._text = text
        self._created = int(unix_time_millis(utcnow()))

    def to_json(self, log_group_name: str) -> dict[str, Any]:
        """What DescribeQueries tells of it."""
        return {
            "queryLanguage": _LANGUAGE,
            "queryId": self.query_id,
            "queryString": self._text,
            "status": self.status,
            "createTime": self._created,
            "logGroupName": log_group_name,
        }


def _start(self: Any) -> str:
    from moto.moto_api._internal import mock_random

    given = json.loads(self.body)
    text = given["queryString"]
    groups = _groups(self.logs_backend, given)
    first, last = (_seconds(given[name]) for name in ("startTime", "endTime"))
    if last < first:
        _refuse(aws_error("insights.time-range"))
    if given.get("queryLanguage", _LANGUAGE) != _LANGUAGE:
        command = given["queryLanguage"]
        _refuse(aws_error("insights.not-in-the-lab", command=command))
    try:
        query = read(text, given.get("limit"))
    except QueryError as error:
        _refuse(AwsError(str(facts.message("insights.unexpected").code), str(error)))
    scanned = list(_events(self.logs_backend, groups, first, last))
    answer = query.run(scanned)
    query_id = str(mock_random.uuid4())
    told = {
        "queryLanguage": _LANGUAGE,
        "results": [
            [{"field": name, "value": value} for name, value in row] for row in answer.rows
        ],
        "statistics": {
            "recordsMatched": float(answer.matched),
            "recordsScanned": float(len(scanned)),
            "bytesScanned": float(sum(len(event.message.encode()) for event in scanned)),
            "logGroupsScanned": float(len(groups)),
        },
        "status": _Ran.status,
    }
    asked = _sourced(text, groups, int(first), int(last))
    self.logs_backend.queries[query_id] = _Ran(query_id, asked, groups, told)
    return json.dumps({"queryId": query_id})


def _sourced(text: str, groups: list[str], first: int, last: int) -> str:
    """A query as DescribeQueries shows it: with its log groups, and its times in milliseconds."""
    named = " ".join(f'"{group}"' for group in groups)
    return f"SOURCE {named} START={first}000 END={last}999 | {text}"


def _listed(self: Any) -> str:
    """DescribeQueries; without a log group, the queries of all of them."""
    group, status = self._get_param("logGroupName"), self._get_param("status")
    found = [
        ran.to_json(group or ran.log_group_names[0])
        for ran in self.logs_backend.queries.values()
        if (not group or group in ran.log_group_names) and status in (None, ran.status)
    ]
    return json.dumps({"queries": found})


def _results(self: Any) -> str:
    return json.dumps(_found(self).answer)


def _stop(self: Any) -> str:
    ran = _found(self)
    _refuse(aws_error("insights.already-ended", status=ran.status))


def _found(self: Any) -> Any:
    ran = self.logs_backend.queries.get(json.loads(self.body)["queryId"])
    if ran is None:
        _refuse(aws_error("insights.no-query"))
    return ran


def _record(self: Any) -> str:
    """The fields of one event, found by the pointer of an answer's row."""
    pointer = json.loads(self.body)["logRecordPointer"]
    events = _events(self.logs_backend, list(self.logs_backend.groups), 0, _MILLISECONDS)
    found = next((event for event in events if event.ptr == pointer), None)
    if found is None:
        _refuse(aws_error("insights.no-record"))
    return json.dumps({"logRecord": {name: shown(value) for name, value in row_of(found).items()}})


def _groups(backend: Any, given: dict[str, Any]) -> list[str]:
    """The names of the groups that are asked; one of three members tells them."""
    members = ("logGroupName", "logGroupNames", "logGroupIdentifiers")
    named = [given[member] for member in members if given.get(member)]
    if len(named) != 1:
        _refuse(aws_error("insights.groups"))
    listed = [named[0]] if isinstance(named[0], str) else named[0]
    names = [one.rpartition("log-group:")[2] for one in listed]
    if len(names) > facts.quota("logs.query-groups").value:
        _refuse(aws_error("insights.groups"))
    for name in names:
        if name not in backend.groups:
            _refuse(_no_group(name, backend.account_id))
    return list(dict.fromkeys(names))


def _no_group(name: str, account: str) -> AwsError:
    from moto.moto_api._internal import mock_random

    request = mock_random.uuid4()
    return aws_error("insights.no-group", name=name, account=account, request=request)


def _events(backend: Any, groups: list[str], first: float, last: float) -> Iterator[Event]:
    """The events of the groups from one time to another, in seconds, both of which count."""
    for name in groups:
        log = f"{backend.account_id}:{name}"
        for stream in list(backend.groups[name].streams.values()):
            for one in list(stream.events):
                if first * 1000 <= one.timestamp <= last * 1000 + 999:
                    yield Event(
                        event_id(one.event_id),
                        one.timestamp,
                        one.ingestion_time,
                        one.message,
                        stream.log_stream_name,
                        log,
                    )


def _seconds(time: int) -> float:
    return time / 1000 if time > _MILLISECONDS else float(time)


def _refuse(error: AwsError) -> NoReturn:
    from moto.core.exceptions import JsonRESTError

    raise JsonRESTError(error.code, error.message) from None
