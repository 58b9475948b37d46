"""CloudFormation asks functions to make custom resources, and waits for their answers.

The function is invoked asynchronously, as whoever changes the stack; its answer is an HTTP PUT to
the address in the event. A ServiceToken may also name a topic.
Source: https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/template-custom-resources.html
"""

from __future__ import annotations

from lambdalab.errors import aws_error
from lambdalab.functions.arns import is_function_arn
from lambdalab.neighbours.messages import sns
from lambdalab.sources.pushed import Pushes, Sender

__all__ = ["CustomResources"]

_SENDER = Sender("cloudformation.amazonaws.com", by_role=True)


class CustomResources:
    """Takes the requests of custom resources to functions; ``base_url`` is where answers go."""

    def __init__(self, pushes: Pushes, base_url: str) -> None:
        self._pushes = pushes
        self.base_url = base_url

    def send(self, token: str, request: bytes) -> None:
        """Send a request, from a thread; raises AwsError where it cannot be sent."""
        if token.split(":")[2:3] == ["sns"]:
            sns.publish(token, request.decode(), {})
        elif not is_function_arn(token):
            raise aws_error("function.missing", arn=token)
        else:
            self._pushes.send_from_thread(token, request, _SENDER)
