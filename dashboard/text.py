"""Texts of pages: sentences that several pages show, and escaping for Streamlit's Markdown."""

from __future__ import annotations

import re

from segue.dashboard.language.words import gettext
from segue.places import PROGRAM


def with_commands(text: str) -> str:
    """A text that names commands of a checkout, with those of this installation."""
    return text.replace("./run.sh", PROGRAM)


def outage() -> str:
    """While MongoDB is away."""
    return gettext("Segue cannot reach its database. This page continues by itself as soon as it can.")


def reload_page() -> str:
    """For a visitor whose browser has no session yet."""
    return gettext("Reload the page to begin.")


def no_music() -> str:
    """For an empty library."""
    return with_commands(
        gettext(
            "There is no music here yet. Run `./run.sh library update DIR`, or try Segue with "
            "`./run.sh demo`."
        )
    )


def no_index() -> str:
    """For a library without an index."""
    return with_commands(gettext("There is no index yet. Run `./run.sh index build`."))


_ADDRESS = re.compile(r"(?<=http)(?=s?://)|(?<=www)(?=\.)|(?<=@)(?=[\w-])", re.IGNORECASE)
"""Where a text becomes a link, even if it is escaped: Streamlit looks for addresses in the texts it shows."""
_WORD_JOINER = "\u2060"
"""A sign without width, at which no line may break."""


def plain(text: str) -> str:
    """The text with all Markdown characters escaped, so that it is shown unchanged, on one line."""
    text = _ADDRESS.sub(_WORD_JOINER, re.sub(r"[\r\n]+", " ", text).strip(" \t"))
    return "".join(f"\\{c}" if c in "\\`*_{}[]()#+-.!|<>$:~&" else c for c in text)
