"""Records as schemas: a TypedDict says names, types and meanings once. Tables and documents keep to it."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
import types
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import (
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Required,
    Union,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from pyspark.sql import types as T

_SPARK: Mapping[Any, T.DataType] = {str: T.StringType(), int: T.LongType(), float: T.DoubleType()}
_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bytes: "bytes",
    bool: "true or false",
    datetime: "time",
    Any: "any",
}


class SchemaColumn(NamedTuple):
    """One field of a record, as a table shows it."""

    name: str
    type: str
    meaning: str


def spark_schema(record: type) -> T.StructType:
    """A record as a table of Spark has it; every column may be null there."""
    return T.StructType([T.StructField(name, _spark_type(hint)) for name, hint in _hints(record).items()])


def _spark_type(hint: Any) -> T.DataType:
    hint = _of_optional(hint)
    if get_origin(hint) is list:
        return T.ArrayType(_spark_type(get_args(hint)[0]))
    if is_typeddict(hint):
        return spark_schema(hint)
    return _SPARK[hint]


def faults(record: type, document: Mapping[str, Any], *, place: str = "") -> Iterator[str]:
    """In what a document differs from its record: fields too few or too many, or of another type."""
    hints = _hints(record)
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


def columns(record: type, *, place: str = "") -> Iterator[SchemaColumn]:
    """The fields of a record and of those within it, with their meanings: the docstrings behind them."""
    meanings = dict(_meanings(record))
    for name, hint in _hints(record).items():
        yield SchemaColumn(f"{place}{name}", words(hint), meanings.get(name, ""))
        inner = get_args(hint)[-1:] if get_origin(hint) in (list, dict) else (hint,)
        if inner and is_typeddict(inner[0]):
            mark = {list: "[]", dict: ".*"}.get(get_origin(hint) or str, "")
            yield from columns(inner[0], place=f"{place}{name}{mark}.")


def words(hint: Any) -> str:
    """A type as a reader of the documentation knows it."""
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return " or ".join("none" if one is type(None) else words(one) for one in inner)
    if origin is list:
        return f"list of {words(inner[0])}"
    if origin is dict:
        return f"by {words(inner[0])}: {words(inner[1])}"
    return "record" if is_typeddict(hint) else _WORDS[hint]


def _hints(record: type) -> dict[str, Any]:
    hints = get_type_hints(record, include_extras=True)
    return {
        name: get_args(hint)[0] if get_origin(hint) in (NotRequired, Required) else hint
        for name, hint in hints.items()
    }


def _of_optional(hint: Any) -> Any:
    kinds = [one for one in get_args(hint) if one is not type(None)]
    return kinds[0] if get_origin(hint) in (Union, types.UnionType) and len(kinds) == 1 else hint


def _meanings(record: type) -> Iterator[tuple[str, str]]:
    """Field -> the docstring behind it, also of the records that this one extends."""
    for base in getattr(record, "__orig_bases__", ()):
        if is_typeddict(base):
            yield from _meanings(base)
    (definition,) = ast.parse(textwrap.dedent(inspect.getsource(record))).body
    assert isinstance(definition, ast.ClassDef)
    name = ""
    for line in definition.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            name = line.target.id
        elif isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and name:
            text = " ".join(str(line.value.value).split()).removesuffix(".")
            yield name, re.sub(r":\w+:(`[^`]+`)", r"\1", text)
