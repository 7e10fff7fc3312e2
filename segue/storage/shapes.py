"""Checks stored values, and leaves out the parts that do not fit.

Anybody with access to the database, and every defect of an earlier release, can leave a value of another type
behind, so that no type of a stored value may be taken for granted.

A value that does not fit makes its record unusable, except where the rest is meaningful without it: an
element of a list or of a mapping, and a field that is not required, are left out.
"""

from __future__ import annotations

import math
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any, cast

from bson import Int64

from segue.storage.records import Between, Rule

UNFIT: Any = object()
"""The result for a value of which nothing can be used."""
_LONGEST_SHOWN = 60


class Shape(ABC):
    """The form of values of a type."""

    words: str

    @abstractmethod
    def fits(self, value: Any) -> bool:
        """Whether the value, with all that is in it, is of the type."""

    @abstractmethod
    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        """The part of the value that fits, or :data:`UNFIT`. Adds each fault, with its place, to `faults`."""

    def refused(self, value: Any, place: str, faults: list[str]) -> Any:
        """Add that the value is of another type."""
        faults.append(f"{place} is {shown(value)} instead of {self.words}")
        return UNFIT


@dataclass(frozen=True)
class Anything(Shape):
    """Any value."""

    words: str = "anything"

    def fits(self, value: Any) -> bool:
        return True

    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        return value


@dataclass(frozen=True)
class Plain(Shape):
    """A value of one of some classes (not of a subclass: `True` is not a number)."""

    words: str
    classes: frozenset[type]
    bounds: Between | None = None
    """Of numbers."""

    def fits(self, value: Any) -> bool:
        bounds = self.bounds
        return type(value) in self.classes and (bounds is None or bounds.low <= value <= bounds.high)

    def all_fit(self, values: Collection[Any]) -> bool:
        """Whether all of the values fit; a taste has a thousand, so that no Python code runs for each."""
        if not self.classes.issuperset(map(type, values)):
            return False
        if self.bounds is None or not values:
            return True
        low, high = self.bounds.low, self.bounds.high
        return low <= min(values) and max(values) <= high and all(map(math.isfinite, values))

    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        return value if self.fits(value) else self.refused(value, place, faults)


@dataclass(frozen=True)
class ReadableText(Plain):
    """A text; a number in its place is read as text."""

    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        part = super().mended(value, place, faults)
        return str(value) if part is UNFIT and type(value) in (int, Int64, float) else part


@dataclass(frozen=True)
class Choice(Shape):
    """One of some values."""

    words: str
    choices: tuple[Any, ...]

    def fits(self, value: Any) -> bool:
        return any(type(value) is type(choice) and value == choice for choice in self.choices)

    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        return value if self.fits(value) else self.refused(value, place, faults)


@dataclass(frozen=True)
class Either(Shape):
    """A value of one of some shapes."""

    words: str
    shapes: tuple[Shape, ...]

    def fits(self, value: Any) -> bool:
        for shape in self.shapes:  # noqa: SIM110 - any() with a generator takes three times as long
            if shape.fits(value):
                return True
        return False

    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        if self.fits(value):
            return value
        for shape in self.shapes:
            found: list[str] = []
            if (part := shape.mended(value, place, found)) is not UNFIT:
                faults += found
                return part
        return self.refused(value, place, faults)


@dataclass(frozen=True)
class Ruled(Shape):
    """A value of a shape that further rules fit."""

    words: str
    shape: Shape
    rules: tuple[Rule, ...]

    def fits(self, value: Any) -> bool:
        return self.shape.fits(value) and all(rule.fault(value) is None for rule in self.rules)

    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        part = self.shape.mended(value, place, faults)
        if part is UNFIT:
            return UNFIT
        for rule in self.rules:
            if fault := rule.fault(part):
                faults.append(f"{place} {fault}")
                return UNFIT
        return part


@dataclass(frozen=True)
class ListShape(Shape):
    """A list of values of a shape."""

    words: str
    inner: Shape

    def fits(self, value: Any) -> bool:
        if type(value) is not list:
            return False
        if not value:
            return True
        if isinstance(self.inner, Plain):
            return self.inner.all_fit(value)
        return all(map(self.inner.fits, value))

    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        if type(value) is not list:
            return self.refused(value, place, faults)
        parts = (self.inner.mended(part, f"{place}.{n}", faults) for n, part in enumerate(value))
        return [part for part in parts if part is not UNFIT]


@dataclass(frozen=True)
class MappingShape(Shape):
    """A mapping whose keys and values have shapes."""

    words: str
    key: Shape
    inner: Shape

    def fits(self, value: Any) -> bool:
        return (
            type(value) is dict
            and all(map(self.key.fits, value))
            and all(map(self.inner.fits, value.values()))
        )

    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        if type(value) is not dict:
            return self.refused(value, place, faults)
        whole = {}
        for name, part in value.items():
            kept = self.inner.mended(part, f"{place}.{name}", faults)
            if kept is not UNFIT and self.key.mended(name, f"{place}.{name}", faults) is not UNFIT:
                whole[name] = kept
        return whole


@dataclass(frozen=True)
class RecordShape(Shape):
    """A TypedDict; fields that it does not have are allowed, so that a writer may be newer than a reader."""

    words: str
    fields: Mapping[str, Shape]
    required: frozenset[str]

    def fits(self, value: Any) -> bool:
        if type(value) is not dict or not self.required <= value.keys():
            return False
        by_class, others = self._checks
        for name, classes in by_class:
            if name in value and type(value[name]) not in classes:
                return False
        for name, fits in others:  # noqa: SIM110 - see above
            if name in value and not fits(value[name]):
                return False
        return True

    @cached_property
    def _checks(
        self,
    ) -> tuple[list[tuple[str, frozenset[type]]], list[tuple[str, Callable[[Any], bool]]]]:
        """The fields whose class alone decides, with the classes that fit, and the checks of the others.

        An ingest checks each document several times.
        """
        classes = {name: _classes_of(shape) for name, shape in self.fields.items()}
        by_class = [(name, fitting) for name, fitting in classes.items() if fitting is not None]
        others: list[tuple[str, Callable[[Any], bool]]] = [
            (name, shape.fits) for name, shape in self.fields.items() if classes[name] is None
        ]
        return by_class, others

    def mended(self, value: Any, place: str, faults: list[str]) -> Any:
        if type(value) is not dict:
            return self.refused(value, place, faults)
        whole, usable = dict(value), True
        for name, shape in self.fields.items():
            where = f"{place}.{name}" if place else name
            if name not in value:
                if name in self.required:
                    faults.append(f"{where} is missing")
                    usable = False
            elif not shape.fits(value[name]):
                whole[name] = shape.mended(value[name], where, faults)
                if whole[name] is UNFIT:
                    del whole[name]
                    # Without its name a document is of no use, whether or not the record requires one.
                    usable = usable and name not in self.required and name != "_id"
        return whole if usable else UNFIT

    def all_optional(self) -> RecordShape:
        """The record, of which a document may lack any field."""
        return RecordShape(self.words, self.fields, frozenset())

    def projected(self, names: Sequence[str], *, without: bool = False) -> RecordShape:
        """The record as a query returns it with only some fields, or without some.

        A dotted name stands for a part of the field, in which nothing is required.
        """
        if without:
            left = {name: shape for name, shape in self.fields.items() if name not in names}
            return RecordShape(self.words, left, self.required & left.keys())
        whole, parts = {name for name in names if "." not in name}, {name.partition(".")[0] for name in names}
        fields = {
            name: shape if name in whole else _partial(shape)
            for name, shape in self.fields.items()
            if name in parts
        }
        return RecordShape(self.words, fields, self.required & whole)


def _classes_of(shape: Shape) -> frozenset[type] | None:
    """The classes of all values of a shape, if no other property of a value counts."""
    if isinstance(shape, Plain):
        return shape.classes if shape.bounds is None else None
    if isinstance(shape, Either):
        classes = [_classes_of(one) for one in shape.shapes]
        known = [found for found in classes if found is not None]
        return frozenset[type]().union(*known) if len(known) == len(classes) else None
    return None


def _partial(shape: Shape) -> Shape:
    """The shape of a value of which a query returns some fields only."""
    match shape:
        case RecordShape(words, fields, _):
            return RecordShape(words, {name: _partial(one) for name, one in fields.items()}, frozenset())
        case ListShape(words, inner):
            return ListShape(words, _partial(inner))
        case MappingShape(words, key, inner):
            return MappingShape(words, key, _partial(inner))
        case Either(words, shapes):
            return Either(words, tuple(map(_partial, shapes)))
        case Ruled(words, inner, rules) if not isinstance(inner, Plain):
            # A rule about the whole value does not apply to a part of it.
            left = tuple(rule for rule in rules if getattr(rule, "of_parts", False))
            return Ruled(words, _partial(inner), left)
        case _:
            return shape


_NAMES: Mapping[type, str] = {str: "the text", dict: "an object", list: "a list", bytes: "bytes"}


def shown(value: Any) -> str:
    """A stored value for a message: its type, and its beginning if it is short enough to help."""
    if value is None:
        return "null"
    name = _NAMES.get(type(value))
    if name and not isinstance(value, str):
        return name
    text = repr(value) if len(str(value)) <= _LONGEST_SHOWN else f"{str(value)[:_LONGEST_SHOWN]!r}…"
    return f"{name} {text}" if name else f"the {type(value).__name__} {text}"


def fault_of(shape: Shape, value: Any) -> tuple[Any, str]:
    """The part of a value that fits, or :data:`UNFIT`, and the first three of its faults as one text."""
    faults: list[str] = []
    part = shape.mended(value, "", faults)
    more = f" and {len(faults) - 3} more" if len(faults) > 3 else ""
    return cast("Any", part), "; ".join(faults[:3]) + more
