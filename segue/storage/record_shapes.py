"""The shapes of records, from the annotations of their TypedDicts."""

from __future__ import annotations

import types
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import (
    Annotated,
    Any,
    Literal,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from bson import Int64

from segue.storage.records import Between, Readable, Rule
from segue.storage.shapes import (
    Anything,
    Choice,
    Either,
    ListShape,
    MappingShape,
    Plain,
    ReadableText,
    RecordShape,
    Ruled,
    Shape,
)

_LARGEST = 1e300

_PLAIN: Mapping[Any, Shape] = {
    Any: Anything(),
    object: Anything(),
    str: Plain("a text", frozenset({str})),
    int: Plain("a whole number", frozenset({int, Int64})),
    float: Plain("a number", frozenset({float, int, Int64}), Between(-_LARGEST, _LARGEST)),
    bool: Plain("true or false", frozenset({bool})),
    bytes: Plain("bytes", frozenset({bytes})),
    datetime: Plain("a date", frozenset({datetime})),
    type(None): Plain("nothing", frozenset({type(None)})),
}


@cache
def record_shape(record: type) -> RecordShape:
    """The shape of a TypedDict; of any mapping, for a record that is no TypedDict."""
    if not is_typeddict(record):
        return RecordShape("an object", {}, frozenset())
    hints = get_type_hints(record, include_extras=True)
    always: frozenset[str] = record.__required_keys__  # type: ignore[attr-defined]
    required = {
        name for name, hint in hints.items() if name in always and get_origin(hint) is not NotRequired
    }
    return RecordShape("an object", {name: _shape(hint) for name, hint in hints.items()}, frozenset(required))


def with_optional(shape: RecordShape, hints: Mapping[str, Any]) -> RecordShape:
    """The record with further fields, of these types, that a document may lack."""
    added = {name: _shape(hint) for name, hint in hints.items()}
    return RecordShape(shape.words, {**shape.fields, **added}, shape.required)


def _shape(hint: Any) -> Shape:
    origin, inner = get_origin(hint), get_args(hint)
    if hint in _PLAIN:
        return _PLAIN[hint]
    if is_typeddict(hint):
        return record_shape(hint)
    if origin not in _SHAPES:
        raise TypeError(f"records of MongoDB have no fields of the type {hint}")
    return _SHAPES[origin](inner)


def _annotated(inner: Sequence[Any]) -> Shape:
    if inner[0] is str and any(isinstance(one, Readable) for one in inner):
        return ReadableText("a text", frozenset({str}))
    shape, rules = _shape(inner[0]), tuple(one for one in inner[1:] if isinstance(one, Rule))
    if isinstance(shape, Plain) and len(rules) == 1 and isinstance(rules[0], Between):
        return replace(shape, words=f"{shape.words} {rules[0]}", bounds=rules[0])
    return Ruled(shape.words, shape, rules) if rules else shape


def _either(inner: Sequence[Any]) -> Shape:
    shapes = tuple(map(_shape, inner))
    return Either(" or ".join(shape.words for shape in shapes), shapes)


_SHAPES: Mapping[Any, Callable[[Sequence[Any]], Shape]] = {
    NotRequired: lambda inner: _shape(inner[0]),
    Required: lambda inner: _shape(inner[0]),
    Annotated: _annotated,
    Literal: lambda inner: Choice(f"one of {', '.join(map(str, inner))}", tuple(inner)),
    Union: _either,
    types.UnionType: _either,
    list: lambda inner: ListShape("a list", _shape(inner[0])),
    dict: lambda inner: MappingShape("an object", _shape(inner[0]), _shape(inner[1])),
}
"""By the origin of a generic type, its shape from the type's arguments."""
