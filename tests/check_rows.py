"""What a right or a wrong answer to a lab is made of: data for tests/test_checks.py.

A row: task, what the answer is like, the criteria (1, 2, ...) that it does not meet (an empty set
is a right answer), its functions, and what else the learner has done. A function is (name, source,
settings); its source is the text of app.py, or a dict of files.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

Functions = tuple[tuple[str, str | dict[str, str | bytes], dict[str, Any]], ...]


class Row(NamedTuple):
    task: int
    like: str
    unmet: set[int]
    functions: Functions = ()
    done: Callable[[Any], None] | None = None
