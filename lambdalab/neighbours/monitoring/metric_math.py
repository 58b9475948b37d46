"""Expressions of metric math: arithmetic, and the functions that alarms of functions use.

A value is a number, a list of numbers by period, or a list of such lists (``METRICS()``); None is a
period without data. What AWS has besides is refused by name.
Source: https://docs.aws.amazon.com/AmazonCloudWatch/latest/monitoring/using-metric-math.html
"""

from __future__ import annotations

import ast
import operator
from collections.abc import Callable, Mapping
from typing import Any

__all__ = ["MathError", "evaluate"]

Series = list[float | None]

_OPERATORS: dict[type[ast.AST], Callable[[float, float], float]] = {
    ast.Add: operator.add,
    ast.Sub: operator.sub,
    ast.Mult: operator.mul,
    ast.Div: operator.truediv,
    ast.Pow: operator.pow,
    ast.Gt: operator.gt,
    ast.GtE: operator.ge,
    ast.Lt: operator.lt,
    ast.LtE: operator.le,
    ast.Eq: operator.eq,
    ast.NotEq: operator.ne,
}
_LISTS: dict[str, Callable[[list[float]], float]] = {
    "SUM": sum,
    "AVG": lambda values: sum(values) / len(values),
    "MIN": min,
    "MAX": max,
}
_LONGEST = 1024


class MathError(ValueError):
    """An expression that cannot be read, or that the lab does not know."""


def evaluate(expression: str, metrics: Mapping[str, Series], length: int) -> Series:
    """The series of an expression over those that have ids; all have the same length.

    Raises MathError.
    """
    if len(expression) > _LONGEST:
        raise MathError("the expression is too long")
    try:
        tree = ast.parse(expression.strip().replace("^", "**"), mode="eval").body
        found = _Evaluation(metrics, length).of(tree)
    except (SyntaxError, RecursionError) as error:
        raise MathError(f"{expression} cannot be read") from error
    return found if isinstance(found, list) else [found] * length


class _Evaluation:
    def __init__(self, metrics: Mapping[str, Series], length: int) -> None:
        self._metrics = metrics
        self._length = length

    def of(self, node: ast.AST) -> Any:
        match node:
            case ast.Constant(value=int() | float()):
                return float(str(node.value))
            case ast.Name(id=name) if name in self._metrics:
                return self._metrics[name]
            case ast.UnaryOp(op=ast.USub(), operand=inner):
                return self._both(operator.sub, 0.0, self.of(inner))
            case ast.BinOp(left=left, op=op, right=right) if type(op) in _OPERATORS:
                return self._both(_OPERATORS[type(op)], self.of(left), self.of(right))
            case ast.Compare(left=left, ops=[op], comparators=[right]) if type(op) in _OPERATORS:
                return self._both(_OPERATORS[type(op)], self.of(left), self.of(right))
            case ast.List(elts=members):
                return [self._series(self.of(member)) for member in members]
            case ast.Call(func=ast.Name(id=name), args=given):
                return self._called(name, [self._argument(one) for one in given])
        raise MathError(f"{ast.unparse(node)} is not in the lab")

    def _argument(self, node: ast.AST) -> Any:
        """FILL takes the bare word REPEAT beside numbers."""
        if isinstance(node, ast.Name) and node.id in ("REPEAT", "LINEAR"):
            return node.id
        return self.of(node)

    def _called(self, name: str, given: list[Any]) -> Any:
        match name, given:
            case "METRICS", []:
                return list(self._metrics.values())
            case "FILL", [series, filling] if isinstance(series, list):
                return self._filled(series, filling)
            case "IF", [test, *values] if len(values) in (1, 2):
                sides = [self._series(one) for one in (test, *values)]
                return [_chosen(*row) for row in zip(*sides, strict=True)]
            case _, [values] if name in _LISTS and isinstance(values, list):
                return self._joined(_LISTS[name], values)
        raise MathError(f"{name} is not in the lab")

    def _joined(self, act: Callable[[list[float]], float], values: list[Any]) -> Any:
        """Of several series one, period by period; of one series a number."""
        if values and isinstance(values[0], list):
            rows = [[one for one in row if one is not None] for row in zip(*values, strict=True)]
            return [float(act(row)) if row else None for row in rows]
        known = [one for one in values if one is not None]
        return float(act(known)) if known else None

    def _filled(self, series: Series, filling: Any) -> Series:
        filled: Series = []
        for value in series:
            last = filled[-1] if filled else None
            other = last if isinstance(filling, str) else float(filling)
            filled.append(other if value is None else value)
        return filled

    def _series(self, value: Any) -> Series:
        return value if isinstance(value, list) else [value] * self._length

    def _both(self, act: Callable[[float, float], float], one: Any, other: Any) -> Any:
        if not isinstance(one, list) and not isinstance(other, list):
            return _calculated(act, one, other)
        pairs = zip(self._series(one), self._series(other), strict=True)
        return [_calculated(act, left, right) for left, right in pairs]


def _calculated(
    act: Callable[[float, float], float], one: float | None, other: float | None
) -> float | None:
    if one is None or other is None:
        return None
    try:
        return float(act(one, other))
    except (ArithmeticError, TypeError):
        return None


def _chosen(test: float | None, yes: float | None, no: float | None = None) -> float | None:
    if test is None:
        return None
    return yes if test else no
