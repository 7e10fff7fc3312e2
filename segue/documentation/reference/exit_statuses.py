"""The page on exit statuses."""

from __future__ import annotations

from segue.documentation.reference import markdown as md


def render() -> str:
    """The page."""
    return md.page(
        "Exit statuses",
        "Results go to standard output. Progress and errors go to standard error. An error that you can "
        "fix is one line: "
        "the cause, and the remedy.",
        md.table(
            ("status", "meaning"),
            (
                ("0", "The command succeeded."),
                ("1", "The command failed, or a check failed; standard error has the reason."),
                ("2", "The command line has a mistake: an unknown command or option, or a missing value."),
                ("130", "The command was interrupted with Ctrl-C."),
                ("143", "The command was ended by SIGTERM, as `./run.sh down` does."),
            ),
        ),
    )
