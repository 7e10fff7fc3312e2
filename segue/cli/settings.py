"""`segue settings show`, `settings check` and `settings explain`."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any

import typer

from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.renamed_settings import RENAMED
from segue.settings import load_settings
from segue.settings.checking import problems, similar
from segue.settings.effective import effective
from segue.settings.reference import Key, SectionReference, reference, sections


def show(
    name: Annotated[
        str | None, typer.Argument(metavar="[SECTION|KEY]", help="Only this section or key.")
    ] = None,
    json_file: JsonFile = None,
) -> None:
    """Show the effective settings as TOML, each with its source: default, a file, or a variable.

    Secrets are hidden.

    Example: ./run.sh settings show stream

    Example: ./run.sh settings show --json -
    """
    with one_line_errors():
        can_write(json_file)
        shown = [each for each in effective(load_settings()) if name is None or _is_in(each.key.name, name)]
        if not shown:
            raise _unknown(name or "")
        write_figures(
            json_file, {each.key.name: {"value": each.value, "source": each.source} for each in shown}
        )
        section = None
        for each in shown:
            if each.key.section != section:
                say(f"{'' if section is None else chr(10)}[{each.key.section}]", json_file)
                section = each.key.section
            line = f"{each.key.name.rpartition('.')[2]} = {_toml(each.value)}"
            say(f"{line:<40}  # {each.source}", json_file)


def check(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A settings file.")],
) -> None:
    """Check a settings file and list every problem with its line.

    If there is a problem, the exit status is 1. SEGUE_ variables are ignored.

    Example: ./run.sh settings check /etc/segue.toml

    Example: ./run.sh settings check /etc/segue.toml && ./run.sh stream run
    """
    with one_line_errors():
        found = problems(file)
        for problem in found:
            where = f"{file}:{problem.line}" if problem.line else f"{file}"
            say(f"{where}: {f'{problem.key}: ' if problem.key else ''}{problem.text}")
        if found:
            raise SystemExit(1)
        say(f"{file}: no problems")


def explain(
    name: Annotated[str, typer.Argument(metavar="SECTION|KEY", help="A section or a key.")],
) -> None:
    """Describe a setting: type, allowed values, default, effective value, and when a change takes effect.

    For a section, its keys are listed.

    Example: ./run.sh settings explain stream.allowed_lateness

    Example: ./run.sh settings explain ranking
    """
    with one_line_errors():
        if name.startswith("SEGUE_") and "__" in name:
            name = name.removeprefix("SEGUE_").lower().replace("__", ".")
        if (new := RENAMED.get(name)) is not None:
            names = (new,) if isinstance(new, str) else new
            say(f"{name} is the name of 0.1 for {' and '.join(names)}")
        else:
            names = (name,)
        if keys := [each for each in reference() if each.name in names]:
            for key in keys:
                _explain_key(key)
        elif found := [section for section in sections() if _is_in(section.name, name)]:
            for section in found:
                _explain_section(section)
        else:
            raise _unknown(name)


def _explain_key(key: Key) -> None:
    try:
        current = next(each for each in effective(load_settings()) if each.key == key)
        now = f"{_toml(current.value)} ({current.source})"
    except SegueError as error:
        now = f"unknown, because the settings are invalid: {error}"
    say(key.name)
    say(f"  {key.description}")
    rows = {
        "type": f"{key.type}, in {key.unit}" if key.unit else key.type,
        "allowed": key.allowed,
        "default": key.default,
        "now": now,
        "variable": f"SEGUE_{key.name.upper().replace('.', '__')}",
        "a change applies": key.takes_effect,
    }
    for title, text in rows.items():
        if text:
            say(f"  {title + ':':<18}{text}")


def _explain_section(section: SectionReference) -> None:
    say(f"[{section.name}]  {section.description}")
    for key in section.keys:
        say(f"  {key.name.rpartition('.')[2]:<28}{key.description}")


def _is_in(name: str, asked: str) -> bool:
    return name == asked or name.startswith(f"{asked}.")


def _unknown(name: str) -> SegueError:
    close = similar(name)
    hint = f"did you mean {close}?" if close else "./run.sh settings show lists all settings"
    return SegueError(f"there is no setting {name}: {hint}")


def _toml(value: Any) -> str:
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{json.dumps(key)} = {_toml(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return f"[{', '.join(map(_toml, value))}]"
    return json.dumps(value, ensure_ascii=False)
