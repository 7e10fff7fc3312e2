"""The expected statistics and sessions, straight from plays: the oracle of the counting."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import Any

from segue.engagement.definitions import COUNTS
from segue.plays.event_types import ACTIONS, COUNTED
from segue.settings import Settings
from tests.engagement.plain_reading import counts_of

Key = tuple[str, int, str]
"""Dimension, window start (epoch ms), key."""


def distinct(plays: Iterable[dict[str, Any]]) -> list[dict[str, Any]]:
    return list({(play["user_id"], play["event_id"]): play for play in plays}.values())


def statistics(
    plays: Iterable[dict[str, Any]], settings: Settings, catalogue: Mapping[str, tuple[str, str]]
) -> dict[Key, dict[str, int]]:
    """The counts and the distinct listeners under each key: without unknown tracks and events in excess."""
    length = int(settings.engagement.window.total_seconds() * 1000)
    found: dict[Key, dict[str, int]] = defaultdict(lambda: dict.fromkeys(COUNTS, 0))
    who: dict[Key, set[str]] = defaultdict(set)
    excess = in_excess(distinct(plays), length)
    for play in distinct(plays):
        if play["type"] not in COUNTED or play["track_id"] not in catalogue:
            continue
        start = play["occurred_at"] // length * length
        artist, genre = catalogue[play["track_id"]]
        keys = {"all": "", "track": play["track_id"], "artist": artist, "genre": genre}
        keys |= {"source": play["source"], "variant": play.get("model") or ""}
        keys["rank"] = str(play["rank"]) if play.get("rank") is not None else ""
        for dimension, key in keys.items():
            place = (dimension, start, key)
            if (play["user_id"], play["event_id"]) in excess:
                found[place]  # zeros
                continue
            for name, count in counts_of(play["type"], play["ms_played"], play["duration_ms"]).items():
                found[place][name] += count
            if play["type"] in ("play", "complete", "skip", "leave"):
                who[place].add(play["user_id"])
    return {place: {**counts, "listeners": len(who[place])} for place, counts in found.items()}


def in_excess(plays: Iterable[dict[str, Any]], length: int) -> set[tuple[str, str]]:
    """(listener, event id) of the events by which more was played in their window than time allows."""
    windows: dict[tuple[str, int], list[dict[str, Any]]] = defaultdict(list)
    for play in plays:
        if play["type"] in COUNTED:
            windows[play["user_id"], play["occurred_at"] // length * length].append(play)
    found = set()
    for (user, start), own in windows.items():
        for play in own:
            passed = play["occurred_at"] - start
            taken = 0
            for other in own:
                if other["occurred_at"] > play["occurred_at"]:
                    continue
                taken += time_of(other, start)
            if taken > passed + 120_000:
                found.add((user, play["event_id"]))
    return found


def time_of(play: dict[str, Any], start: int) -> int:
    """The time that an event takes in the window that begins at `start`."""
    if play["type"] in ("play", "like", "dislike"):
        return 100
    if play["type"] == "impression":
        return 50
    if play["type"] not in ("complete", "skip", "leave"):
        return 0
    heard = play["ms_played"]
    if counts_of(play["type"], heard, play["duration_ms"])["completions"]:
        heard = max(heard, 0.9 * play["duration_ms"], 30_000)
    return int(max(1000, min(heard, play["occurred_at"] - start + 30_000)))


def sessions(plays: Iterable[dict[str, Any]], settings: Settings) -> set[tuple[str, int, int]]:
    """(listener, first action, last action) of each session."""
    gap = settings.engagement.session_gap.total_seconds() * 1000
    times: dict[str, list[int]] = defaultdict(list)
    for play in distinct(plays):
        if play["type"] in ACTIONS:
            times[play["user_id"]].append(play["occurred_at"])
    found = set()
    for user, at in times.items():
        first = last = None
        for moment in sorted(at):
            if first is None or last is None or moment - last > gap:
                if first is not None and last is not None:
                    found.add((user, first, last))
                first = moment
            last = moment
        if first is not None and last is not None:
            found.add((user, first, last))
    return found
