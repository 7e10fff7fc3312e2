"""The page on settings: from their types, and from the comments of `conf/default.toml`."""

from __future__ import annotations

import types
from collections.abc import Iterator
from datetime import timedelta
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo

from segue.documentation.reference import markdown as md
from segue.documentation.reference.default_file import read_defaults
from segue.renamed_settings import RENAMED
from segue.settings import Settings, values

_BOUNDS = {"ge": "at least {}", "gt": "above {}", "le": "at most {}", "lt": "below {}"}
_WORDS: dict[Any, str] = {
    str: "text",
    int: "whole number",
    float: "number",
    bool: "`true` or `false`",
    timedelta: "duration",
    SecretStr: "text, secret",
}


def render() -> str:
    """The page."""
    defaults = read_defaults()
    return md.page(
        "Settings",
        "Defaults are in `conf/default.toml`. A file of your own, named by `SEGUE_CONF`, overrides them; a "
        "variable such "
        "as `SEGUE_KAFKA__BOOTSTRAP_SERVERS` (section and key joined by two underscores) overrides both.",
        'A duration is a number and a unit: `"500 milliseconds"`, `"30 minutes"`, `"7 days"`. A size is a '
        "number and a "
        'unit: `"64 KiB"`, `"2 GiB"`. Relative folders count from the project\'s folder. Processes read '
        "settings when "
        "they start: restart a process after a change.",
        *(part for name, model in sections() for part in _section(name, model, defaults)),
        "## Names of 0.1",
        "The former names work in 0.2, in files and variables, with a warning that names the new one.",
        md.table(
            ("0.1", "0.2"),
            ((md.code(former), md.code(str(new))) for former, new in RENAMED.items()),
        ),
    )


def sections(model: type[BaseModel] = Settings, prefix: str = "") -> Iterator[tuple[str, type[BaseModel]]]:
    """All tables of the settings with their models, by dotted name."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield f"{prefix}{name}", field.annotation
            yield from sections(field.annotation, f"{prefix}{name}.")


def _section(name: str, model: type[BaseModel], defaults: dict[str, tuple[str, str]]) -> Iterator[str]:
    rows = [
        _row(key, field, defaults.get(f"{name}.{key}", ("", "")))
        for key, field in model.model_fields.items()
        if not (isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel))
    ]
    if rows:
        yield f"## `[{name}]`"
        yield md.table(("key", "type and range", "default", "effect"), rows)


def _row(key: str, field: FieldInfo, written: tuple[str, str]) -> tuple[str, ...]:
    default, comment = written
    if not default and not field.is_required():
        default = repr(field.get_default(call_default_factory=True)).replace("'", '"')
    meaning = comment or field.description or ""
    return md.code(key), _type(field), md.code(default), meaning


def _type(field: FieldInfo) -> str:
    read_by = {getattr(one, "func", None) for one in field.metadata}
    words = "size" if values._size in read_by else _words(field.annotation)
    return ", ".join([words, *_range(field.metadata)])


def _words(hint: Any) -> str:
    origin, inner = get_origin(hint), get_args(hint)
    if origin is Literal:
        return " or ".join(f'`"{one}"`' if isinstance(one, str) else f"`{one}`" for one in inner)
    if origin in (Union, types.UnionType):
        return " or ".join("none" if one is type(None) else _words(one) for one in inner)
    if hasattr(hint, "__metadata__"):
        return _words(inner[0])
    if origin is tuple:
        return "table" if get_origin(inner[0]) is tuple else "list"
    return _WORDS.get(hint, getattr(hint, "__name__", str(hint)))


def _range(metadata: list[Any]) -> Iterator[str]:
    for one in metadata:
        for bound, words in _BOUNDS.items():
            if (value := getattr(one, bound, None)) is not None:
                yield words.format(value)
        if pattern := getattr(one, "pattern", None):
            yield f"as {md.code(str(pattern))}"
