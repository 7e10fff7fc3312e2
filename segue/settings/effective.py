"""The effective value and the source of each setting."""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

from pydantic import SecretStr
from pydantic_settings import EnvSettingsSource

from segue.renamed_settings import former_names, with_kept_meaning, with_new_names
from segue.settings.loading import Settings, read_toml
from segue.settings.reference import Key, reference
from segue.settings.values import duration_text, size_text

HIDDEN = "(hidden)"
DEFAULT = "default"


@dataclass(frozen=True)
class Effective:
    """A setting with its value in this process."""

    key: Key
    value: Any
    """The value in TOML's notation: durations and sizes as text; secrets are hidden."""
    source: str
    """"default", the path of the user's file, or the name of an environment variable."""


def effective(settings: Settings) -> Iterator[Effective]:
    """All settings in the order of conf/default.toml."""
    own = os.environ.get("SEGUE_CONF", "")
    given = with_new_names(read_toml(Path(own)), source=own, warn=False) if own else {}
    in_file = with_kept_meaning(given, source=own)
    in_environment = with_kept_meaning(
        with_new_names(_environment(), source="environment", warn=False),
        source="environment",
        beside=given,
    )
    for key in reference():
        source = DEFAULT
        if _has(in_file, key.name):
            source = own
        if _has(in_environment, key.name):
            source = _variable(key.name)
        yield Effective(key, plain(value_of(settings, key.name), key), source)


def value_of(settings: Settings, name: str) -> Any:
    """The attribute of a setting, such as "stream.window"."""
    value: Any = settings
    for part in name.split("."):
        value = getattr(value, part)
    return value


def plain(value: Any, key: Key) -> Any:
    """A setting's value in the types and the notation of a TOML file."""
    if isinstance(value, SecretStr):
        value = value.get_secret_value()
    if key.secret:
        return HIDDEN if value else ""
    if isinstance(value, timedelta):
        return duration_text(value)
    if key.type == "size":
        return size_text(value)
    if key.type == "table":
        return {name: dict(each) if isinstance(each, tuple) else each for name, each in value}
    return list(value) if isinstance(value, tuple) else value


def _environment() -> dict[str, Any]:
    return EnvSettingsSource(Settings)()


def _has(values: Mapping[str, Any], name: str) -> bool:
    table: Any = values
    for part in name.split("."):
        if not isinstance(table, Mapping) or part not in table:
            return False
        table = table[part]
    return True


def _variable(name: str) -> str:
    """The environment variable of a setting, under one of its names, or of its whole section."""
    there = {variable.upper(): variable for variable in os.environ}
    sections = [name.rsplit(".", cut)[0] for cut in range(1, name.count(".") + 1)]
    for each in (name, *former_names(name), *sections):
        if variable := there.get(f"SEGUE_{each.upper().replace('.', '__')}"):
            return variable
    return "environment"
