"""Commands and flags of 0.1, and their new names. The former names work for one version.

run.sh reads this before any package is installed: standard library only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from segue.cli.commands import GROUPS, command_named, verbs

GLOBAL_WITH_VALUE = ("--config",)
"""Options of `segue` itself, before the command, that have a value."""


@dataclass(frozen=True)
class FormerCommand:
    """A command of 0.1."""

    former: str
    name: str
    """The new name."""
    argument: bool = False
    """Whether an argument followed the name in 0.1."""


@dataclass(frozen=True)
class FormerFlag:
    """A flag of 0.1."""

    command: str
    """The new name of the command that has it."""
    former: str
    flag: str
    """The new name, with a value if the former flag had none."""
    becomes: str = ""
    """The command that replaces the flag, if it is no longer a flag."""


FORMER_COMMANDS = (
    FormerCommand("ingest", "library ingest", argument=True),
    FormerCommand("compress", "library compress", argument=True),
    FormerCommand("features", "library features"),
    FormerCommand("rejected tracks", "library rejected"),
    FormerCommand("embeddings", "embeddings train"),
    FormerCommand("index", "index build"),
    FormerCommand("evaluate", "models evaluate"),
    FormerCommand("tune", "models tune"),
    FormerCommand("stream", "stream run"),
    FormerCommand("pack", "stream pack"),
    FormerCommand("replay", "plays replay"),
    FormerCommand("backup", "backup create", argument=True),
    FormerCommand("restore", "backup restore", argument=True),
    FormerCommand("access", "access create", argument=True),
    FormerCommand("audit", "dependencies audit"),
    FormerCommand("dashboard", "dashboard serve"),
    FormerCommand("experiments", "experiments report"),
)

FORMER_FLAGS = (
    FormerFlag("index build", "--rollback", "", becomes="index rollback"),
    FormerFlag("embeddings train", "--genres", "--fit genres"),
    FormerFlag("models evaluate", "--plots", "--output"),
    FormerFlag("stream pack", "--to", "--output"),
    FormerFlag("plays replay", "--log", "--data"),
    FormerFlag("plays replay", "--tracks", "--tracks-per-listener"),
    FormerFlag("demo", "--tracks", "--tracks-per-listener"),
    FormerFlag("listener export", "--out", "--output"),
    FormerFlag("bench", "--plot", "--output"),
)


@dataclass(frozen=True)
class Line:
    """A command line with new names."""

    arguments: list[str]
    notices: list[str]
    """A line for each former name in it."""


def todays(arguments: Sequence[str]) -> Line:
    """A command line with the former names replaced.

    Parameters
    ----------
    arguments
        All arguments of `segue`, options of `segue` itself included.
    """
    start = _start(arguments)
    options, line = list(arguments[:start]), list(arguments[start:])
    notices = []
    for former in FORMER_COMMANDS:
        if _is(former, line):
            line = former.name.split() + line[len(former.former.split()) :]
            notices.append(_notice(former.former, former.name))
            break
    name = name_in(line)
    words = len(name.split())
    line, flags, notices_of_flags = line[:words], line[words:], []
    for former_flag in FORMER_FLAGS:
        if former_flag.command != name:
            continue
        flags, found = _replaced(flags, former_flag)
        if found and former_flag.becomes:
            line = former_flag.becomes.split()
            notices = [_notice(f"{name.split()[0]} {former_flag.former}", former_flag.becomes)]
        elif found:
            notices_of_flags.append(_notice(former_flag.former, former_flag.flag, of=name))
    if name == "status" and _lacks_value(flags, "--json"):
        flags.insert(flags.index("--json") + 1, "-")
        notices_of_flags.append(_notice("--json", "--json -", of=name))
    return Line([*options, *line, *flags], [*notices, *notices_of_flags])


def name_in(line: Sequence[str]) -> str:
    """The command or group at the beginning of a command line without leading options; else empty."""
    for words in (2, 1):
        name = " ".join(line[:words])
        if command_named(name) or name in GROUPS:
            return name
    return ""


def command_line(arguments: Sequence[str]) -> list[str]:
    """The arguments from the command on, with new names."""
    line = todays(arguments).arguments
    return line[_start(line) :]


def _start(arguments: Sequence[str]) -> int:
    """The number of leading arguments that are options of `segue` itself."""
    at = 0
    while at < len(arguments) and arguments[at].startswith("-"):
        at += 2 if arguments[at] in GLOBAL_WITH_VALUE else 1
    return min(at, len(arguments))


def _is(former: FormerCommand, line: Sequence[str]) -> bool:
    words = former.former.split()
    if list(line[: len(words)]) != words:
        return False
    if former.former not in GROUPS:
        return True
    following = line[1] if len(line) > 1 else None
    if following in verbs(former.former) or following == "--help":
        return False
    if former.argument:
        return following is not None
    # Any other word is a mistyped verb: Typer suggests the right one.
    return following is None or following.startswith("-")


def _replaced(flags: Sequence[str], former: FormerFlag) -> tuple[list[str], bool]:
    """The flags with a former flag replaced, and whether it was there."""
    found = False
    replaced: list[str] = []
    for number, flag in enumerate(flags):
        name, equals, value = flag.partition("=")
        if flag == "--":
            return [*replaced, *flags[number:]], found
        if name != former.former:
            replaced.append(flag)
            continue
        found = True
        replaced += [f"{former.flag}={value}"] if equals else former.flag.split()
    return replaced, found


def _lacks_value(flags: Sequence[str], flag: str) -> bool:
    if flag not in flags:
        return False
    following = flags[flags.index(flag) + 1 :]
    return not following or (following[0].startswith("-") and following[0] != "-")


def _notice(former: str, name: str, *, of: str = "") -> str:
    where = f" of '{of}'" if of else ""
    return f"'{former}'{where} is now '{name}'; the old name will be removed in the next version"
