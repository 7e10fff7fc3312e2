"""Finds all problems of a settings file, each with its line."""

from __future__ import annotations

import difflib
import json
import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from pydantic_core import ErrorDetails
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource

from segue.errors import SegueError
from segue.places import CONF
from segue.renamed_settings import former_names, with_kept_meaning, with_new_names
from segue.settings.contradictions import contradictions
from segue.settings.loading import Settings, read_toml
from segue.settings.reference import Key, reference, sections
from segue.settings.wording import reason

_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_TABLE = re.compile(r"\s*\[\[?([^\[\]]+)\]")
BYTE_ORDER_MARK = "\ufeff"
_ROUNDS = 10
"""Attempts to validate; each leaves out the faulty values of those before."""


@dataclass(frozen=True)
class Problem:
    """A problem in a settings file."""

    line: int
    """The line number from 1; 0 if no line has the problem."""
    key: str
    """The setting with its section; empty for the whole file."""
    text: str
    """The value, the reason, the allowed values, and a similar name for an unknown key."""


class _FromArguments(Settings):
    """Settings that read neither the environment nor files."""

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        return (init_settings,)


def problems(file: Path) -> list[Problem]:
    """The problems of a file, ordered by line; names of release 0.1 are valid.

    Raises
    ------
    SegueError
        The file cannot be read.
    """
    try:
        text = file.read_text()
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not UTF-8"
        raise SegueError(f"{file} cannot be read: {reason}") from None
    if text.startswith(BYTE_ORDER_MARK):
        return [Problem(1, "", "the file begins with a byte order mark: save it as UTF-8 without one")]
    try:
        named = with_new_names(tomllib.loads(text), source=str(file))
        values = with_kept_meaning(named, source=str(file))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else len(text.splitlines())  # the end of the document
        return [Problem(line, "", f"invalid TOML: {error}")]
    return sorted(set(_all(values, lines_of(text))), key=lambda problem: (problem.line, problem.key))


def _all(values: dict[str, Any], lines: Mapping[str, int]) -> Iterator[Problem]:
    """The faulty values; then, with the defaults in their place, the contradictions between the others."""
    faulty: set[str] = set()
    for _ in range(_ROUNDS):
        try:
            settings = _FromArguments(**_merged(read_toml(CONF / "default.toml"), values))
        except ValidationError as error:
            for fault in error.errors():
                name = _place(fault["loc"], values)
                if faulty.isdisjoint(_around(name)):
                    yield _problem(fault, name, lines)
            found = {_place(fault["loc"], values) or _named(fault) for fault in error.errors()} - faulty
            if not found:
                return
            faulty |= found
            for name in found:
                _remove(values, name)
            continue
        for each in contradictions(settings):
            if faulty.isdisjoint(each.keys):
                named = next((key for key in each.keys if key in lines), each.keys[0])
                yield Problem(_line(named, lines), each.keys[0], each.text)
        return


def similar(name: str) -> str:
    """The setting or section with the most similar name; empty if none is similar."""
    known = [key.name for key in reference()]
    present = [section.name for section in sections()]
    if name.rpartition(".")[0] not in present:  # a key of an existing section is not that section misspelt
        known += present
    if close := difflib.get_close_matches(name, known, n=1, cutoff=0.75):
        return close[0]
    # A valid key in the wrong section.
    last = name.rpartition(".")[2]
    return next((each for each in known if each.rpartition(".")[2] == last), "")


def lines_of(text: str) -> dict[str, int]:
    """The line of each key and of each table of a TOML text, by name."""
    line_of: dict[str, int] = {}
    table = ""
    for number, line in enumerate(text.splitlines(), 1):
        if match := _TABLE.match(line):
            table = _joined(match[1])
            line_of.setdefault(table, number)
        elif match := _KEY.match(line):
            line_of.setdefault(f"{table}.{_joined(match[1])}".removeprefix("."), number)
    return line_of


def _joined(name: str) -> str:
    return ".".join(part.strip().strip("\"'") for part in name.split("."))


def _merged(base: Mapping[str, Any], values: Mapping[str, Any]) -> dict[str, Any]:
    merged = dict(base)
    for name, value in values.items():
        before = merged.get(name)
        both = isinstance(before, dict) and isinstance(value, dict)
        merged[name] = _merged(before, value) if both and before is not None else value
    return merged


def _problem(error: ErrorDetails, name: str, lines: Mapping[str, int]) -> Problem:
    if not name:
        return Problem(_line(_named(error), lines), "", reason(error))
    line = _line(name, lines)
    if error["type"] == "extra_forbidden":
        close = similar(name)
        hint = f"; did you mean {close}?" if close not in ("", name) else ""
        return Problem(line, name, f"{reason(error)}{hint}")
    key = _key_of(name)
    if key is None or isinstance(error["input"], dict):
        text = reason(error, kind=key.type if key else "")
        # The message of a rule over a section names its keys.
        inside = (f"{name}.{word}" for word in re.findall(r"\w+", text))
        return Problem(next((lines[each] for each in inside if each in lines), line), name, text)
    value = "" if key.secret else f" = {_shown(error['input'])}"
    text = reason(error, kind=key.type)
    allowed = f"; allowed: {key.allowed}" if key.allowed and key.allowed not in text else ""
    return Problem(line, f"{name}{value}", f"{text}{allowed}")


def _named(error: ErrorDetails) -> str:
    """The setting with which the message of a rule over several sections begins."""
    return reason(error).partition(":")[0]


def _place(location: tuple[int | str, ...], values: Mapping[str, Any]) -> str:
    """The name of a setting. Tables are validated as pairs: their keys have numbers in the location."""
    names: list[str] = []
    value: Any = values
    parts = iter(location)
    for part in parts:
        name = part
        if isinstance(part, int) and isinstance(value, Mapping):
            name = [*value][part]
            next(parts, None)
        names.append(str(name))
        value = value.get(name) if isinstance(value, Mapping) else None
    return ".".join(names)


def _shown(value: object) -> str:
    """A value in TOML's notation."""
    if isinstance(value, bool | str | list):
        return json.dumps(value, ensure_ascii=False, default=str)
    return str(value)


def _remove(values: dict[str, Any], name: str) -> None:
    *path, key = name.split(".")
    table: Any = values
    for part in path:
        if not isinstance(table.get(part), dict):
            # The table itself is faulty.
            table.pop(part, None)
            return
        table = table[part]
    table.pop(key, None)


def _key_of(name: str) -> Key | None:
    return next((key for key in reference() if name == key.name or name.startswith(f"{key.name}.")), None)


def _around(name: str) -> set[str]:
    """A name and those of the tables around it."""
    return {name.rsplit(".", cut)[0] for cut in range(name.count(".") + 1)}


def _line(name: str, lines: Mapping[str, int]) -> int:
    """The line of a key under one of its names, or of the first key in it, or of the table around it."""
    inside = (line for each, line in lines.items() if each.startswith(f"{name}."))
    exact = next((lines[each] for each in (name, *former_names(name)) if each in lines), None)
    return exact or next(inside, None) or next((lines[each] for each in _places(name) if each in lines), 0)


def _places(name: str) -> Iterator[str]:
    yield name
    yield from former_names(name)
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
