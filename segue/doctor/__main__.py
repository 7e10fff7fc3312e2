"""`./run.sh doctor` before set-up: the checks of the machine. Standard library only."""

from __future__ import annotations

import argparse
import json
import sys
from pathlib import Path

from segue.doctor.check import failed, lines, plain, warning
from segue.doctor.machine import machine_checks


def main() -> int:
    """Report on the machine; status 1 if there is a problem."""
    parser = argparse.ArgumentParser(prog="./run.sh doctor")
    parser.add_argument("--json", metavar="FILE", help="write the results to FILE; - is standard output")
    asked = parser.parse_args()
    checks = [
        *machine_checks(),
        warning(
            "packages",
            "Segue is not set up yet: packages, servers, topics, index and checkpoint were not checked",
            "run ./run.sh setup, or any other command",
        ),
    ]
    if asked.json != "-":
        sys.stdout.write("\n".join(lines(checks)) + "\n")
    if asked.json:
        text = json.dumps(plain(checks), indent=1) + "\n"
        if asked.json == "-":
            sys.stdout.write(text)
        else:
            Path(asked.json).write_text(text)
    return int(failed(checks))


if __name__ == "__main__":
    raise SystemExit(main())
