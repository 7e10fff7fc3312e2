"""The defaults and comments of `conf/default.toml`, by key."""

from __future__ import annotations

import re

from segue.places import CONF

_SECTION = re.compile(r"\[([\w.]+)\]")
_KEY = re.compile(r"(\w+) = (.*)")


def read_defaults() -> dict[str, tuple[str, str]]:
    """By dotted key, the default as it is written, and the comment beside or above it."""
    found: dict[str, tuple[str, str]] = {}
    section = ""
    above: list[str] = []
    for line in (CONF / "default.toml").read_text().splitlines():
        if match := _SECTION.match(line):
            section, above = match[1], []
        elif match := _KEY.match(line):
            value, comment = _split(match[2])
            found[f"{section}.{match[1]}"] = value, comment or " ".join(above)
            above = []
        elif line.startswith("#"):
            above.append(line.lstrip("# "))
        elif line.strip().startswith("#") and found:
            key = next(reversed(found))
            found[key] = found[key][0], f"{found[key][1]} {line.strip().lstrip('# ')}"
        else:
            above = []
    return found


def _split(text: str) -> tuple[str, str]:
    """A value and the comment behind it."""
    quoted = False
    for place, letter in enumerate(text):
        if letter == '"':
            quoted = not quoted
        elif letter == "#" and not quoted:
            return text[:place].strip(), text[place:].lstrip("# ").strip()
    return text.strip(), ""
