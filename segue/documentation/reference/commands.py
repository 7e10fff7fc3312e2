"""The page on commands."""

from __future__ import annotations

import inspect
import re
import subprocess
from collections.abc import Iterator
from typing import Any

from segue.cli.commands import COMMANDS, Command
from segue.cli.former import FORMER_COMMANDS, FORMER_FLAGS
from segue.cli.main import load
from segue.documentation.reference import markdown as md
from segue.places import LOCAL, ROOT


def render() -> str:
    """The page."""
    return md.page(
        "Commands",
        "In a checkout a command is called as `./run.sh NAME`, in an installed package as `segue NAME`. "
        "[Exit statuses](exit-statuses.md) are the same for all. The tests check the options of the examples "
        "below, but do not run them: they run those of the tutorials and the how-to guides.",
        md.table(
            ("command", "purpose", "packages"),
            ((f"[`{c.name}`](#{_anchor(c.name)})", c.summary, c.packages) for c in COMMANDS),
        ),
        *(part for command in COMMANDS for part in _command(command)),
        "## Names of 0.1",
        "The former names work in 0.2 and print one line on standard error that names the new one. "
        "A command that is not listed has kept its name.",
        md.table(
            ("0.1", "0.2"), ((md.code(command.former), md.code(command.name)) for command in FORMER_COMMANDS)
        ),
        md.table(
            ("command", "flag in 0.1", "in 0.2"),
            (
                (md.code(flag.command), md.code(flag.former), md.code(flag.becomes or flag.flag))
                for flag in FORMER_FLAGS
            ),
        ),
    )


def _anchor(name: str) -> str:
    return name.replace(" ", "-")


def _command(command: Command) -> Iterator[str]:
    yield f"## {command.name}"
    if command.checkout:
        yield f"{_sentence(command.summary)} Only in a checkout."
        yield md.block("text", _printed(command.name))
        return
    made = load(command)
    text, examples = _help(made.help or "")
    yield text
    context = made.make_context(command.name, [], resilient_parsing=True)
    if rows := [_parameter(p, context) for p in made.params if not getattr(p, "hidden", False)]:
        yield md.table(("parameter", "meaning"), rows)
    yield md.block("sh", "\n".join(examples or [f"./run.sh {command.example}"]))


def _printed(name: str) -> str:
    """The help of a command of run.sh, which has no docstring."""
    done = subprocess.run([ROOT / "run.sh", name, "--help"], capture_output=True, text=True, check=True)
    return done.stdout.strip()


def _sentence(text: str) -> str:
    return f"{text[:1].upper()}{text[1:]}."


def _help(docstring: str) -> tuple[str, list[str]]:
    """The text of a help, with paragraphs such as "NAME: text" as a list, and its examples."""
    text = inspect.cleandoc(docstring).replace("\b\n", "")
    examples = re.findall(r"^Examples?: +(.+)$", text, re.MULTILINE)
    text = re.sub(r"^Examples?: .*\n?", "", text, flags=re.MULTILINE)
    return "\n\n".join(map(_paragraph, re.split(r"\n{2,}", text.strip()))), examples


def _paragraph(text: str) -> str:
    """A paragraph of a help; one that explains a name becomes an item of a list."""
    named = re.match(r"([a-z][a-z-]*): ", text)
    return f"- `{named[1]}`: {' '.join(text[named.end() :].split())}" if named else text


def _parameter(parameter: Any, context: Any) -> tuple[str, str]:
    """The name and the meaning, with default and range, as the help shows them."""
    name, meaning = parameter.get_help_record(context) or (parameter.name.upper(), "")
    return md.code(name), _short(meaning)


def _short(text: str) -> str:
    """Without paths of this machine."""
    return text.replace(str(LOCAL), ".local")
