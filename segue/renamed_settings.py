"""Settings that have had another name: a user's own file and environment may still use it.

Add a line to :data:`RENAMED` when a setting moves; nothing else needs to know its former name.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

log = logging.getLogger(__name__)

RENAMED: Mapping[str, str | tuple[str, ...]] = {
    "embedding.components": "embedding.audio.components",
    "embedding.genre_tracks": "embedding.genres.min_tracks",
    "index.trees": "index.annoy.trees",
    "index.search_k": ("index.annoy.search_k", "index.voyager.ef"),
    "models.factors": "models.als.factors",
    "models.iterations": "models.als.iterations",
    "models.regularisation": "models.als.regularisation",
    "models.alpha": "models.als.alpha",
    "models.seed": "models.als.seed",
}
"""The former name of a setting or a section, and its name today; the parts are joined by dots.

Several names where one setting has become several.
"""


def with_new_names(values: Mapping[str, Any], *, source: str) -> dict[str, Any]:
    """One source of settings as nested tables, with each former name replaced by today's.

    A value under today's name stays where the same source has both. Each replacement is logged as a warning.

    Parameters
    ----------
    values
        The tables of one source, before they are merged with others.
    source
        Where they come from, for the warning.
    """
    renamed = _copy(values)
    for former, names in RENAMED.items():
        section, key = _find(renamed, former)
        if section is None or key not in section:
            continue
        new = (names,) if isinstance(names, str) else names
        log.warning("%s: the setting %s is now %s: rename it", source, former, " and ".join(new))
        value = section.pop(key)
        for name in new:
            _put(renamed, name, value)
    return renamed


def _put(values: dict[str, Any], name: str, value: object) -> None:
    """Set what is not there yet, table by table."""
    *path, key = name.split(".")
    for part in path:
        values = values.setdefault(part, {})
    present = values.get(key)
    if isinstance(present, dict) and isinstance(value, dict):
        values[key] = {**value, **present}
    else:
        values.setdefault(key, value)


def _copy(values: Mapping[str, Any]) -> dict[str, Any]:
    return {key: _copy(value) if isinstance(value, dict) else value for key, value in values.items()}


def _find(values: dict[str, Any], name: str) -> tuple[dict[str, Any] | None, str]:
    """The table that would hold a setting, and its key there; None where a table is missing."""
    *path, key = name.split(".")
    table: Any = values
    for part in path:
        table = table.get(part) if isinstance(table, dict) else None
    return (table if isinstance(table, dict) else None), key
