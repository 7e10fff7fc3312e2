"""Songs and artists near others: in sound, and in what the listener likes at present."""

from __future__ import annotations

from collections.abc import Collection, Sequence

import numpy as np
from numpy.typing import NDArray

from segue.catalog.artists import Artist
from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic.call import Call
from segue.dashboard.queries.profile import read_listener
from segue.errors import SegueError
from segue.index.bundle import Bundle
from segue.index.neighbours import NO_ROW
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.reranking import folded, songs_of, spread_artists

TASTE_SHARE = 0.35
"""The weight of the listener's taste against the song: 0 gives the same songs to everybody."""
_CANDIDATES = 400
_MOST_OF_ARTIST = 200


def bundle_of(call: Call) -> Bundle | None:
    """The index in use; None before the first."""
    try:
        return call.server.catalogue.bundle()
    except SegueError:
        return None


def songs(call: Call, seeds: Sequence[str], *, limit: int) -> list[FullTrack]:
    """Songs near others and near the listener's taste, without those just heard, skipped or disliked.

    The candidates are the neighbours of a point between the seeds and the taste. So each play and each skip
    changes them. The list keeps the artist limit of the recommendations.

    Parameters
    ----------
    seeds
        Ids of tracks: one song, or those of an album or artist.
    """
    bundle = bundle_of(call)
    rows = [row for row in bundle.rows(list(seeds)).tolist() if row >= 0] if bundle else []
    if bundle is None or not rows or not limit:
        return []
    listener = read_listener(call.server.catalogue, call.server.settings, call.user_id, bundle=bundle)
    profile = listener.profile
    point = _mean(bundle, rows)
    if profile.has_taste:
        point = (1 - TASTE_SHARE) * point + TASTE_SHARE * np.asarray(profile.taste, dtype=np.float32)
    barred = {*rows, *profile.recent, *listener.disliked}
    return _shown(call, bundle, _near(bundle, point, barred, limit=limit), seeds=rows, limit=limit)


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
    near, _ = bundle.neighbours.query(_mean(bundle, rows)[np.newaxis], min(_CANDIDATES, len(bundle.vectors)))
    ids = bundle.ids([row for row in near[0].tolist() if row != NO_ROW])
    known = call.server.tracks.full(ids)
    keys = (known[one].artists[0].key for one in ids if one in known and known[one].artists)
    wanted = [other for other in dict.fromkeys(keys) if other != key][:limit]
    return call.server.artists.several(wanted)


def _mean(bundle: Bundle, rows: Sequence[int]) -> NDArray[np.float32]:
    """The mean of vectors, at unit length."""
    mean = np.asarray(bundle.vectors[list(rows)], dtype=np.float32).mean(axis=0)
    return np.asarray(mean / max(float(np.linalg.norm(mean)), 1e-9), dtype=np.float32)


def _near(bundle: Bundle, point: NDArray[np.float32], barred: Collection[int], *, limit: int) -> list[int]:
    """Rows near a point, without barred ones and other recordings of their songs."""
    taken = songs_of(barred, bundle.songs)
    every = len(bundle.vectors)
    for count in (min(max(_CANDIDATES, 4 * limit) + len(barred), every), every):
        rows, _ = bundle.neighbours.query(point.astype(np.float32)[np.newaxis], count)
        near = [row for row in rows[0].tolist() if row != NO_ROW]
        found = folded(near, bundle.songs, barred=barred, taken=taken)
        if len(found) >= limit:
            break
    return found


def _shown(
    call: Call, bundle: Bundle, rows: Sequence[int], *, seeds: Sequence[int], limit: int
) -> list[FullTrack]:
    limit_of = ArtistLimit.of(bundle, call.server.settings.ranking)
    limited = spread_artists(rows, limit_of, items=2 * limit, before=tuple(seeds))
    # Twice as many: some may have left the library since the index was built.
    return call.server.tracks.in_order(bundle.ids(limited))[:limit]
