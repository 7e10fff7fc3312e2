"""Where a demo keeps its data: each library's demo has its own database, topics, index and checkpoint."""

from __future__ import annotations

import re
import zlib
from pathlib import Path

from segue.places import LOCAL
from segue.settings import Settings

COMPOSED = LOCAL / "library"
"""The composed library."""


def demo_name(library: Path | None) -> str:
    """The name of a library's demo; None is the composed library.

    Two libraries have different names, so that no demo recommends another's tracks.
    """
    if library is None:
        return "demo"
    place = str(library.resolve())
    readable = re.sub(r"[^a-z0-9]+", "_", library.resolve().name.lower()).strip("_")[:24]
    return f"demo_{readable}_{zlib.crc32(place.encode()):08x}"


def demo_settings(settings: Settings, name: str) -> Settings:
    """The settings with the database, topics and folders of a demo."""
    return settings.model_copy(
        update={
            "mongo": settings.mongo.model_copy(update={"database": f"segue_{name}"}),
            "kafka": settings.kafka.model_copy(
                update={"plays_topic": f"plays.{name}", "rejected_topic": f"plays.{name}.rejected"}
            ),
            "spark": settings.spark.model_copy(
                update={"checkpoint_location": f"{settings.spark.checkpoint_location}/{name}"}
            ),
            "index": settings.index.model_copy(update={"folder": f"{settings.index.folder}/{name}"}),
        }
    )
