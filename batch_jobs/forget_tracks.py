"""`./run.sh library forget`: removes tracks whose files have been missing for a long time.

Delivery: features first, then tracks; a second run completes an interrupted one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from segue.catalog.features import Features
from segue.catalog.track_files import TrackFiles
from segue.catalog.track_lyrics import TrackLyrics
from segue.collections import prepare
from segue.confirmation import Yes, confirm
from segue.counted import counted
from segue.errors import one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.local.stack import connected
from segue.people.audit import AuditLog
from segue.playlists.playlists import Playlists
from segue.settings import load_settings
from segue.storage.store import Job, Store, open_store
from segue.taste.opinions import Opinions


def forget(
    days: Annotated[
        int | None,
        typer.Option(min=0, help="Missing for at least this number of days. Default: library.keep_missing."),
    ] = None,
    yes: Yes = False,
    json_file: JsonFile = None,
) -> None:
    """Remove the tracks whose files have been missing for a long time, with features and lyrics.

    A file that comes back later is a new track: likes, plays and playlists of the old one do not belong to
    it. Tracks of an unmounted disk stay. The command asks first, unless --yes is given, and names the
    number of likes and playlists that lose tracks.

    Example: ./run.sh library forget

    Example: ./run.sh library forget --days 365 --yes
    """
    with one_line_errors():
        can_write(json_file)
        settings = connected(load_settings(), kafka=False)
        store = open_store(settings)
        prepare(store, Job.CATALOGUE)
        age = settings.library.keep_missing if days is None else timedelta(days=days)
        before = datetime.now(UTC) - age
        missing = TrackFiles(store).missing_before(before)
        if missing:
            confirm(question(store, missing, before=before), yes=yes)
        removed = run(store, before=before)
        AuditLog(store).note_of_library("tracks-forgotten")
        write_figures(json_file, {"removed": removed})
        say(f"{counted(removed, 'track')} removed", json_file)


def question(store: Store, missing: Collection[str], *, before: datetime) -> str:
    """The question before tracks are removed, with the number of likes and playlists that lose them."""
    likes, playlists = Opinions(store).count_likes_of(missing), Playlists(store).count_with(missing)
    lost = [counted(number, one) for number, one in ((likes, "like"), (playlists, "playlist")) if number]
    affected = f", with {' and '.join(lost)} of listeners" if lost else ""
    return f"Remove {counted(len(missing), 'track')} missing since {before:%Y-%m-%d}{affected}?"


def run(store: Store, *, before: datetime) -> int:
    """Remove the tracks that have been missing since before a date; returns their number."""
    tracks = TrackFiles(store)
    missing = list(tracks.missing_before(before))
    Features(store).remove(missing)
    TrackLyrics(store).remove(missing)
    return tracks.remove(missing, before=before)
