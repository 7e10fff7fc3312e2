"""Recommendations re-ranked by the listener's mood dial when the page is made.

The dial changes no taste and no stored recommendation: it chooses among the listener's candidates, the
recommended tracks and then those nearest to the taste. Plays from such a list carry the model "mood:<index>",
so that they are not counted for the model whose order they do not keep.
"""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from segue.dashboard.queries.catalogue import Catalogue
from segue.dashboard.queries.items import Item, Recommendation, Upcoming, read_items, upcoming
from segue.dashboard.queries.liking import Liking, liking
from segue.errors import SegueError
from segue.index.bundle import Bundle
from segue.moods.dial import Dial, notch_word, steer
from segue.moods.dials import MoodDials
from segue.moods.measures import Percentiles
from segue.ranking.diversity import ArtistLimit, limit_artists
from segue.ranking.versions import folded, songs_of
from segue.settings import Settings
from segue.storage.store import Store


def planned(catalogue: Catalogue, settings: Settings, user_id: str) -> Upcoming:
    """What a listener is to hear next, in the mood that is dialled; as it is recommended when it is open."""
    found = upcoming(catalogue.database, user_id)
    dial = MoodDials(Store(catalogue.database)).read(user_id)
    if not dial or not found.items:
        return found
    try:
        bundle = catalogue.bundle()
    except SegueError:
        return found
    known = liking(catalogue, settings, user_id, bundle=bundle)
    moods = catalogue.moods(bundle)
    chosen = limit_artists(
        steer(
            _candidates(found, known, bundle=bundle, count=settings.moods.candidates),
            dial=dial,
            moods=moods,
            strength=settings.moods.strength,
        ),
        ArtistLimit.of(bundle.artists, settings.ranking),
        items=settings.ranking.items,
    )
    text = f"{found.recommendation_id}\n{dial}\n{bundle.version}"
    name = f"mood-{hashlib.blake2b(text.encode(), digest_size=12).hexdigest()}"
    items = _items(catalogue, chosen, found, known, bundle=bundle)
    return Upcoming(
        name,
        [
            replace(
                item,
                recommendation=Recommendation(
                    recommendation_id=name, rank=rank, model=f"mood:{bundle.version}"
                ),
                why=_why(item.why, dial, moods[row]),
            )
            for rank, (row, item) in enumerate(items, 1)
        ],
        found.served,
    )


def _candidates(found: Upcoming, known: Liking, *, bundle: Bundle, count: int) -> list[int]:
    """What is recommended, then the nearest to the taste, or the varied selection where there is none."""
    recommended = bundle.rows([item.track_id for item in found.items]).tolist()
    if known.vector.any():
        rows, _ = bundle.neighbours.query(known.vector[np.newaxis], min(count, len(bundle.vectors)))
        others = rows[0].tolist()
    else:
        others = bundle.cold_start.tolist()
    out = known.disliked | known.recent
    rows_there = [row for row in dict.fromkeys([*recommended, *others]) if row >= 0]
    return folded(rows_there, bundle.songs, barred=out, taken=songs_of(out, bundle.songs))


def _items(
    catalogue: Catalogue, rows: Sequence[int], found: Upcoming, known: Liking, *, bundle: Bundle
) -> list[tuple[int, Item]]:
    """Rows that are there, as items with their reasons: as recommended, or the liked track nearest to it."""
    recommended = {item.track_id: item for item in found.items}
    liked = list(known.liked)
    reasons: list[str] = []
    if liked and rows:
        nearest = np.argmax(bundle.vectors[list(rows)] @ bundle.vectors[liked].T, axis=1)
        reasons = bundle.ids([liked[i] for i in nearest])
    ids = bundle.ids(rows)
    shown = read_items(catalogue.store, [*ids, *reasons], source="home")
    items = []
    for place, (row, track_id) in enumerate(zip(rows, ids, strict=True)):
        if track_id in recommended:
            items.append((row, recommended[track_id]))
        elif track_id in shown:
            because = shown.get(reasons[place]) if reasons else None
            why = f"Because you played {because.title}" if because else None
            items.append((row, replace(shown[track_id], why=why)))
    return items


def _why(why: str | None, dial: Dial, mood: Percentiles) -> str | None:
    """The reason with what of the wanted mood the track has."""
    fitting = [
        notch_word(name, notch)
        for name, notch in dial.wanted.items()
        if not Dial({name: notch}).distances(mood[np.newaxis])[0]
    ]
    return " · ".join(filter(None, [why, ", ".join(fitting)])) or None
