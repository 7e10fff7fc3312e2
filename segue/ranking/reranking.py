"""Re-ranking: from candidates to a list. Pure.

It orders by score and feedback, explores, keeps one version of each song, and limits each artist. The
exploration draws evenly from a known set, so that the probability of each track is known: it is stored with
the track, and used later to estimate the results of another order (:mod:`segue.engagement.off_policy`).
"""

from __future__ import annotations

import hashlib
import random
from collections import Counter
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain, islice

import numpy as np

from segue.index.track_index import TrackIndex
from segue.ranking.artist_limit import ArtistLimit
from segue.ranking.candidates import Candidates
from segue.ranking.session_limits import NO_SESSION, SessionLimits
from segue.ranking.sources import VARIED
from segue.settings import RankingSettings

UNEXPLORED_PART = 4
"""Exploration leaves out the start of a list, its length divided by this: the next tracks should fit."""


@dataclass(frozen=True)
class Drawn:
    """The exploration of a list."""

    rows: frozenset[int] = frozenset()
    propensity: float | None = 1.0
    """The probability with which each of the rows was drawn, in (0, 1]; None where it is not known. The other
    rows of the list do not depend on the draw."""

    def propensity_of(self, row: int) -> float | None:
        """The probability with which a row of the list is in it; None where it is not known."""
        return self.propensity if self.propensity is None or row in self.rows else 1.0


def rerank(
    candidates: Candidates,
    *,
    barred: frozenset[int],
    bundle: TrackIndex,
    ranking: RankingSettings,
    feedback: Mapping[int, float],
    seed: str,
    session: SessionLimits = NO_SESSION,
) -> tuple[list[int], Drawn]:
    """Make a listener's list; return it with its exploration.

    Candidates are ordered by similarity plus the scores of the other sources plus feedback. Barred rows are
    left out, except for the best of those that may come again, and all versions of a song but the best. Some
    rows are drawn from the candidates beyond the list, and the artist limit applies. If the candidates run
    out (a small library, a long history), the varied selection fills the list.

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
    return explored(chosen, new, ranking=ranking, limit=limit, seed=seed)


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
    chosen: Sequence[int],
    candidates: Sequence[int],
    *,
    ranking: RankingSettings,
    limit: ArtistLimit,
    seed: str,
) -> tuple[list[int], Drawn]:
    """Put candidates that are not on a list into it, in place of its last rows.

    Each candidate beyond the rest of the list is drawn with the same probability, unless the artist limit
    leaves it out. In a library of so few artists that it would leave too few, the draw is from all of them,
    and the probabilities are not known.

    Parameters
    ----------
    chosen
        The list: rows, best first.
    candidates
        Rows that may be recommended, best first.
    limit
        The artist limit, which `chosen` keeps.
    seed
        The same seed draws the same, so that a repeated batch repeats its list.

    Returns
    -------
    The list, and the drawn tracks: the share `ranking.exploration_share` of `ranking.list_length`, or nothing
    if there are no more candidates than that.
    """
    first = ranking.list_length // UNEXPLORED_PART
    count = min(round(ranking.exploration_share * ranking.list_length), ranking.list_length - first)
    kept = list(chosen[: ranking.list_length - count])
    there = frozenset(kept)
    further = [row for row in candidates if row not in there] if count else []
    if len(further) <= count:
        return list(chosen), Drawn()
    fitting = _fitting(further, kept, limit)
    chance = random.Random(hashlib.blake2b(seed.encode(errors="surrogatepass"), digest_size=8).digest())
    known = len(fitting) > count
    drawn = chance.sample(fitting if known else further, count)
    woven = kept if known else [row for row in chosen if row not in drawn]
    # In ascending order, so that each row ends up at its place.
    for place, row in zip(
        sorted(chance.sample(range(first, ranking.list_length), count)), drawn, strict=True
    ):
        woven.insert(place, row)
    if not known:
        return spread_artists(woven, limit, items=ranking.list_length), Drawn(frozenset(drawn), None)
    return woven, Drawn(frozenset(drawn), count / len(fitting))


def _fitting(rows: Sequence[int], kept: Sequence[int], limit: ArtistLimit) -> list[int]:
    """Rows of which any may be put anywhere into a list: with all of them, it still keeps the artist limit.

    For some hundred rows, a plain loop is faster than numpy's functions.
    """
    songs = dict(Counter(artist for row in kept for artist in limit.artists_of(row)))
    fitting = []
    for row, artist in zip(rows, np.asarray(limit.artists)[list(rows)].tolist(), strict=True):
        if row in limit.others:
            artists = limit.artists_of(row)
            if any(own >= 0 and songs.get(own, 0) >= limit.of_artist(own) for own in artists):
                continue
            songs |= {own: songs.get(own, 0) + 1 for own in artists}
        elif artist >= 0:
            count = songs.get(artist, 0)
            if count >= limit.of_artist(artist):
                continue
            songs[artist] = count + 1
        fitting.append(row)
    return fitting


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
