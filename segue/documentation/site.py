"""Builds the documentation site from `docs/` with Zensical, and finds a built site.

Only the standard library and Zensical are needed: `.ci/package` builds the site before Segue is installed.

python -m segue.documentation.site FOLDER
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tempfile
from functools import partial
from pathlib import Path

from segue.places import CHECKOUT

PACKAGED = Path(__file__).resolve().parent / "site"
"""The built site in an installed package."""
PROJECT = Path(__file__).resolve().parents[2]
"""The project's folder, in a checkout."""
_COLOUR = re.compile(r"\x1b\[[0-9;]*m")
_LINK = re.compile(r"(!?)\[([^\]]*)\]\(((?:\.\./)+)([^)\s#]*)(#[^)\s]*)?\)")
_NOTE = re.compile(r"^( *)<!-- (not run|background|schema): (.+) -->\n", re.MULTILINE)
"""A comment that tells the tests how to run the example after it."""
_INCLUDED = re.compile(r"^--8<-- \"(.+)\"$", re.MULTILINE)
"""A line in place of which a page shows a file of the project's folder."""
_INTO_DOCS = re.compile(r"\]\(docs/")
_FENCE = re.compile(r" *(`{3,}|~{3,})")
_ITEM = re.compile(r"(?:[-*]|\d+\.) +")
_PAGES_OUTSIDE = {
    "README.md": "index.md",
    "CHANGELOG.md": "changelog.md",
    "CONTRIBUTING.md": "contributing/set-up.md",
}
"""Top-level files that have a counterpart on the site."""


class BuildFailed(RuntimeError):
    """The site has faults, such as broken links; the message lists them."""


def build(output: Path, *, project: Path = PROJECT) -> None:
    """Build the site of a project's `docs` into a folder, which is replaced. A broken link is an error.

    Raises
    ------
    BuildFailed
        Zensical reported a warning or an error.
    """
    with tempfile.TemporaryDirectory() as temporary:
        work = Path(temporary)
        stage(project, work)
        done = subprocess.run(
            [sys.executable, "-P", "-m", "zensical", "build", "--strict"],
            cwd=work,
            env={**os.environ, "NO_COLOR": "1"},
            capture_output=True,
            text=True,
            check=False,
        )
        if done.returncode:
            report = (done.stdout + done.stderr).partition("Traceback")[0]
            raise BuildFailed(_COLOUR.sub("", report).strip() or done.stderr.strip())
        shutil.rmtree(output, ignore_errors=True)
        shutil.copytree(work / "site", output)


def stage(project: Path, folder: Path) -> None:
    """Copy the configuration and the pages into a folder, in the form that the site needs.

    The changelog becomes a part of its page. Links to files outside `docs` become text: pages link to source
    files for readers on a code host, and the site does not have those files. The reason for which an example
    is not run is shown beside it. Lists get the indentation of the site (:func:`indented`).
    """
    docs = folder / "docs"
    shutil.copytree(project / "docs", docs)
    shutil.copy(project / "zensical.toml", folder)
    for page in docs.rglob("*.md"):
        text = _INCLUDED.sub(partial(_included, project=project), page.read_text())
        text = _LINK.sub(partial(_inside, page=page, docs=docs), text)
        page.write_text(indented(_NOTE.sub(_shown, text)))


def indented(page: str) -> str:
    """A page with the contents of list items four columns to the right, as Python-Markdown wants them.

    The pages indent them to the text of the item, as code hosts want them (CommonMark). Without this, an
    example in a step would end the list, and the next step would have the number 1 again.
    """
    lines: list[str] = []
    items: list[tuple[int, int]] = []
    """The columns at which the contents of the open items begin: in the page, and on the site."""
    fence = ""
    follows_item = False
    """Whether the block of lines began with an item: another one may follow without an empty line."""
    for line in page.splitlines():
        bare = line.lstrip(" ")
        column = len(line) - len(bare)
        if not bare:
            lines.append("")
            continue
        ended = False
        while items and not fence and column < items[-1][0]:
            items.pop()
            ended = True
        item = None if fence else _ITEM.match(bare)
        if not lines or not lines[-1]:
            follows_item = bool(item)
        elif item and ended and not follows_item:
            lines.append("")
            follows_item = True
        source, target = items[-1] if items else (0, 0)
        lines.append(" " * target + line[min(source, column) :])
        if fence:
            fence = "" if bare.rstrip() == fence else fence
        elif opened := _FENCE.match(line):
            fence = opened[1]
        elif item:
            items.append((column + len(item[0]), target + 4))
    return "\n".join(lines) + "\n"


def _shown(note: re.Match[str]) -> str:
    """A comment for the site: only the reason for which the tests do not run an example is shown."""
    indent, kind, text = note.groups()
    return f"{indent}*Not tested: {text}.*{{ .untested }}\n\n" if kind == "not run" else ""


def _included(line: re.Match[str], *, project: Path) -> str:
    """A file of the project's folder as a part of a page in `docs`, with links from there."""
    return _INTO_DOCS.sub("](", (project / line[1]).read_text())


def _inside(link: re.Match[str], *, page: Path, docs: Path) -> str:
    """A link for the site: unchanged, to the page's counterpart, or only its text."""
    image, text, up, path, _ = link.groups()
    depth = len(page.relative_to(docs).parts) - 1
    if up.count("../") <= depth:
        return link[0]
    counterpart = _PAGES_OUTSIDE.get(path)
    if counterpart and (docs / counterpart).is_file():
        return f"[{text}]({'../' * depth}{counterpart})"
    return "" if image else text


def built() -> Path | None:
    """The folder of the site in an installed package; None in a checkout or without a site."""
    return None if CHECKOUT or not (PACKAGED / "index.html").is_file() else PACKAGED


if __name__ == "__main__":
    try:
        build(Path(sys.argv[1]).absolute())
    except BuildFailed as fault:
        sys.exit(str(fault))
