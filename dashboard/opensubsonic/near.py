"""Songs and artists near others, and near the present taste of the listener."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from segue.catalog.artists import Artist
from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic.call import Call
from segue.dashboard.queries.profile import KnownListener, read_listener
from segue.errors import SegueError
from segue.index.bundle import Bundle
from segue.index.neighbours import NO_ROW
from segue.ranking.nearby import mean, similar

_CANDIDATES = 400
_MOST_OF_ARTIST = 200
_SENT_WITHIN_MS = 10 * 60_000
"""The stream has long handled the events before."""


def bundle_of(call: Call) -> Bundle | None:
    """The index in use; None before the first."""
    try:
        return call.server.catalogue.bundle()
    except SegueError:
        return None


def listener(call: Call, bundle: Bundle) -> KnownListener:
    """The caller at this moment: with the plays and skips that their apps have just reported."""
    since = round(time.time() * 1000) - _SENT_WITHIN_MS
    return read_listener(
        call.server.catalogue,
        call.server.settings,
        call.user_id,
        bundle=bundle,
        sent=call.server.playbacks.sent(call.user_id, since=since),
    )


def songs(call: Call, seeds: Sequence[str], *, limit: int) -> list[FullTrack]:
    """Songs near others and near the listener's taste: :func:`segue.ranking.nearby.similar`.

    Parameters
    ----------
    seeds
        Ids of tracks: one song, or those of an album or artist.
    """
    bundle = bundle_of(call)
    rows = [row for row in bundle.rows(list(seeds)).tolist() if row >= 0] if bundle else []
    if bundle is None or not rows or not limit:
        return []
    caller = listener(call, bundle)
    profile = caller.profile
    found = similar(
        rows,
        taste=profile.taste if profile.has_taste else None,
        bundle=bundle,
        ranking=call.server.settings.ranking,
        barred={*profile.recent, *caller.disliked},
        items=2 * limit,
    )
    ids = bundle.ids(found)
    tracks = call.server.tracks.in_order(ids[:limit])
    # Some may have left the library since the index was built; others take their places.
    return tracks if len(tracks) == limit else call.server.tracks.in_order(ids)[:limit]


def in_sound(call: Call, track_id: str, *, limit: int) -> list[tuple[FullTrack, float]]:
    """(song, cosine) of the songs that sound most like another, the nearest first; the same for everybody."""
    found = call.server.catalogue.neighbours(track_id, limit=limit) if limit and bundle_of(call) else []
    known = call.server.tracks.full(one.item.track_id for one in found)
    return [(known[one.item.track_id], one.score) for one in found if one.item.track_id in known]


def artists(call: Call, key: str, *, limit: int) -> list[Artist]:
    """The artists whose songs sound most like an artist's, the nearest first."""
    bundle = bundle_of(call)
    own = [track.track_id for track in call.server.tracks.of_artist(key, limit=_MOST_OF_ARTIST)]
    rows = [row for row in bundle.rows(own).tolist() if row >= 0] if bundle else []
    if bundle is None or not rows or not limit:
        return []
    found, _ = bundle.neighbours.query(mean(rows, bundle)[np.newaxis], min(_CANDIDATES, len(bundle.vectors)))
    ids = bundle.ids([row for row in found[0].tolist() if row != NO_ROW])
    known = call.server.tracks.full(ids)
    keys = (known[one].artists[0].key for one in ids if one in known and known[one].artists)
    wanted = [other for other in dict.fromkeys(keys) if other != key][:limit]
    return call.server.artists.several(wanted)
