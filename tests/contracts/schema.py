"""Compares documents and Spark tables with the records that describe them."""

from __future__ import annotations

import types
from collections.abc import Iterator, Mapping
from typing import Any, Literal, NotRequired, Union, get_args, get_origin, get_type_hints, is_typeddict

from pyspark.sql import types as T

from segue.documentation.reference.records import hints_of

_SPARK: Mapping[Any, T.DataType] = {str: T.StringType(), int: T.LongType(), float: T.DoubleType()}


def spark_schema(record: type) -> T.StructType:
    """A record as a table of Spark has it; every column may be null there."""
    return T.StructType([T.StructField(name, _spark_type(hint)) for name, hint in hints_of(record).items()])


def _spark_type(hint: Any) -> T.DataType:
    hint = _of_optional(hint)
    if get_origin(hint) is list:
        return T.ArrayType(_spark_type(get_args(hint)[0]))
    if is_typeddict(hint):
        return spark_schema(hint)
    return _SPARK[hint]


def faults(record: type, document: Mapping[str, Any], *, place: str = "") -> Iterator[str]:
    """The differences of a document from its record: missing or additional fields, or another type."""
    hints = hints_of(record)
    # The class itself does not know it: with postponed annotations its types are texts.
    declared = get_type_hints(record, include_extras=True)
    optional = {name for name, hint in declared.items() if get_origin(hint) is NotRequired}
    for name in sorted(set(document) - set(hints)):
        yield f"{place}{name}: not in the record"
    for name, hint in hints.items():
        if name in document:
            yield from _faults(hint, document[name], f"{place}{name}")
        elif name not in optional:
            yield f"{place}{name}: missing"


def _faults(hint: Any, value: Any, place: str) -> Iterator[str]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        if not any(not list(_faults(one, value, place)) for one in inner):
            yield f"{place}: {value!r} is none of {hint}"
    elif origin is Literal:
        if value not in inner:
            yield f"{place}: {value!r} is none of {inner}"
    elif origin in (list, dict):
        if not isinstance(value, origin):
            yield f"{place}: {value!r} is not {hint}"
            return
        for key, one in value.items() if isinstance(value, dict) else enumerate(value):
            yield from _faults(inner[-1], one, f"{place}.{key}")
    elif is_typeddict(hint):
        yield from faults(hint, value, place=f"{place}.")
    elif hint is not Any and not _is(value, hint):
        yield f"{place}: {value!r} is not {hint}"


def _is(value: Any, hint: Any) -> bool:
    if hint is type(None):
        return value is None
    if isinstance(value, bool):
        return hint is bool
    # MongoDB has a class of its own for long numbers, and gives a whole float back as it was written.
    return isinstance(value, (int, float) if hint is float else hint)


def _of_optional(hint: Any) -> Any:
    kinds = [one for one in get_args(hint) if one is not type(None)]
    return kinds[0] if get_origin(hint) in (Union, types.UnionType) and len(kinds) == 1 else hint
