"""How long the files of tests take: `python -m tests.seconds REPORT` takes the figures of a whole run.

REPORT is the file of pytest's option `--junitxml`, with `--numprocesses 4 --dist loadgroup
--no-loadscope-reorder` as in run.sh. The figures say only which tests begin first and which process gets
them, so old ones do no harm.
"""

from __future__ import annotations

import json
import sys
import xml.etree.ElementTree as ET
from collections import Counter, defaultdict
from collections.abc import Iterable
from pathlib import Path

from segue.places import ROOT

_FILE = Path(__file__).with_suffix(".json")
_SHORT = 0.1
"""Seconds of a test whose file has no figure: it is new, or takes less than a second."""


def seconds_of(files: Iterable[str]) -> dict[str, float]:
    """Seconds of a test by its file, given the file of each test: relative to the project's folder."""
    known = json.loads(_FILE.read_text())
    return {file: known.get(file, _SHORT * tests) / tests for file, tests in Counter(files).items()}


def update(report: Path) -> None:
    """Take the figures of a run; files that it did not have keep theirs, unless they are gone."""
    found = defaultdict[str, float](float)
    for case in ET.parse(report).getroot().iter("testcase"):
        found[f"{case.get('classname', '').replace('.', '/')}.py"] += float(case.get("time", 0))
    figures = json.loads(_FILE.read_text()) | {file: round(value) for file, value in found.items()}
    kept = {file: value for file, value in sorted(figures.items()) if value >= 1 and (ROOT / file).is_file()}
    _FILE.write_text(json.dumps(kept, indent=2) + "\n")


if __name__ == "__main__":
    update(Path(sys.argv[1]))
