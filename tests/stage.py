"""A small cloud for rows about what surrounds functions, and how a row is run on it.

On the stage stand the functions ``fn`` (with version 1, and the alias ``live`` for it), ``other``
and ``slow`` (60 seconds), and, where a test asks for them, sources of events. Names that rows may
use: ``@fn`` and ``@other`` for the functions' ARNs, and those of the sources. What comes back is
compared by ``tests.api_rows``; a step before a row is a call of the file's table ``prepare``, or
winds the clock (``advance``, in seconds). A row is a refusal where it has a ``text``; it then has
status 400 and code InvalidParameterValueException unless it says otherwise.
"""

from __future__ import annotations

import json
import tomllib
from pathlib import Path
from typing import Any

from botocore.config import Config

from tests.api_rows import filled, same, send


class Story:
    """The rows of a file, with the calls that may go before them and those that look around."""

    def __init__(self, name: str) -> None:
        text = (Path(__file__).parent / "rows" / f"{name}.toml").read_text("utf-8")
        self._data = tomllib.loads(text)
        self.rows: list[dict[str, Any]] = self._data["row"]
        for row in self.rows:
            assert row.get("source") or self._data["source"], row

    def play(self, lab: Any, row: dict[str, Any], kept: dict[str, Any]) -> None:
        """Run one row; a refusal must leave everything as it was."""
        lam = lab.client("lambda", config=Config(parameter_validation=False))
        for name in row.get("before", []):
            self._prepare(lab, lam, self._data["prepare"][name], kept)
        before = self._look(lam)
        answer = send(lam, row["operation"], filled(row.get("given", {}), kept))
        status = row.get("status", 400 if "text" in row else 200)
        assert answer.status == status, answer
        if "text" in row:
            code = row.get("code", "InvalidParameterValueException")
            assert (answer.code, answer.text) == (code, filled(row["text"], kept))
            assert self._look(lam) == before, "the refused call has left something behind"
        if "body" in row:
            wanted = filled(row["body"], kept)
            assert same(wanted, answer.body), (wanted, answer.body)
        if "none" in row:
            assert not answer.body, answer

    def _prepare(self, lab: Any, lam: Any, call: dict[str, Any], kept: dict[str, Any]) -> None:
        if "advance" in call:
            lab.clock.advance(seconds=call["advance"])
            return
        answer = send(lam, call["operation"], filled(call.get("given", {}), kept))
        assert answer.status < 300, (call, answer)
        for key, member in call.get("keep", {}).items():
            kept[key] = answer.body[member]

    def _look(self, lam: Any) -> list[Any]:
        """What there is: each call of ``looks``, in JSON."""
        return [
            json.dumps(send(lam, operation, given).body, sort_keys=True)
            for operation, given in self._data.get("looks", [])
        ]


def set_up(lab: Any) -> dict[str, Any]:
    """The functions of the stage, all Active."""
    lam = lab.client("lambda")
    code = {"ZipFile": lab.zip({"a.py": "def b(event, context):\n    return event\n"})}
    common = {"Runtime": "python3.13", "Handler": "a.b", "Role": lab.role(), "Code": code}
    for name, timeout in (("fn", 3), ("other", 3), ("slow", 60)):
        lam.create_function(FunctionName=name, Timeout=timeout, **common)
    lab.clock.advance(seconds=1)
    lam.publish_version(FunctionName="fn")
    lam.create_alias(FunctionName="fn", Name="live", FunctionVersion="1")
    arn = f"arn:aws:lambda:{lab.region}:{lab.account}:function:"
    return {"fn": f"{arn}fn", "other": f"{arn}other", "arn": arn}


def set_up_sources(lab: Any) -> dict[str, Any]:
    """A queue, a FIFO queue, a data stream and a table with a stream."""
    sqs, kinesis, table = (lab.client(name) for name in ("sqs", "kinesis", "dynamodb"))
    sqs.create_queue(QueueName="queue")
    sqs.create_queue(QueueName="queue.fifo", Attributes={"FifoQueue": "true"})
    kinesis.create_stream(StreamName="stream", ShardCount=1)
    made = table.create_table(
        TableName="table",
        AttributeDefinitions=[{"AttributeName": "id", "AttributeType": "S"}],
        KeySchema=[{"AttributeName": "id", "KeyType": "HASH"}],
        BillingMode="PAY_PER_REQUEST",
        StreamSpecification={"StreamEnabled": True, "StreamViewType": "NEW_IMAGE"},
    )
    place = f"{lab.region}:{lab.account}"
    return {
        "queue": f"arn:aws:sqs:{place}:queue",
        "fifo": f"arn:aws:sqs:{place}:queue.fifo",
        "stream": f"arn:aws:kinesis:{place}:stream/stream",
        "table": made["TableDescription"]["LatestStreamArn"],
        "place": place,
    }
