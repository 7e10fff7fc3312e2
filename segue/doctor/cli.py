"""`./run.sh doctor`: the checks of the machine and of the installation."""

from __future__ import annotations

from segue.doctor.check import failed, lines, plain
from segue.doctor.installed import installation_checks
from segue.doctor.machine import machine_checks
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures


def doctor(json_file: JsonFile = None) -> None:
    """Check the machine, the installation and the servers, and show how to correct each problem.

    Each line is ok, a warning (something works less well, or is not there yet) or a problem. The command
    starts nothing and changes nothing. It ends with status 1 if there is a problem. Before ./run.sh setup it
    checks the machine only.

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
            problems = sum(check.state == "problem" for check in checks)
            raise SegueError(f"{problems} problems: the lines with -> say how to correct them")
