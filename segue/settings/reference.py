"""Every setting with its type, range, default and description.

The descriptions are the comments above the keys of conf/default.toml; a line `# ==== Name ====` begins a
group of sections. A key that the file lacks has the description and the default of its class. Types, ranges,
units and the time at which a change takes effect are those of the classes.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import timedelta
from functools import cache
from typing import Any, Literal, cast, get_args, get_origin

import annotated_types
import tomlkit
from pydantic import BaseModel, SecretStr
from pydantic.fields import FieldInfo
from pydantic_core import PydanticUndefined
from tomlkit.items import Comment, Item, Table, Whitespace

from segue.places import CONF
from segue.settings.loading import Settings
from segue.settings.values import Section, TakesEffect, Unit, duration_text, size_text

_GROUP = re.compile(r"=+ (.+) =+")


@dataclass(frozen=True)
class Key:
    """One setting."""

    name: str
    """The name with its section, such as "stream.allowed_lateness"."""
    section: str
    type: str
    """The type, such as "duration", "size", "whole number", "number", "text", "switch"."""
    unit: str
    """The unit of a number, such as "Hz"; empty without a unit, or if the value's text has it."""
    allowed: str
    """The allowed values, such as "1 to 50" or "auto, on, off"; empty for any value of the type."""
    default: str
    """The default in TOML's notation."""
    description: str
    takes_effect: str
    """The action after which a changed value takes effect."""
    secret: bool
    """Whether the value is hidden."""


@dataclass(frozen=True)
class SectionReference:
    """A table of the settings file with its keys."""

    name: str
    group: str
    """The component of the section, such as "Streaming"."""
    description: str
    keys: tuple[Key, ...]


@cache
def sections() -> tuple[SectionReference, ...]:
    """All sections in the order of conf/default.toml; then those that are only in the classes."""
    reader = _Reader()
    reader.read(tomlkit.parse((CONF / "default.toml").read_text()).body, "")
    reader.add_others(Settings, "")
    return tuple(
        SectionReference(name, group, reader.descriptions.get(name, ""), tuple(reader.keys[name]))
        for name, group in reader.groups.items()
    )


def reference() -> tuple[Key, ...]:
    """All settings in the order of conf/default.toml."""
    return tuple(key for section in sections() for key in section.keys)


def section_class(name: str) -> type[Section]:
    """The class of a section, such as "index.annoy"."""
    annotation: Any = Settings
    for part in name.split("."):
        annotation = annotation.model_fields[part].annotation
    section: type[Section] = annotation
    return section


class _Reader:
    """Reads the file in order and attaches comments to the next key."""

    def __init__(self) -> None:
        self.groups: dict[str, str] = {}
        """The keys by section."""
        self.descriptions: dict[str, str] = {}
        self.keys: dict[str, list[Key]] = {}
        self._group = ""
        self._comment: list[str] = []

    def read(self, body: Iterable[tuple[Any, Item]], section: str) -> None:
        for key, item in body:
            if isinstance(item, Comment):
                self._read_comment(item.trivia.comment.removeprefix("#").strip())
            elif isinstance(item, Whitespace):
                self._describe(section)
            elif isinstance(item, Table):
                self._read_table(f"{section}.{key.key}".removeprefix("."), item)
            else:
                self._add(section, key.key, item.as_string())
        self._describe(section)

    def add_others(self, section: type[BaseModel], name: str) -> None:
        """Add the keys and sections that the file lacks."""
        known = {key.name for key in self.keys.get(name, ())}
        for key, field in section.model_fields.items():
            full = f"{name}.{key}".removeprefix(".")
            if _is_section(field.annotation):
                self.add_others(cast(type[BaseModel], field.annotation), full)
            elif full not in known:
                if name not in self.groups:
                    self.groups[name], self.keys[name] = self._group, []
                self._comment = [field.description or ""]
                self._add(name, key, _class_default(field))

    def _read_comment(self, text: str) -> None:
        if match := _GROUP.fullmatch(text):
            self._group = match[1]
        else:
            self._comment.append(text)

    def _describe(self, section: str) -> None:
        """A comment followed by an empty line describes the section."""
        if self._comment and section:
            self.descriptions.setdefault(section, " ".join(self._comment))
        self._comment = []

    def _read_table(self, name: str, table: Table) -> None:
        parent, _, key = name.rpartition(".")
        annotation = section_class(parent).model_fields[key].annotation if parent else None
        if parent and not _is_section(annotation):
            # The table is the value of a setting.
            self.read(table.value.body, name)
            self._comment = [self.descriptions.pop(name, "")]
            self._add(parent, key, "{}")
            return
        if not table.is_super_table():
            self.groups[name], self.keys[name] = self._group, []
        self.read(table.value.body, name)

    def _add(self, section: str, key: str, default: str) -> None:
        field = section_class(section).model_fields[key]
        when = [each.when for each in field.metadata if isinstance(each, TakesEffect)]
        self.keys[section].append(
            Key(
                name=f"{section}.{key}",
                section=section,
                type=_type(field),
                unit=next((each.name for each in field.metadata if isinstance(each, Unit)), ""),
                allowed=_allowed(section_class(section), key),
                default=default,
                description=" ".join(self._comment),
                takes_effect=when[0] if when else section_class(section).takes_effect,
                secret=field.annotation is SecretStr or not field.repr,
            )
        )
        self._comment = []


def _class_default(field: FieldInfo) -> str:
    """The default of a class, as written in a TOML file; empty for a key without one."""
    value = field.get_default(call_default_factory=True)
    if value is PydanticUndefined:
        return ""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    return json.dumps(value if isinstance(value, bool) else _plain_default(value, field))


def _plain_default(value: object, field: FieldInfo) -> object:
    if isinstance(value, timedelta):
        return duration_text(value)
    if isinstance(value, int) and is_size(field):
        return size_text(value)
    return list(value) if isinstance(value, tuple) else value


def _is_section(annotation: object) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _type(field: FieldInfo) -> str:
    annotation = field.annotation
    if annotation is timedelta:
        return "duration"
    if get_origin(annotation) is Literal:
        return "switch" if get_args(annotation) == ("auto", "on", "off") else "text"
    if get_origin(annotation) is tuple:
        item = get_args(annotation)[0]
        return "list" if getattr(item, "__origin__", item) in (str, Literal) else "table"
    if annotation is int:
        return "size" if is_size(field) else "whole number"
    names: dict[object, str] = {bool: "true or false", float: "number"}
    return names.get(annotation, "text")


def is_size(field: FieldInfo) -> bool:
    """Whether a whole number is written as a size, such as "64 KiB"."""
    return any(getattr(each, "func", None) is size_text for each in field.metadata)


def _allowed(section: type[Section], key: str) -> str:
    field = section.model_fields[key]
    if get_origin(field.annotation) is Literal:
        return ", ".join(get_args(field.annotation))
    if names := section.choices(key):
        return ", ".join(names)
    bounds: dict[str, object] = {}
    for each in field.metadata:
        for name, kind in _BOUNDS.items():
            if isinstance(each, kind):
                bounds[name] = getattr(each, name)
    shown = {name: _shown(value, field) for name, value in bounds.items()}
    if "ge" in shown and "le" in shown:
        return f"{shown['ge']} to {shown['le']}"
    return ", ".join(f"{_WORDS[name]} {text}" for name, text in shown.items())


_BOUNDS = {
    "ge": annotated_types.Ge,
    "gt": annotated_types.Gt,
    "le": annotated_types.Le,
    "lt": annotated_types.Lt,
}
_WORDS = {"ge": "at least", "gt": "more than", "le": "at most", "lt": "less than"}


def _shown(value: object, field: FieldInfo) -> str:
    if isinstance(value, timedelta):
        return duration_text(value)
    return size_text(value) if isinstance(value, int) and is_size(field) else f"{value}"
