"""Test events: functions called as by services that the lab does not have.

What is checked is real: the function's resource policy, or the role that the service would take.
"""

from __future__ import annotations

import json
from typing import Any

from lambdalab.errors import AwsError
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["SampleEvents"]


class SampleEvents:
    """Sends test events to the functions of one cloud."""

    def __init__(self, pushes: Pushes) -> None:
        self._pushes = pushes

    async def send(self, given: dict[str, Any]) -> dict[str, Any]:
        """Call ``function`` (an ARN) with ``event``, and wait for its answer where ``waits``.

        ``principal`` calls with the condition keys of ``context``, or ``by_role``. The answer has
        ``StatusCode``, and where it waited ``Payload`` and ``FunctionError``, as Invoke gives them;
        or ``refused``, with the code and the text of what Lambda says.
        """
        function, payload = str(given["function"]), json.dumps(given["event"]).encode()
        sender = Sender(
            given["principal"], more=dict(given["context"]), by_role=bool(given["by_role"])
        )
        try:
            if not given["waits"]:
                self._pushes.send(function, payload, sender)
                return {"StatusCode": 202}
            outcome = await self._pushes.call(function, payload, sender)
        except AwsError as refusal:
            return {"refused": [refusal.code, refusal.message]}
        answer = {"StatusCode": 200, "Payload": outcome.payload.decode(errors="replace")}
        return answer | ({"FunctionError": "Unhandled"} if outcome.failed else {})
