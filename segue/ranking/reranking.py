"""Re-ranking: from candidates to a list. Pure.

It orders by score and feedback, explores, keeps one version of each song, and limits each artist.
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from itertools import chain, islice

import numpy as np

from segue.index.track_index import TrackIndex
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.candidates import Candidates
from segue.ranking.session_limits import NO_SESSION, SessionLimits
from segue.ranking.sources import VARIED
from segue.settings import RankingSettings
from segue.settings.ranking import EXPLORE_BEYOND

UNEXPLORED_PART = 4
"""Exploration leaves out the start of a list, its length divided by this: the next tracks should fit."""


def rerank(
    candidates: Candidates,
    *,
    barred: frozenset[int],
    bundle: TrackIndex,
    ranking: RankingSettings,
    feedback: Mapping[int, float],
    seed: str,
    session: SessionLimits = NO_SESSION,
) -> tuple[list[int], frozenset[int]]:
    """Make a listener's list; return it with its exploration rows.

    Candidates are ordered by similarity plus the scores of the other sources plus feedback. Barred rows are
    left out, except for the best of those that may come again, and all versions of a song but the best. Some
    rows are drawn from more distant candidates, and the artist limit applies. If the candidates run out (a
    small library, a long history), the varied selection fills the list.

    Parameters
    ----------
    feedback
        Row -> change of its score by all listeners' feedback (:mod:`segue.ranking.feedback`).
    seed
        The same seed gives the same exploration.
    session
        The tracks that may come again, and the artists that the list may stay with.
    """
    scores = candidates.scores
    if feedback:
        scores += [feedback.get(row, 0.0) for row in candidates.rows.tolist()]
    taken = songs_of(barred, bundle.songs)
    ordered = candidates.rows[np.argsort(-scores, kind="stable")]
    again = frozenset(islice((row for row in ordered.tolist() if row in session.again), session.repeats))
    near = folded(ordered, bundle.songs, barred=barred, taken=taken, again=again)
    varied = _varied(bundle, candidates.place_of, feedback, barred=barred, taken=taken)
    limit = ArtistLimit.of(bundle, ranking, more=session.more_of_artist)
    chosen = spread_artists(chain(near, varied), limit, items=ranking.list_length)
    new = [row for row in near if row not in again] if again else near
    woven, drawn = explored(chosen, new, ranking=ranking, seed=seed)
    return (spread_artists(woven, limit, items=ranking.list_length) if drawn else chosen), drawn


def _varied(
    bundle: TrackIndex,
    candidates: Mapping[int, int],
    feedback: Mapping[int, float],
    *,
    barred: frozenset[int],
    taken: set[int],
) -> Iterator[int]:
    """The varied selection in its order, tracks that most listeners skip last; one version of each song.

    It is a generator because most lists are full before it is needed.
    """
    others = [row for row in VARIED.rows(bundle) if row not in candidates]
    others.sort(key=lambda row: feedback.get(row, 0.0) < 0)
    yield from folded(others, bundle.songs, barred=barred, taken=taken)


def explored(
    chosen: Sequence[int], candidates: Sequence[int], *, ranking: RankingSettings, seed: str
) -> tuple[list[int], frozenset[int]]:
    """Put more distant candidates into a list.

    Parameters
    ----------
    chosen
        The list: rows, best first.
    candidates
        Rows that may be recommended, best first; exploration draws from those beyond
        :data:`~segue.settings.ranking.EXPLORE_BEYOND` list lengths.
    seed
        The same seed draws the same, so that a repeated batch repeats its list.

    Returns
    -------
    The longer list, and the rows that were drawn: the share `ranking.exploration_share` of
    `ranking.list_length`, or fewer if there are not enough distant candidates.
    """
    first = ranking.list_length // UNEXPLORED_PART
    count = min(round(ranking.exploration_share * ranking.list_length), ranking.list_length - first)
    there = frozenset(chosen)
    further = (
        [row for row in candidates[EXPLORE_BEYOND * ranking.list_length :] if row not in there]
        if count
        else []
    )
    count = min(count, len(further))
    if not count:
        return list(chosen), frozenset()
    chance = random.Random(hashlib.blake2b(seed.encode(errors="surrogatepass"), digest_size=8).digest())
    drawn = chance.sample(further, count)
    woven = list(chosen)
    # In ascending order, so that each row ends up at its place.
    for place, row in zip(
        sorted(chance.sample(range(first, ranking.list_length), count)), drawn, strict=True
    ):
        woven.insert(place, row)
    return woven, frozenset(drawn)


def limit_artists(
    candidates: Iterable[int],
    limit: ArtistLimit,
    *,
    items: int,
    before: Sequence[int] = (),
    songs: np.ndarray | None = None,
) -> list[int]:
    """Take candidates in order, within the artist limit.

    A candidate that would break the limit waits, and is taken at the first place where it fits.

    Parameters
    ----------
    candidates
        Rows, best first.
    before
        Rows just before the list, oldest first: the limit also holds across the boundary.
    songs
        (n,) song codes by row, -1 for none: of the versions of a song, the first that fits is taken.

    Returns
    -------
    At most `items` rows; fewer if the limit leaves no more.
    """
    chosen: list[int] = []
    listed = list(limit.recent(before))
    heard = limit.heard(listed)
    waiting: list[int] = []
    taken: set[int] = set()

    def take(row: int) -> None:
        chosen.append(row)
        listed.append(row)
        heard[:] = limit.heard(listed)
        if songs is not None and songs[row] >= 0:
            taken.add(int(songs[row]))

    def is_taken(row: int) -> bool:
        return songs is not None and int(songs[row]) in taken

    for row in candidates:
        if len(chosen) >= items:
            return chosen
        if is_taken(row):
            continue
        if not limit.allows(row, heard):
            waiting.append(row)
            continue
        take(row)
        for deferred in list(waiting):
            if len(chosen) < items and not is_taken(deferred) and limit.allows(deferred, heard):
                waiting.remove(deferred)
                take(deferred)
    return chosen


def spread_artists(
    candidates: Iterable[int],
    limit: ArtistLimit,
    *,
    items: int,
    before: Sequence[int] = (),
    songs: np.ndarray | None = None,
) -> list[int]:
    """Take candidates within the artist limit, and beyond it where it leaves no more.

    In a library of few artists, the artist comes next who is rarest among the last tracks.

    Parameters
    ----------
    candidates, before, songs
        As for :func:`limit_artists`.

    Returns
    -------
    At most `items` rows; fewer only if there are not as many candidates, or songs.
    """
    seen: list[int] = []

    def noted() -> Iterator[int]:
        for row in candidates:
            seen.append(row)
            yield row

    chosen = limit_artists(noted(), limit, items=items, before=before, songs=songs)
    if len(chosen) < items:
        waiting = list(dict.fromkeys(seen))
        if songs is not None:
            waiting = folded(waiting, songs, barred=chosen, taken=songs_of(chosen, songs))
        else:
            there = set(chosen)
            waiting = [row for row in waiting if row not in there]
        while waiting and len(chosen) < items:
            chosen.append(_of_rarest_artist(waiting, limit, limit.heard([*before, *chosen])))
            waiting.remove(chosen[-1])
    return chosen


def _of_rarest_artist(rows: Iterable[int], limit: ArtistLimit, heard: Sequence[int]) -> int:
    """The first of the rows whose artists are rarest among those heard, by the most frequent of each row."""
    first: dict[tuple[int, ...], int] = {}
    for row in rows:
        first.setdefault(limit.artists_of(row), row)
    counts = Counter(heard)
    return first[min(first, key=lambda artists: max(counts[artist] for artist in artists))]


def songs_of(rows: Collection[int], songs: np.ndarray) -> set[int]:
    """The songs of which the rows are versions; `songs` has a code for each row, -1 for none."""
    return set(songs[list(rows)].tolist()) - {-1} if rows else set()


def folded(
    rows: Sequence[int] | np.ndarray,
    songs: np.ndarray,
    *,
    barred: Collection[int],
    taken: set[int],
    again: Collection[int] = (),
) -> list[int]:
    """Rows in their order, without those barred: the first version of each song, none of a song in `taken`.
    The rows of `again` are kept in any case.

    Adds to `taken`. For some hundred rows, a plain loop is faster than numpy's set functions.
    """
    places = np.asarray(rows, dtype=np.int64)
    kept = []
    for row, song in zip(places.tolist(), songs[places].tolist(), strict=True):
        if row in again:
            kept.append(row)
            continue
        if row in barred or song in taken:
            continue
        if song >= 0:
            taken.add(song)
        kept.append(row)
    return kept
