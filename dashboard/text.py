"""Texts of pages: sentences that several pages show, and escaping for Streamlit's Markdown."""

from __future__ import annotations

from segue.places import PROGRAM


def with_commands(text: str) -> str:
    """A text that names commands of a checkout, with those of this installation."""
    return text.replace("./run.sh", PROGRAM)


OUTAGE = "Segue cannot reach its database. This page continues by itself as soon as it can."
NO_MUSIC = with_commands(
    "There is no music here yet. Run `./run.sh library update DIR`, or try Segue with `./run.sh demo`."
)
NO_INDEX = with_commands("There is no index yet. Run `./run.sh index build`.")


def plain(text: str) -> str:
    """The text with all Markdown characters escaped, so that it is shown unchanged."""
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|<>$:~" else c for c in text)
