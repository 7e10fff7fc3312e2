"""The fenced blocks of the documentation, with the comments that say how to run them.

A comment on the line before a block changes how it is run::

    <!-- not run: it needs Docker -->       exempts it, with the reason
    <!-- background: Ctrl-C ends it -->     starts its command, and waits for the expected output only
    <!-- schema: Play -->                   names the schema of a block of JSON
"""

from __future__ import annotations

import re
import textwrap
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from segue.places import ROOT

PAGES = sorted(path.relative_to(ROOT).as_posix() for path in (*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")))
_FENCE = re.compile(r"^(?P<indent> *)(?P<ticks>```+)(?P<language>\w*)")
_COMMENT = re.compile(r"^\s*<!-- (not run|background|schema): (.+) -->$")


@dataclass(frozen=True)
class Block:
    """A fenced block."""

    page: str
    line: int
    language: str
    text: str
    comments: tuple[tuple[str, str], ...] = ()
    """Kind and text of the comments before it."""

    @property
    def place(self) -> str:
        """Where it is, as editors jump to it."""
        return f"{self.page}:{self.line}"

    def comment(self, kind: str) -> str | None:
        """The text of a comment; None if there is none of that kind."""
        return dict(self.comments).get(kind)


@dataclass(frozen=True)
class Step:
    """A command of a console block, and the output that the page shows; empty if it shows none."""

    command: str
    expected: str


def blocks(page: str) -> list[Block]:
    """The blocks of a page, in their order."""
    return list(_blocks(page, (ROOT / page).read_text()))


def _blocks(page: str, text: str) -> Iterator[Block]:
    lines = iter(enumerate(text.splitlines(), start=1))
    comments: list[tuple[str, str]] = []
    for number, line in lines:
        if comment := _COMMENT.match(line):
            comments.append((comment[1], comment[2]))
        elif fence := _FENCE.match(line):
            inside = []
            for _, following in lines:
                if following.strip() == fence["ticks"]:
                    break
                inside.append(following)
            body = textwrap.dedent("\n".join(inside))
            yield Block(page, number, fence["language"], body, tuple(comments))
            comments = []
        else:
            comments = []


def steps(block: Block) -> list[Step]:
    """The commands of a console block."""
    found: list[tuple[list[str], list[str]]] = []
    for line in block.text.splitlines():
        if line.startswith("$ "):
            found.append(([line[2:]], []))
        elif line.startswith("> ") and found and not found[-1][1]:
            found[-1][0].append(line[2:])
        elif found:
            found[-1][1].append(line)
    return [Step("\n".join(command), "\n".join(shown)) for command, shown in found]


def command_lines(block: Block) -> list[str]:
    """The calls of `./run.sh` in a block, each as one line."""
    text = block.text
    if block.language == "console":
        text = "\n".join(step.command for step in steps(block))
    joined = re.sub(r"\\\n\s*", "", text)
    return re.findall(r"(?:^|[;&|(] *|^\s*(?:\w+=\S+ )+)\./run\.sh +([^\n;&|#<>)]+)", joined, re.MULTILINE)


def of_pages(folder: Path | str = "") -> list[Block]:
    """The blocks of all pages below a folder."""
    return [block for page in PAGES if page.startswith(str(folder)) for block in blocks(page)]
