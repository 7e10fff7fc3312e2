"""The listener's live plan: as random songs, and as playlists that update themselves."""

from __future__ import annotations

import random
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from segue.catalog.full_tracks import FullTrack
from segue.dashboard.opensubsonic import finding, ids, shapes
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.near import bundle_of, listener
from segue.dashboard.queries import made_lists
from segue.dashboard.queries.made_lists import MadeFor, MadeList
from segue.ranking.recommendations import Recommendations

_USUAL = 10


@dataclass(frozen=True)
class MadePlaylist:
    """A playlist that Segue makes for a listener, in the API."""

    made: MadeList

    @property
    def name(self) -> str:
        return self.made.name

    @property
    def comment(self) -> str:
        return self.made.comment

    @property
    def playlist_id(self) -> str:
        """Its id in the API; the same for every listener."""
        return ids.MADE + self.made.key

    def tracks(self, call: Call) -> list[str]:
        """Its songs for the caller."""
        return self.made.tracks(_made_for(call))


def _made_for(call: Call) -> MadeFor:
    services = call.server.services
    return MadeFor(
        catalogue=services.catalogue,
        settings=services.settings,
        day_lists=services.day_lists,
        user_id=call.user_id,
    )


def planned_ids(call: Call) -> list[str]:
    """The songs that the listener would hear next, in order."""
    return made_lists.planned_ids(_made_for(call))


MADE = tuple(MadePlaylist(made) for made in made_lists.MADE)
_BY_ID = {made.playlist_id: made for made in MADE}


def made_playlist(playlist_id: str) -> MadePlaylist | None:
    """The playlist of an id; None for other ids."""
    return _BY_ID.get(playlist_id)


def changed_at(call: Call) -> datetime:
    """When the plan last changed."""
    stored = Recommendations(call.server.store).of(call.user_id)
    return (
        stored.updated_at if stored else datetime.now(UTC).replace(hour=0, minute=0, second=0, microsecond=0)
    )


def described(call: Call, made: MadePlaylist, tracks: Sequence[FullTrack]) -> shapes.Shape:
    """A made playlist as `Playlist`."""
    changed = changed_at(call)
    return {
        "id": made.playlist_id,
        "name": made.name,
        "comment": made.comment,
        "owner": call.caller.name,
        "public": False,
        "readonly": True,
        "created": changed,
        "changed": changed,
    } | shapes.totals(tracks)


def random_songs(call: Call) -> Content:
    """The plan in random order, then random songs without those just heard or disliked."""
    parameters, server = call.parameters, call.server
    size = parameters.whole("size", _USUAL, most=finding.MOST)
    genre, library = parameters.given("genre"), finding.library(call)
    years = _years(call)
    if not size:
        return {"randomSongs": {"song": []}}
    barred, planned_songs = _barred(call), planned_ids(call)
    others = server.tracks.random(limit=size + len(barred), genre=genre, years=years, library=library)
    plan = server.tracks.full(planned_songs)
    chosen = [
        track_id
        for track_id in planned_songs
        if track_id not in barred
        and (track := plan.get(track_id))
        and _fits(track, genre=genre, years=years, library=library)
    ]
    random.shuffle(chosen)
    # At most half from the plan, so that long lists and short ones bring surprises.
    wanted = [*chosen[: (size + 1) // 2], *(one for one in others if one not in barred), *chosen]
    tracks = server.tracks.in_order(list(dict.fromkeys(wanted))[:size])
    return {"randomSongs": {"song": shapes.songs(call, tracks)}}


def _years(call: Call) -> tuple[int | None, int | None]:
    """The first and the last year that a call wants, which it may name in either order."""
    first, last = (call.parameters.optional_whole(name) for name in ("fromYear", "toYear"))
    return (last, first) if first is not None and last is not None and last < first else (first, last)


def _barred(call: Call) -> set[str]:
    """Songs that the listener has just heard, dislikes, or does not want by a correction."""
    disliked = set(call.server.opinions.disliked(call.user_id))
    bundle = bundle_of(call)
    if bundle is None:
        return disliked
    caller = listener(call, bundle)
    return disliked | set(bundle.ids(sorted(caller.profile.recent | caller.disliked)))


def _fits(track: FullTrack, *, genre: str | None, years: Sequence[int | None], library: str | None) -> bool:
    summary = track.summary
    first, last = years
    year = summary.year
    return (
        (genre is None or genre in summary.genres)
        and (library is None or track.library == library)
        and (first is None or (year is not None and year >= first))
        and (last is None or (year is not None and year <= last))
    )


ENDPOINTS: dict[str, Endpoint] = {"getRandomSongs": random_songs}
