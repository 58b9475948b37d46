"""The table of all services that call functions, with links to the cells that show them."""

import html
from collections.abc import Sequence

from lambdalab import facts
from lambdalab.facts import Service
from lambdalab.lab.tables import text_table

__all__ = ["SHOWN", "ServicesTable", "services_table"]

_LEFT = 'style="text-align: left"'
_HEADS = ("Service", "Invokes", "By", "When the function fails, the caller sees", "Shown in")

# The cell that shows each service: notebook and cell id.
_OWN = "04-triggers.ipynb"
_TYPES = "03-invocation-types.ipynb"
_FLOWS = "14-step-functions.ipynb"
SHOWN = {
    "sdk": (_TYPES, "ways-run"),
    "function-url": (_OWN, "http-run"),
    "api-gateway-rest": (_OWN, "http-run"),
    "api-gateway-http": (_OWN, "http-run"),
    "alb": (_OWN, "http-run"),
    "cognito": (_OWN, "users-run"),
    "firehose": (_OWN, "stream-run"),
    "s3": (_OWN, "bucket-allowed"),
    "sns": (_OWN, "topic-run"),
    "eventbridge": (_OWN, "rule-run"),
    "scheduler": (_OWN, "time-run"),
    "logs": (_OWN, "logs-run"),
    "cloudformation": (_OWN, "stack-run"),
    "sqs": (_TYPES, "queue-run"),
    "kinesis": (_TYPES, "stream-run"),
    "dynamodb": (_TYPES, "changes-run"),
    "step-functions": (_FLOWS, "first-run"),
    "secrets-manager": (_OWN, "secret-run"),
}
# Services that the lab does not have: with a test event, or told of in words.
_TESTED, _TOLD = (_OWN, "others-run"), (_OWN, "others-explain")


class ServicesTable:
    """Rows as text, and as HTML with links; ``notebook`` is the one that it stands in."""

    def __init__(self, notebook: str) -> None:
        self._notebook = notebook
        found = facts.services()
        self._rows = [
            (one.title, one.how, one.permission, one.failure, *self._place(one)) for one in found
        ]

    def _place(self, service: Service) -> tuple[str, str]:
        """What a link says, and where it leads."""
        pushed = service.event is not None and "P" not in service.modes
        notebook, cell = SHOWN.get(service.name, _TESTED if pushed else _TOLD)
        here = notebook == self._notebook
        label = f"cell {cell}" if here else f"notebook {notebook[:2]}, cell {cell}"
        return label, f"{'' if here else notebook}#cell-id={cell}"

    def _repr_html_(self) -> str:
        heads = "".join(f'<th scope="col" {_LEFT}>{html.escape(head)}</th>' for head in _HEADS)
        body = "".join(f"<tr>{_row(row)}</tr>" for row in self._rows)
        caption = "Services that call functions, or from which Lambda reads"
        return (
            f"<table><caption>{caption}</caption><thead><tr>{heads}</tr></thead>"
            f"<tbody>{body}</tbody></table>"
        )

    def __repr__(self) -> str:
        columns = list(zip(*(row[:-1] for row in self._rows), strict=True))
        return text_table(dict(zip(_HEADS, columns, strict=True)))


def services_table(notebook: str = _OWN) -> ServicesTable:
    """Show every service: how it calls, by whose permission, what it sees of a failure, and where.

    ``notebook`` is the file name of the notebook that shows the table.
    """
    return ServicesTable(notebook)


def _row(row: Sequence[str]) -> str:
    title, *middle, label, target = map(html.escape, row)
    cells = "".join(f"<td {_LEFT}>{cell}</td>" for cell in middle)
    link = f'<td {_LEFT}><a href="{target}">{label}</a></td>'
    return f'<th scope="row" {_LEFT}>{title}</th>{cells}{link}'
