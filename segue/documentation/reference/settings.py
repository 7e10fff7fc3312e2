"""The page on settings, from :mod:`segue.settings.reference`."""

from __future__ import annotations

from collections.abc import Iterator

from segue.documentation.reference import markdown as md
from segue.renamed_settings import RENAMED
from segue.settings.reference import Key, SectionReference, sections


def render() -> str:
    """The page."""
    return md.page(
        "Settings",
        "Defaults are in `conf/default.toml`. Your own file, named by `SEGUE_CONF`, overrides them; a "
        "variable such as `SEGUE_KAFKA__BOOTSTRAP_SERVERS` (section and key joined by two underscores) "
        "overrides both. `./run.sh settings show` prints the effective values, `settings check FILE` checks "
        "a file, and `settings explain KEY` prints the row of a key.",
        'A duration is a number and a unit: `"500 milliseconds"`, `"30 minutes"`, `"7 days"`. A size is a '
        'number and a unit: `"64 KiB"`, `"2 GiB"`. A relative path starts at the project\'s folder. Restart '
        "`api serve`, too, where a setting says to restart the dashboard: it reads the same settings.",
        *_sections(),
        "## Names of 0.1",
        "The former names work in 0.2, in files and variables, with a warning that names the new one.",
        md.table(
            ("0.1", "0.2"),
            ((md.code(former), _names(new)) for former, new in RENAMED.items()),
        ),
    )


def _names(new: str | tuple[str, ...]) -> str:
    return " and ".join(map(md.code, (new,) if isinstance(new, str) else new))


def _sections() -> Iterator[str]:
    group = ""
    for section in sections():
        if section.group != group:
            group = section.group
            yield f"## {group}"
        yield from _section(section)


def _section(section: SectionReference) -> Iterator[str]:
    if section.keys:
        yield f"### `[{section.name}]`"
        yield section.description
        yield md.table(
            ("key", "type", "default", "effect", "takes effect"), (_row(key) for key in section.keys)
        )


def _row(key: Key) -> tuple[str, ...]:
    kind = f"{key.type}, secret" if key.secret else key.type
    if key.unit:
        kind = f"{kind}, {key.unit}"
    allowed = f": {key.allowed}" if key.allowed else ""
    return (
        md.code(key.name.rpartition(".")[2]),
        kind + allowed,
        md.code(key.default),
        key.description,
        key.takes_effect,
    )
