"""Counting rules as expressions over an event, defined once: numpy evaluates them, Spark runs their SQL.

Python's operators build an expression; ``rule.on(columns)`` evaluates it over numpy arrays, and ``str(rule)``
is the same expression as SQL with all constants. The fingerprint of the definitions is a hash of these texts.
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Columns = Mapping[str, Array]
"""The columns of n events, each of shape (n,)."""


class Expression:
    """A number or a boolean for each event."""

    def on(self, columns: Columns) -> Array:
        """The values of the expression over its columns, shape (n,)."""
        raise NotImplementedError

    def __and__(self, other: Expression) -> Expression:
        return _Binary("AND", operator.and_, self, other)

    def __or__(self, other: Expression) -> Expression:
        return _Binary("OR", operator.or_, self, other)

    def __invert__(self) -> Expression:
        return _Not(self)

    def __gt__(self, other: Operand) -> Expression:
        return _Binary(">", operator.gt, self, _operand(other))

    def __ge__(self, other: Operand) -> Expression:
        return _Binary(">=", operator.ge, self, _operand(other))

    def __lt__(self, other: Operand) -> Expression:
        return _Binary("<", operator.lt, self, _operand(other))

    def __le__(self, other: Operand) -> Expression:
        return _Binary("<=", operator.le, self, _operand(other))

    def __add__(self, other: Operand) -> Expression:
        return _Binary("+", operator.add, self, _operand(other))

    def __rmul__(self, factor: int | float) -> Expression:
        return _Binary("*", operator.mul, _Constant(factor), self)


Operand = Expression | int | float


def _operand(value: Operand) -> Expression:
    return value if isinstance(value, Expression) else _Constant(value)


@dataclass(frozen=True)
class EventField(Expression):
    """A field of the event."""

    name: str

    def on(self, columns: Columns) -> Array:
        return columns[self.name]

    def is_in(self, *values: str) -> Expression:
        """Whether the field equals one of the values."""
        return _IsIn(self, values)

    def __str__(self) -> str:
        return self.name


@dataclass(frozen=True)
class _Constant(Expression):
    value: int | float

    def on(self, columns: Columns) -> Array:
        return np.asarray(self.value)

    def __str__(self) -> str:
        # Without the D, Spark would use decimals, which round differently from numpy's floats.
        return f"{self.value!r}D" if isinstance(self.value, float) else str(self.value)


@dataclass(frozen=True)
class _Binary(Expression):
    sign: str
    function: Callable[[Any, Any], Any]
    left: Expression
    right: Expression

    def on(self, columns: Columns) -> Array:
        return np.asarray(self.function(self.left.on(columns), self.right.on(columns)))

    def __str__(self) -> str:
        return f"({self.left} {self.sign} {self.right})"


@dataclass(frozen=True)
class _Not(Expression):
    inner: Expression

    def on(self, columns: Columns) -> Array:
        return ~self.inner.on(columns)

    def __str__(self) -> str:
        return f"(NOT {self.inner})"


@dataclass(frozen=True)
class _Whole(Expression):
    """The whole part of a number that is not negative: sums of these do not depend on their order."""

    inner: Expression

    def on(self, columns: Columns) -> Array:
        return self.inner.on(columns).astype(np.int64)

    def __str__(self) -> str:
        return f"CAST({self.inner} AS BIGINT)"


@dataclass(frozen=True)
class _IsIn(Expression):
    column: EventField
    values: tuple[str, ...]

    def on(self, columns: Columns) -> Array:
        return np.isin(self.column.on(columns), self.values)

    def __str__(self) -> str:
        return f"({self.column} IN ({', '.join(repr(value) for value in self.values)}))"


@dataclass(frozen=True)
class _Chosen(Expression):
    """The least or the greatest of two numbers."""

    name: str
    function: Callable[[Any, Any], Any]
    first: Expression
    second: Expression

    def on(self, columns: Columns) -> Array:
        return np.asarray(self.function(self.first.on(columns), self.second.on(columns)))

    def __str__(self) -> str:
        return f"{self.name}({self.first}, {self.second})"


def least(first: Operand, second: Operand) -> Expression:
    """The smaller one of two numbers."""
    return _Chosen("least", np.minimum, _operand(first), _operand(second))


def greatest(first: Operand, second: Operand) -> Expression:
    """The greater one of two numbers."""
    return _Chosen("greatest", np.maximum, _operand(first), _operand(second))


def whole(number: Expression) -> Expression:
    """The whole part of a number that is not negative."""
    return _Whole(number)


@dataclass(frozen=True)
class Where(Expression):
    """A number where a condition is true; 0 elsewhere."""

    condition: Expression
    number: Operand

    def on(self, columns: Columns) -> Array:
        return np.where(self.condition.on(columns), _operand(self.number).on(columns), 0)

    def __str__(self) -> str:
        return f"CASE WHEN {self.condition} THEN {self.number} ELSE 0 END"
