"""Records as schemas: a TypedDict gives names, types and meanings; tables and JSON Schema follow."""

from __future__ import annotations

import ast
import inspect
import re
import sys
import textwrap
import types
from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import (
    Annotated,
    Any,
    Literal,
    NamedTuple,
    NotRequired,
    Union,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

_WORDS: Mapping[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bytes: "bytes",
    bool: "true or false",
    datetime: "time",
    Any: "any",
}
_JSON: Mapping[Any, Mapping[str, Any]] = {
    str: {"type": "string"},
    int: {"type": "integer"},
    float: {"type": "number"},
    bool: {"type": "boolean"},
    bytes: {"type": "string", "contentEncoding": "base64"},
    datetime: {"type": "string", "format": "date-time"},
    type(None): {"type": "null"},
}


class SchemaColumn(NamedTuple):
    """One field of a record, as a table shows it."""

    name: str
    type: str
    meaning: str


def columns(record: type, *, place: str = "") -> Iterator[SchemaColumn]:
    """The fields of a record and of those within it, with their meanings: the docstrings behind them."""
    meanings = dict(_meanings(record))
    for name, hint in hints_of(record).items():
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
    if origin is tuple:
        return f"({', '.join(words(one) for one in inner)})"
    if origin is Literal:
        return ", ".join(f"`{one}`" for one in inner)
    return "record" if is_typeddict(hint) else _WORDS.get(hint) or str(getattr(hint, "__name__", hint))


def json_schema(record: type) -> dict[str, Any]:
    """A record as JSON Schema. Times and bytes are text, as in exports."""
    optional: frozenset[str] = getattr(record, "__optional_keys__", frozenset())
    declared = get_type_hints(record, include_extras=True)
    optional |= {name for name, hint in declared.items() if get_origin(hint) is NotRequired}
    meanings = dict(_meanings(record))
    return {
        "type": "object",
        "properties": {
            name: _json(hint) | ({"description": meanings[name]} if name in meanings else {})
            for name, hint in hints_of(record).items()
        },
        "required": [name for name in hints_of(record) if name not in optional],
    }


def _json(hint: Any) -> dict[str, Any]:
    origin, inner = get_origin(hint), get_args(hint)
    if origin in (Union, types.UnionType):
        return {"anyOf": [_json(one) for one in inner]}
    if origin is Literal:
        return {"enum": list(inner)}
    if origin is list:
        return {"type": "array", "items": _json(inner[0])}
    if origin is dict:
        return {"type": "object", "additionalProperties": _json(inner[1])}
    return json_schema(hint) if is_typeddict(hint) else dict(_JSON.get(hint, {}))


def hints_of(record: type) -> dict[str, Any]:
    """Field -> type, without NotRequired, Required and Annotated, also within the type."""
    return get_type_hints(record)


def _meanings(record: type) -> Iterator[tuple[str, str]]:
    """Field -> its docstring or the text of Annotated, also of the records that this one extends."""
    for name, hint in get_type_hints(record, include_extras=True).items():
        if get_origin(hint) is Annotated and isinstance(get_args(hint)[1], str):
            yield name, str(get_args(hint)[1]).removesuffix(".")
    try:
        source = inspect.getsource(record)
    except OSError:  # a record that is made by a call has no docstrings
        return
    (definition,) = ast.parse(textwrap.dedent(source)).body
    assert isinstance(definition, ast.ClassDef)
    for base in definition.bases:  # a TypedDict of Python 3.11 does not keep its bases
        inherited = vars(sys.modules[record.__module__]).get(ast.unparse(base))
        if is_typeddict(inherited):
            yield from _meanings(cast(type, inherited))
    name = ""
    for line in definition.body:
        if isinstance(line, ast.AnnAssign) and isinstance(line.target, ast.Name):
            name = line.target.id
        elif isinstance(line, ast.Expr) and isinstance(line.value, ast.Constant) and name:
            text = " ".join(str(line.value.value).split()).removesuffix(".")
            yield name, re.sub(r":\w+:(`[^`]+`)", r"\1", text)
