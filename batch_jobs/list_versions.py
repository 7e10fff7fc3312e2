"""`./run.sh index list` and `./run.sh models list`: the stored versions. Read-only."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from rich.table import Column, Table

from segue.errors import one_line_errors
from segue.figures import JsonFile, can_write, console, write_figures
from segue.index.published import PublishedBundles
from segue.local.stack import connected
from segue.models.versions import Models
from segue.places import PROGRAM
from segue.settings import load_settings
from segue.storage.store import open_store


def list_indexes(json_file: JsonFile = None) -> None:
    """List the stored versions of the index, newest first, and mark the active one.

    ./run.sh index rollback activates the previous version. The setting index.keep_versions is the number of
    versions to keep.

    Example: ./run.sh index list

    Example: ./run.sh index list --json -
    """
    with one_line_errors():
        can_write(json_file)
        bundles = PublishedBundles(open_store(connected(load_settings(), kafka=False)))
        active = bundles.active_version()
        rows: list[dict[str, Any]] = [
            {
                "version": manifest.version,
                "active": manifest.version == active,
                "created_at": manifest.created_at.isoformat(),
                "tracks": manifest.count,
                "bytes": sum(file.size for file in manifest.files.values()),
                "recall20": manifest.recall20,
                "space": manifest.space,
                "backend": manifest.backend,
            }
            for manifest in bundles.manifests()
        ]
        write_figures(json_file, rows)
        version, space = Column("version", no_wrap=True), Column("space", no_wrap=True)
        table = Table(
            *(version, "", "created", "tracks", "MB", "recall", space, "backend"), box=None, pad_edge=False
        )
        for row in rows:
            table.add_row(
                row["version"],
                "active" if row["active"] else "",
                _shown(row["created_at"]),
                f"{row['tracks']:,}",
                f"{row['bytes'] / 1e6:.1f}",
                f"{row['recall20']:.3f}",
                row["space"],
                row["backend"],
            )
        console(json_file).print(
            table if rows else f"no index is stored: build one with {PROGRAM} index build"
        )


def list_models(json_file: JsonFile = None) -> None:
    """List the stored versions of the models by kind, and mark the active one of each.

    following is the transition rules; audio-space, genre-space and session-space are spaces of embeddings;
    als is implicit ALS; feedback is the prior from all listeners' likes and skips; order is the learned order
    of candidates. Without a version of it, the shipped order is used.

    Example: ./run.sh models list

    Example: ./run.sh models list --json models.json
    """
    with one_line_errors():
        can_write(json_file)
        rows = Models(open_store(connected(load_settings(), kafka=False))).listed(without=("index",))
        rows = [row | {"created_at": _text(row["created_at"])} for row in rows]
        write_figures(json_file, rows)
        table = Table("kind", "version", "", "created", "tracks", "MB")
        for row in rows:
            table.add_row(
                row["kind"],
                row["version"],
                "active" if row["active"] else "",
                _shown(row["created_at"]),
                "" if row["tracks"] is None else f"{row['tracks']:,}",
                "" if row["bytes"] is None else f"{row['bytes'] / 1e6:.1f}",
            )
        console(json_file).print(
            table if rows else f"no model is stored: train models with {PROGRAM} models train"
        )


def _text(time: datetime | None) -> str | None:
    return None if time is None else time.isoformat()


def _shown(time: str | None) -> str:
    return "" if time is None else time[:16].replace("T", " ")
