"""`./run.sh doctor`: the checks of the machine and of the installation."""

from __future__ import annotations

from segue.counted import counted
from segue.doctor.check import failed, lines, plain
from segue.doctor.installed import installation_checks
from segue.doctor.machine import machine_checks
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures


def doctor(json_file: JsonFile = None) -> None:
    """Check the machine, the installation and the servers, and show how to correct each problem.

    Each line is ok, a warning (something works less well, or does not exist yet) or a problem. The command
    starts nothing and changes nothing. If there is a problem, the exit status is 1. Where the settings name
    users, their permissions are checked, too. Before ./run.sh setup, only the machine is checked.

    Example: ./run.sh doctor

    Example: ./run.sh doctor --json -
    """
    with one_line_errors():
        can_write(json_file)
        checks = [*machine_checks(), *installation_checks()]
        write_figures(json_file, plain(checks))
        for line in lines(checks):
            say(line, json_file)
        if failed(checks):
            count = sum(check.state == "problem" for check in checks)
            problems = counted(count, "problem")
            raise SegueError(f"{problems} found: the lines that begin with -> describe the remedy")
