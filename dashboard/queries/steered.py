"""Recommendations re-ranked by the listener's mood dial when a page is drawn.

The dial changes no taste and no stored recommendation: it chooses among the listener's candidates, the
recommended tracks and then those nearest to the taste. Plays from such a list carry the variant
"mood:<index version>", so that they are not counted for a variant whose order they do not keep.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segue.dashboard.queries.attributed import signed
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.dashboard.queries.items import Attribution, Item, Upcoming, read_items, upcoming
from segue.dashboard.queries.profile import KnownListener, left_out, read_listener
from segue.dashboard.queries.reasons import notch as notch_of
from segue.dashboard.queries.reasons import reason
from segue.errors import SegueError
from segue.index.bundle import Bundle
from segue.moods.dial import Dial, MoodDials, steer
from segue.moods.measures import Percentiles
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.reranking import folded, songs_of, spread_artists
from segue.ranking.sources import TASTE, VARIED
from segue.settings import Settings


def planned(catalogue: CatalogueReader, settings: Settings, user_id: str) -> Upcoming:
    """A listener's next tracks, re-ranked by the mood dial; the recommendations if the dial is not set.

    Their attributions are signed for the listener.
    """
    return signed(_steered(catalogue, settings, user_id), user_id=user_id, settings=settings)


def _steered(catalogue: CatalogueReader, settings: Settings, user_id: str) -> Upcoming:
    recommended = _without_corrected(catalogue, user_id, upcoming(catalogue.store, user_id))
    dial = MoodDials(catalogue.store).read(user_id)
    if not dial or not recommended.items:
        return recommended
    try:
        bundle = catalogue.bundle()
    except SegueError:
        return recommended
    listener = read_listener(catalogue, settings, user_id, bundle=bundle)
    moods = catalogue.moods(bundle)
    chosen = spread_artists(
        steer(
            _candidates(recommended, listener, bundle=bundle, count=settings.moods.candidates),
            dial=dial,
            moods=moods,
            strength=settings.moods.mood_weight,
        ),
        ArtistLimit.of(bundle, settings.ranking),
        items=settings.ranking.list_length,
    )
    text = f"{recommended.recommendation_id}\n{dial}\n{bundle.version}"
    name = f"mood-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"
    items = _items(catalogue, chosen, recommended, listener, bundle=bundle)
    return Upcoming(
        name,
        [
            replace(
                item,
                attribution=Attribution(recommendation_id=name, rank=rank, variant=f"mood:{bundle.version}"),
                why=_why(item.why, dial, moods[row]),
            )
            for rank, (row, item) in enumerate(items, 1)
        ],
        recommended.served,
        recommended.reflects_at,
    )


def _without_corrected(catalogue: CatalogueReader, user_id: str, recommended: Upcoming) -> Upcoming:
    """The list without the tracks that the listener's corrections leave out: it may be older than these."""
    try:
        hidden = left_out(catalogue, user_id, bundle=catalogue.bundle(), at=recommended.reflects_at)
    except SegueError:  # no index yet
        return recommended
    if not hidden:
        return recommended
    return replace(recommended, items=[item for item in recommended.items if item.track_id not in hidden])


def _candidates(recommended: Upcoming, listener: KnownListener, *, bundle: Bundle, count: int) -> list[int]:
    """Rows of the recommended tracks, then of the taste neighbours, or of the varied selection."""
    profile = listener.profile
    others = TASTE.nearest(profile.taste, bundle, count=count) if profile.has_taste else VARIED.rows(bundle)
    rows = [*bundle.rows([item.track_id for item in recommended.items]).tolist(), *others]
    indexed = [row for row in dict.fromkeys(rows) if row >= 0]
    barred = listener.disliked | profile.recent
    return folded(indexed, bundle.songs, barred=barred, taken=songs_of(barred, bundle.songs))


def _items(
    catalogue: CatalogueReader,
    rows: Sequence[int],
    recommended: Upcoming,
    listener: KnownListener,
    *,
    bundle: Bundle,
) -> list[tuple[int, Item]]:
    """(row, item) pairs of the playable rows, with the reason of the recommendation or of the taste."""
    known = {item.track_id: item for item in recommended.items}
    profile, ids = listener.profile, bundle.ids(rows)
    nearest = [profile.track_ids[signal] for signal in profile.nearest_positive(rows, bundle.vectors)]
    shown = read_items(catalogue.store, [*ids, *nearest], source="home")
    items = []
    for place, (row, track_id) in enumerate(zip(rows, ids, strict=True)):
        if track_id in known:
            items.append((row, known[track_id]))
        elif track_id in shown:
            named = shown.get(nearest[place]) if nearest else None
            why = reason(TASTE.reason.kind, named.title) if named else None
            items.append((row, replace(shown[track_id], why=why)))
    return items


def _why(why: str | None, dial: Dial, mood: Percentiles) -> str | None:
    """The reason, with those of the wanted moods that the track fits."""
    fitting = [
        notch_of(name, notch)
        for name, notch in dial.wanted.items()
        if not Dial({name: notch}).distances(mood[np.newaxis])[0]
    ]
    return " · ".join(filter(None, [why, ", ".join(fitting)])) or None
