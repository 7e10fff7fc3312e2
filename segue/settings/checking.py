"""Finds all problems of a settings file, each with its line."""

from __future__ import annotations

import difflib
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
from segue.renamed_settings import former_names, with_new_names
from segue.settings.loading import Settings, read_toml
from segue.settings.reference import Key, reference, sections

_KEY = re.compile(r"""\s*((?:[\w-]+|"[^"]*"|'[^']*')(?:\s*\.\s*(?:[\w-]+|"[^"]*"|'[^']*'))*)\s*=""")
_TABLE = re.compile(r"\s*\[([^\[\]]+)\]")


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
    try:
        values = with_new_names(tomllib.loads(text), source=str(file))
    except tomllib.TOMLDecodeError as error:
        place = re.search(r"at line (\d+)", str(error))
        line = int(place[1]) if place else len(text.splitlines())  # the end of the document
        return [Problem(line, "", f"invalid TOML: {error}")]
    try:
        _FromArguments(**_merged(read_toml(CONF / "default.toml"), values))
    except ValidationError as error:
        lines = lines_of(text)
        every = (_problem(fault, lines) for fault in error.errors())
        return sorted(every, key=lambda problem: (problem.line, problem.key))
    return []


def similar(name: str) -> str:
    """The setting or section with the most similar name; empty if none is similar."""
    known = [key.name for key in reference()] + [section.name for section in sections()]
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


def _problem(error: ErrorDetails, lines: Mapping[str, int]) -> Problem:
    name = ".".join(str(part) for part in error["loc"])
    message = error["msg"].removeprefix("Value error, ")
    if not name:
        # The message of a rule over several sections begins with the name of the faulty setting.
        name = message.partition(":")[0]
        return Problem(_line(name, lines), "", message)
    line = _line(name, lines)
    if error["type"] == "extra_forbidden":
        close = similar(name)
        return Problem(line, name, f"there is no such setting{f'; did you mean {close}?' if close else ''}")
    key = _key_of(name)
    if key is None or isinstance(error["input"], dict):
        return Problem(line, name, message)
    value = "" if key.secret else f" = {error['input']!r}"
    allowed = f"; allowed: {key.allowed}" if key.allowed else ""
    return Problem(line, f"{name}{value}", f"{message}{allowed}")


def _key_of(name: str) -> Key | None:
    return next((key for key in reference() if name == key.name or name.startswith(f"{key.name}.")), None)


def _line(name: str, lines: Mapping[str, int]) -> int:
    """The line of a key under one of its names, or of the innermost table around it."""
    return next((lines[each] for each in _places(name) if each in lines), 0)


def _places(name: str) -> Iterator[str]:
    yield name
    yield from former_names(name)
    while "." in name:
        name = name.rpartition(".")[0]
        yield name
