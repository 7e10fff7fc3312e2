"""Endpoints with songs near others."""

from __future__ import annotations

from segue.catalog.artists import Artist
from segue.dashboard.opensubsonic import finding, ids, near, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.failure import not_found
from segue.dashboard.queries.generated import PlaylistGenerator
from segue.dashboard.queries.popular import top_songs
from segue.dashboard.queries.sounding import UnknownTrack
from segue.errors import SegueError

_USUAL = 50
_MOST_SEEDS = 200


def similar_songs(call: Call) -> Content:
    return {"similarSongs": {"song": _similar(call)}}


def similar_songs2(call: Call) -> Content:
    return {"similarSongs2": {"song": _similar(call)}}


def _similar(call: Call) -> list[shapes.Shape]:
    text = call.parameters.text("id")
    count = call.parameters.whole("count", _USUAL, most=finding.MOST)
    kind, key = ids.parse(text)
    if kind == "artist":
        finding.artist(call, text)
        seeds = [track.track_id for track in call.server.tracks.of_artist(key, limit=_MOST_SEEDS)]
    elif kind == "album":
        finding.album(call, text)
        seeds = [track.track_id for track in call.server.tracks.all_on_album(key)]
    else:
        seeds = [finding.track(call, text).track_id]
    return shapes.songs(call, near.songs(call, seeds, limit=count))


def top(call: Call) -> Content:
    """The most played songs of an artist, by all listeners; then others of the artist.

    An `id` counts before a name, which artists may share.
    """
    artist_id = call.parameters.given("id")
    if artist_id is not None:
        found: Artist | None = finding.artist(call, artist_id)
    else:
        found = call.server.catalogue.artist(call.parameters.text("artist"))
    count = call.parameters.whole("count", _USUAL, most=finding.MOST)
    if found is None or not count:
        return {"topSongs": {"song": []}}
    own = call.server.catalogue.ids_with_artist(found["_id"])
    played = [item.track_id for item in top_songs(call.server.store, own, limit=count)]
    others = call.server.tracks.of_artist(found["_id"], limit=count)
    ordered = list(dict.fromkeys([*played, *(track.track_id for track in others)]))[:count]
    return {"topSongs": {"song": shapes.songs(call, call.server.tracks.in_order(ordered))}}


def sonic_similar(call: Call) -> Content:
    track = finding.track(call, call.parameters.text("id"))
    count = call.parameters.whole("count", 10, most=finding.MOST)
    found = near.in_sound(call, track.track_id, limit=count)
    songs = shapes.songs(call, [similar for similar, _ in found])
    matches = [
        {"entry": song, "similarity": _share(score)} for song, (_, score) in zip(songs, found, strict=True)
    ]
    return {"sonicMatch": matches}


def sonic_path(call: Call) -> Content:
    first = finding.track(call, call.parameters.text("startSongId"))
    last = finding.track(call, call.parameters.text("endSongId"))
    count = call.parameters.whole("count", 25, least=1, most=finding.MOST)
    services = call.server.services
    try:
        made = PlaylistGenerator(services.catalogue, services.settings, call.user_id, kept=services.day_lists)
        items = made.path(first.track_id, last.track_id, items=max(2, count))[:count]
    except UnknownTrack as error:
        raise not_found("path: " + str(error)) from None
    except SegueError:
        return {"sonicMatch": []}
    tracks = call.server.tracks.in_order([item.track_id for item in items])
    bundle = near.bundle_of(call)
    rows = bundle.rows([first.track_id, *(track.track_id for track in tracks)]).tolist() if bundle else []
    songs = shapes.songs(call, tracks)
    matches = []
    for song, row in zip(songs, rows[1:], strict=True):
        score = float(bundle.vectors[rows[0]] @ bundle.vectors[row]) if bundle and row >= 0 else 0.0
        matches.append({"entry": song, "similarity": _share(score)})
    return {"sonicMatch": matches}


def _share(cosine: float) -> float:
    """A cosine as a similarity from 0 to 1."""
    return round(min(1.0, max(0.0, cosine)), 4)


ENDPOINTS: dict[str, Endpoint] = {
    "getSimilarSongs": similar_songs,
    "getSimilarSongs2": similar_songs2,
    "getTopSongs": top,
    "getSonicSimilarTracks": sonic_similar,
    "findSonicPath": sonic_path,
}
