"""The list of commands as text, and the packages that a command line needs. run.sh calls it with any Python.

python -m segue.cli.listing help                    the list
python -m segue.cli.listing packages ARGUMENTS...   a set of packages; status 2: no such command

Standard library only.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence

from segue.cli.commands import COMMANDS, DEFAULTS, GROUPS, Command, Packages, command_named
from segue.cli.former import command_line, name_in


def listing(program: str, commands: Sequence[Command] = COMMANDS) -> str:
    """The commands by group, each with an example that begins with `program`."""
    width = max(len(command.name) for command in commands)
    lines = [
        "Segue re-plans your next songs while you listen.",
        "",
        f"usage: {program} COMMAND [OPTIONS]        {program} COMMAND --help explains a command",
    ]
    group = ""
    for number, command in enumerate(commands):
        first, _, verb = command.name.partition(" ")
        own = first if verb else ""
        if own != group or number == 0:
            lines += ["", GROUPS.get(own, "Segue as a whole." if number == 0 else "The project.")]
        group = own
        lines += [
            f"  {command.name:{width}} {command.summary}",
            f"  {'':{width}}   {program} {command.example}",
        ]
    return "\n".join(
        [
            *lines,
            "",
            "Settings: conf/default.toml; your own servers: SEGUE_KAFKA__BOOTSTRAP_SERVERS=host:9092 and",
            "SEGUE_MONGO__URI=mongodb://host.",
        ]
    )


def packages(arguments: Sequence[str]) -> Packages | None:
    """The packages that a command line needs; None if there is no such command. A group needs the runtime."""
    line = command_line(arguments)
    if not line:
        return "runtime"
    name = name_in(line)
    command = command_named(name) or command_named(f"{name} {DEFAULTS.get(name)}")
    return command.packages if command else "runtime" if name else None


def _main(question: str, *arguments: str) -> int:
    if question == "help":
        sys.stdout.write(listing("./run.sh") + "\n")
        return 0
    answer = packages(arguments)
    sys.stdout.write(f"{answer}\n" if answer else "")
    return 0 if answer else 2


if __name__ == "__main__":
    raise SystemExit(_main(*sys.argv[1:]))
