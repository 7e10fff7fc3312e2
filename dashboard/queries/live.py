"""What the pages show, read from MongoDB."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pymongo.collection import Collection
from pymongo.database import Database

from segue.catalog.track import TrackSummary
from segue.catalog.tracks import Tracks
from segue.dashboard.queries.reasons import why
from segue.index.published import PublishedBundles
from segue.storage.mongo import Document
from segue.storage.store import Store


@dataclass(frozen=True)
class Played:
    """A track that was heard, and the last thing that was said of it."""

    track: TrackSummary
    outcome: str
    at: int
    """Epoch ms."""


@dataclass(frozen=True)
class Recommended:
    """A track that is to be heard next, and why."""

    track: TrackSummary
    score: float
    why: str


@dataclass(frozen=True)
class Listening:
    """One listener as the live page shows them."""

    played: list[Played]
    recommended: list[Recommended]
    served: str
    model: str
    variant: str
    freshness_ms: float
    """From the newest play to the document that reflects it."""


def listeners(database: Database[Document], *, limit: int = 200) -> list[str]:
    """The listeners whose recommendations changed last, newest first."""
    found = database.recommendations.find({}, {"_id": 1}).sort("updated_at", -1).limit(limit)
    return [document["_id"] for document in found]


def listening(database: Database[Document], user_id: str, *, played: int = 12) -> Listening | None:
    """What a listener has heard and is to hear; None for one who is not known."""
    recommendation = database.recommendations.find_one({"_id": user_id})
    if recommendation is None:
        return None
    taste = database.tastes.find_one({"_id": user_id}, {"windows": 1}) or {"windows": {}}
    heard = heard_in(taste["windows"])[:played]
    items = recommendation["items"]
    reasons = [item["reason"].get("track_id") for item in items]
    known = Tracks(Store(database)).named(
        [*(h[0] for h in heard), *(i["track_id"] for i in items), *filter(None, reasons)]
    )
    written = recommendation["updated_at"].timestamp() * 1000
    return Listening(
        played=[Played(known[track_id], outcome, at) for track_id, outcome, at in heard],
        recommended=[
            Recommended(
                known[item["track_id"]],
                item["score"],
                why(item["reason"], known[reason].title if reason else None),
            )
            for item, reason in zip(items, reasons, strict=True)
        ],
        served=recommendation["served"],
        model=recommendation["model"],
        variant=recommendation.get("variant", "audio"),
        freshness_ms=written - recommendation["reflects_at"],
    )


def heard_in(windows: Mapping[str, Mapping[str, Any]]) -> list[tuple[str, str, int]]:
    """(track id, outcome, at), newest first, each track once."""
    newest: dict[str, tuple[str, int]] = {}
    for window in windows.values():
        for track_id, kind, at in zip(window["tracks"], window["types"], window["at"], strict=True):
            if at > newest.get(track_id, ("", -1))[1]:
                newest[track_id] = (kind, at)
    return sorted(((t, kind, at) for t, (kind, at) in newest.items()), key=lambda h: (-h[2], h[0]))


def catalogue_size(database: Database[Document]) -> int:
    """How many tracks can be recommended; 0 before an index is published."""
    return PublishedBundles(Store(database)).active_count()


def progress(database: Database[Document], *, seconds: float) -> list[Document]:
    """The streaming queries' micro-batches of the last so many seconds before the newest, oldest first."""
    found = database.stream_progress.find(_until_newest(database.stream_progress, seconds))
    return list(found.sort("at", -1).limit(5000))[::-1]


def minutes(database: Database[Document], *, seconds: float) -> list[Document]:
    """The same by the minute, as streaming_jobs/minutes.py sums them up; also what was rejected."""
    return list(database.stream_minutes.find(_until_newest(database.stream_minutes, seconds)).sort("at", 1))


def _until_newest(collection: Collection[Document], seconds: float) -> Document:
    newest = collection.find_one({"at": {"$exists": True}}, {"at": 1}, sort=[("at", -1)])
    since = newest["at"] - timedelta(seconds=seconds) if newest else datetime.now(UTC)
    return {"at": {"$gte": since}}


def freshness(database: Database[Document], *, newest: int = 500) -> list[float]:
    """Milliseconds from play to document of the recommendations written last."""
    found = database.recommendations.find({}, {"reflects_at": 1, "updated_at": 1})
    latest = found.sort("updated_at", -1).limit(newest)
    return [d["updated_at"].timestamp() * 1000 - d["reflects_at"] for d in latest]


def index_version(database: Database[Document]) -> str:
    """The index version that is published; empty before the first."""
    return PublishedBundles(Store(database)).active_version() or ""


def stream(database: Database[Document]) -> Document:
    """When the stream was started last and where its Spark UI is; empty before it ran."""
    return database.stream_progress.find_one({"_id": "stream"}) or {}


def ago(epoch_ms: float) -> str:
    """A moment as people say it: "just now", "5 min ago"."""
    seconds = max(0, round(time.time() - epoch_ms / 1000))
    if seconds < 5:
        return "just now"
    for unit, name in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= unit:
            return f"{seconds // unit} {name} ago"
    return f"{seconds} s ago"
