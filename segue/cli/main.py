"""The command `segue`. A subcommand's module is imported when it is called: help and completion are quick."""

from __future__ import annotations

import contextlib
import importlib
import inspect
import logging
import os
import re
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Annotated, Any, cast

import typer
from typer.core import TyperCommand, TyperGroup

from segue import __version__
from segue.cli.checkout import PASSED_ON
from segue.cli.commands import COMMANDS, DEFAULTS, GROUPS, Command
from segue.cli.former import todays
from segue.cli.listing import listing
from segue.errors import SegueError, UsageError, one_line_errors
from segue.places import CHECKOUT, LOCAL, PROGRAM
from segue.processes import raise_file_limit


class _Listed(TyperCommand):
    """A command as a list shows it: with its summary, uncut."""

    def get_short_help_str(self, limit: int = 45) -> str:
        return self.help or ""


class Commands(TyperGroup):
    """A group of commands. A command's module is imported when it is called, not when it is listed.

    Contexts are `Any`: their class is not part of Typer's interface.
    """

    prefix = ""
    """The first word of the group's commands, with a space; empty for the command `segue` itself."""

    default: str | None = None
    """The command of the group that is called if the command line names none."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Replace names of 0.1, with a notice for each, and insert the default command if none is named."""
        if self.default and (not args or (args[0].startswith("-") and args[0] not in ("--help", "-h"))):
            args = [self.default, *args]
        if not self.prefix:
            _refuse_empty(args)
            line = todays(args)
            for notice in line.notices:
                typer.echo(f"segue: {notice}", err=True)
            args = line.arguments
            if args == ["help"]:
                typer.echo(listing(ctx.info_name, available()))
                ctx.exit()
        return super().parse_args(ctx, args)

    def list_commands(self, ctx: Any) -> list[str]:
        """The names in the order of COMMANDS."""
        names = (command.name.removeprefix(self.prefix) for command in available() if self._has(command))
        return list(dict.fromkeys(name.split()[0] for name in names))

    def get_command(self, ctx: Any, cmd_name: str) -> TyperCommand | TyperGroup | None:
        """A stand-in with the name and the summary. It imports nothing."""
        if not self.prefix and cmd_name in GROUPS:
            return _group(cmd_name)
        command = self._find(cmd_name)
        if command is None:
            return None
        return _Listed(cmd_name, help=command.summary, rich_markup_mode=None)

    def resolve_command(self, ctx: Any, args: list[str]) -> Any:
        """Import and return the command that is called."""
        names = self.list_commands(ctx)
        self.commands = {name: _Listed(name) for name in names}  # Typer suggests names from these
        name, listed, rest = super().resolve_command(ctx, args)
        command = self._find(name) if name else None
        return name, (load(command) if command else listed), rest

    def _has(self, command: Command) -> bool:
        return command.name.startswith(self.prefix)

    def _find(self, name: str) -> Command | None:
        return next((command for command in available() if command.name == f"{self.prefix}{name}"), None)


def _refuse_empty(args: list[str]) -> None:
    """Reject an empty argument, as of an unset variable: an empty path would be the current folder."""
    for before, argument in zip(["", *args], args, strict=False):
        if argument == "" or (argument.startswith("--") and argument.endswith("=")):
            which = argument or (f"the argument after {before}" if before else "the first argument")
            raise UsageError(f"{which} is empty: check the variables in your command line")


def available() -> list[Command]:
    """The commands of this installation."""
    return [command for command in COMMANDS if CHECKOUT or not command.checkout]


def _group(name: str) -> Commands:
    default = DEFAULTS.get(name)
    group = Commands(name=name, help=GROUPS[name], rich_markup_mode=None, no_args_is_help=default is None)
    group.prefix, group.default = f"{name} ", default
    return group


def load(command: Command) -> TyperCommand:
    """Import the function of a command and make a Typer command from it.

    Raises
    ------
    SegueError
        The packages that the command needs are not installed.
    """
    module, _, function = command.function.partition(":")
    try:
        called = getattr(importlib.import_module(f"segue.{module}"), function)
    except ModuleNotFoundError as error:
        raise _not_installed(command, error) from error
    app = typer.Typer(rich_markup_mode=None, add_completion=False)
    passed_on = PASSED_ON if command.checkout else {}
    # Click joins the lines of a paragraph unless it begins with this mark.
    text = re.sub(
        r"(?m)^(?=[^\n]*: +[^\n]*\./run\.sh [^\n]*$)", "\b\n", inspect.cleandoc(called.__doc__ or "")
    )
    help_text = text.replace("./run.sh", PROGRAM)
    app.command(command.name.split()[-1], help=help_text, context_settings=passed_on)(called)
    made = typer.main.get_command(app)
    assert isinstance(made, TyperCommand)
    _name_types(made)
    return made


_TYPES = {"int": "number", "float": "number", "str": "text", "Path": "path"}


def _name_types(command: TyperCommand) -> None:
    """Let the help show `<number>` and `<text>`, where Typer shows names of Python types."""
    for parameter in cast("list[Any]", command.params):
        if shown := getattr(parameter, "display_type", None):
            parameter.display_type = partial(_plain_type, shown)


def _plain_type(shown: Callable[[Any], str], context: Any) -> str:
    python = re.sub(r"list\[(.+)\]", r"\1", shown(context)[1:-1]).removesuffix(" range")
    return f"<{_TYPES.get(python, python)}>"


def _not_installed(command: Command, error: ModuleNotFoundError) -> Exception:
    """The error for a missing optional package; a missing module of Segue itself is a defect."""
    if command.packages == "runtime" or (error.name or "segue").startswith("segue"):
        return error
    how = f"pip install 'segue[{command.packages}]'"
    if CHECKOUT:
        how = f"./run.sh setup {command.packages}"
    elif command.packages == "dev":
        how = f"pip install {error.name}"
    return SegueError(f"{command.name} needs {error.name}, which is not installed: {how}")


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"segue {__version__}")
        raise typer.Exit


def _config(file: Path | None) -> None:
    if file is None:
        return
    if not file.is_file():
        raise typer.BadParameter(f"there is no file {file}")
    os.environ["SEGUE_CONF"] = str(file.absolute())


def _log(*, verbose: bool) -> None:
    """Write warnings, or all log messages, in the form of the settings; wrong settings are reported later."""
    if {"--help", "-h"} & set(sys.argv):
        return
    from segue import logs
    from segue.settings import load_settings

    form: logs.Form = "text"
    logging.disable()  # the command loads the settings too, and reports former names
    with contextlib.suppress(SegueError):
        form = load_settings().logs.format
    logging.disable(logging.NOTSET)
    logs.configure(form, level="INFO" if verbose else "WARNING")


_HELP = f"""Segue re-plans your next songs while you listen.

`{PROGRAM} help` lists the commands by group, with an example of each.

Settings: --config FILE, or SEGUE_CONF, names a settings file of your own.
SEGUE_KAFKA__BOOTSTRAP_SERVERS=host:9092 and SEGUE_MONGO__URI=mongodb://host name your own servers.
SEGUE_HOME names the folder for data. It is now:

\b
{LOCAL}

Example: {PROGRAM} demo --check

Example: {PROGRAM} --config /etc/segue.toml index build
"""

app = typer.Typer(cls=Commands, rich_markup_mode=None, no_args_is_help=True, help=_HELP)


@app.callback()
def segue(
    config: Annotated[
        Path | None,
        typer.Option(
            "--config",
            metavar="FILE",
            callback=_config,
            help="Read this settings file in addition to the defaults.",
        ),
    ] = None,
    verbose: Annotated[bool, typer.Option("--verbose", help="Show log messages on standard error.")] = False,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Show the version and exit.")
    ] = False,
) -> None:
    """The options of `segue` itself."""
    _log(verbose=verbose)


def main() -> None:
    """Entry point of `segue`, and of `python -m segue`, by which run.sh calls it."""
    raise_file_limit()
    launched_by_module = sys.argv[0].endswith("__main__.py")
    with one_line_errors():
        typer.main.get_command(app).main(prog_name=PROGRAM if launched_by_module else "segue")
