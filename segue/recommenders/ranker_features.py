"""Candidates for the next track from many simple sources, with the features by which a ranker orders them.

The sources are the tracks that followed the last tracks, the most similar sessions, the artists of the
session and those that follow them, the plays of the session, the listener's past and the tracks that
followed in it, and the most played tracks. Every candidate has the features of all sources. The state of
the session says how it has gone so far: its length, how much it repeated, how long it stayed with an
artist.
"""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum, auto
from typing import NamedTuple

import numpy as np
from scipy import sparse

from segue.recommenders.compiled import compiled, compiled_part
from segue.recommenders.context_tree import Contexts, contexts_at_end, contexts_of
from segue.recommenders.nearest_sessions import (
    MIDDLING,
    Scratch,
    SessionTable,
    Weighting,
    compare_sessions,
    scratch_for,
    session_table,
)
from segue.recommenders.session_models import LONGEST
from segue.recommenders.session_rules import rule_matrix
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import DAY, Queries

MOST = 1500
"""The largest number of candidates of a query."""
LOOKED_AT = 3000
"""The longest part of a list of followers that is looked at."""
DEPTH, REACH = 3, 10
BACK = 5
"""The last plays whose rules are asked."""
OWN_PLAYS = 5000
"""The last plays of a listener that are looked at."""
OWN_CANDIDATES = 300
"""The candidates from a listener's past, at most; the latest plays come first."""
OWN_AFTER = 5
"""The plays after a listener's earlier play of the last track."""


class Feature(IntEnum):
    """A fact about a candidate; about 0 to 1, and 0 if the source does not know it."""

    POPULARITY = 0
    POPULAR_LATELY = auto()
    FOLLOWED = auto()
    """The share of the candidate among the tracks that followed the last track."""
    FOLLOWED_OFTEN = auto()
    FOLLOWED_TWO = auto()
    """The same for the last two tracks, in their order."""
    FOLLOWED_TWO_OFTEN = auto()
    FOLLOWED_THREE = auto()
    RULE = auto()
    """The sequential rule from the last track, as a share of its strongest one."""
    RULE_OFTEN = auto()
    RULE_OF_EARLIER = auto()
    """The rules from the tracks before the last."""
    RULE_BACKWARD = auto()
    SESSIONS = auto()
    """The score of the nearest sessions, as a share of the highest."""
    SESSIONS_LOG = auto()
    ARTIST_OF_LAST = auto()
    ARTIST_OF_SESSION = auto()
    """The share of the artist in the session, with a decay."""
    ARTIST_NEW = auto()
    SHARE_OF_ARTIST = auto()
    RANK_IN_ARTIST = auto()
    ARTIST_FOLLOWED = auto()
    """The share of the artist among those that followed the last artist."""
    HEARD = auto()
    HEARD_LATELY = auto()
    HEARD_OFTEN = auto()
    HEARD_AFTER_LAST = auto()
    """Whether the track followed an earlier play of the last track in this session."""
    IS_LAST = auto()
    OWN = auto()
    """How often the listener has played the track in earlier sessions."""
    OWN_LATELY = auto()
    OWN_AFTER_LAST = auto()
    """Whether the track followed the last track in the listener's earlier sessions."""
    OWN_AFTER_TWO = auto()
    OWN_ARTIST = auto()
    AGREEMENT = auto()
    """The share of the sources that have the track."""


class State(IntEnum):
    """How a session has gone so far; about 0 to 1."""

    ALWAYS = 0
    LENGTH = auto()
    REPEATS = auto()
    STAYS = auto()
    """The share of the steps that stayed with the artist, with a decay."""
    RUN = auto()
    """The plays of the same artist at the end."""
    LISTENER_KNOWN = auto()
    OWN_TRACK = auto()
    """Whether the listener has played the last track in an earlier session."""
    SUPPORT = auto()
    """How often the history has seen a track follow the last track."""
    CONTEXT_KNOWN = auto()
    LAST_REPEATED = auto()
    LAST_FOLLOWED = auto()
    """Whether the history has seen the last step of the session."""
    EARLIER_OWN = auto()
    """Whether the listener has played the track before the last in an earlier session."""


class Lists(NamedTuple):
    """A list for each row, the strongest entries first."""

    first: np.ndarray
    """(rows + 1,) int64: where the list of each row begins."""
    entries: np.ndarray
    """(n,) int64."""
    weights: np.ndarray
    """(n,) float64."""


class Own(NamedTuple):
    """The plays of each listener in the order of time."""

    first: np.ndarray
    """(listeners + 1,) int64: where the plays of each listener begin."""
    items: np.ndarray
    times: np.ndarray
    sessions: np.ndarray


class Knowledge(NamedTuple):
    """The tables of the sources for a history, as arrays for compiled loops."""

    n_items: int
    plays: np.ndarray
    """(items,) float64."""
    lately: np.ndarray
    """(items,) float64: plays with a half-life of a day before the end of the history."""
    popular: np.ndarray
    """(20,) int64: the most played items lately."""
    contexts: Contexts
    rules: Lists
    backward: Lists
    table: SessionTable
    nearest: Weighting
    artist_of: np.ndarray
    """(items,) int64, -1 unknown."""
    by_artist: Lists
    """The items of each artist, with their plays."""
    plays_of_artist: np.ndarray
    """(artists,) float64."""
    rank_in_artist: np.ndarray
    """(items,) float64: from 0, the most played."""
    next_artists: Lists
    """The other artists that follow each artist, as shares."""
    own: Own


def strongest_first(matrix: sparse.spmatrix) -> Lists:
    """The rows of a matrix as lists."""
    rows = sparse.csr_matrix(matrix)
    rows.sum_duplicates()
    row = np.repeat(np.arange(rows.shape[0]), np.diff(rows.indptr))
    order = np.lexsort((rows.indices, -rows.data, row))
    return Lists(
        first=rows.indptr.astype(np.int64),
        entries=rows.indices[order].astype(np.int64),
        weights=rows.data[order].astype(np.float64),
    )


def knowledge_of(history: SessionLog) -> Knowledge:
    """The knowledge of all sources."""
    n, artists = len(history.artists), history.artists
    plays = np.bincount(history.items, minlength=n).astype(np.float64)
    age = (history.times.max(initial=0.0) - history.times) / DAY
    lately = np.bincount(history.items, np.exp2(-age), minlength=n)
    rules = rule_matrix(history, reach=REACH)
    n_artists = int(artists.max(initial=-1)) + 1
    known = np.flatnonzero(artists >= 0)
    shape = (n_artists, n)
    by_artist = strongest_first(sparse.csr_matrix((plays[known], (artists[known], known)), shape=shape))
    place = np.arange(len(by_artist.entries)) - by_artist.first[artists[by_artist.entries]]
    rank = np.zeros(n)
    rank[by_artist.entries] = place
    by_listener = np.lexsort((np.arange(len(history)), history.times, history.users))
    count = np.bincount(history.users, minlength=len(history.user_ids))
    return Knowledge(
        n_items=n,
        plays=plays,
        lately=lately,
        popular=np.argsort(-lately, kind="stable")[:20].astype(np.int64),
        contexts=contexts_of(history, depth=DEPTH),
        rules=strongest_first(rules),
        backward=strongest_first(rules.T),
        table=session_table(history),
        nearest=MIDDLING,
        artist_of=artists.astype(np.int64),
        by_artist=by_artist,
        plays_of_artist=np.bincount(artists[known], plays[known], minlength=n_artists).astype(np.float64),
        rank_in_artist=rank,
        next_artists=strongest_first(_artist_steps(history, n_artists)),
        own=Own(
            first=np.r_[0, np.cumsum(count)].astype(np.int64),
            items=history.items[by_listener],
            times=history.times[by_listener],
            sessions=history.sessions[by_listener],
        ),
    )


def _artist_steps(history: SessionLog, n_artists: int) -> sparse.csr_matrix:
    """(artists, artists): the share of each artist among the others that followed an artist."""
    by, to = history.artists[history.items[:-1]], history.artists[history.items[1:]]
    goes = (history.sessions[1:] == history.sessions[:-1]) & (by >= 0) & (to >= 0) & (by != to)
    steps = (np.ones(int(goes.sum())), (by[goes], to[goes]))
    counts = sparse.csr_matrix(steps, shape=(n_artists, n_artists))
    total = np.asarray(counts.sum(axis=1)).ravel()
    return sparse.csr_matrix(sparse.diags(1 / np.maximum(total, 1)) @ counts)


class Session(NamedTuple):
    """A prefix, with the values that are often asked of it."""

    prefix: np.ndarray
    last: int
    previous: int
    """The item before the last, -1 if there is none."""
    artist: int
    """The artist of the last item, -1 unknown."""
    now: float
    own_begin: int
    """Where the plays of the listener begin in `Own`."""
    own_end: int
    known: int
    """The number of contexts at the end of the prefix that the history knows."""


class Pool(NamedTuple):
    """The candidates of one query, and arrays that are used for query after query."""

    slot: np.ndarray
    """(items,) int64: the row of each candidate, -1 for other items."""
    candidates: np.ndarray
    """(MOST,) int64."""
    size: np.ndarray
    """(1,) int64: the number of candidates."""
    table: np.ndarray
    """(MOST, features) float32."""
    nodes: np.ndarray
    """(DEPTH,) int64: the contexts at the end of the prefix."""
    in_session: np.ndarray
    """(artists,) float64: the decayed plays of each artist in the session; 0 between queries."""
    of_listener: np.ndarray
    """(artists,) float64: the listener's plays of each artist; 0 between queries."""
    following: np.ndarray
    """(artists,) float64: how much each artist follows the last one; 0 between queries."""
    scratch: Scratch


@compiled_part
def _pool(k: Knowledge, n_features: int) -> Pool:
    n_artists = len(k.plays_of_artist)
    return Pool(
        np.full(k.n_items, -1, dtype=np.int64),
        np.empty(MOST, dtype=np.int64),
        np.zeros(1, dtype=np.int64),
        np.zeros((MOST, n_features), dtype=np.float32),
        np.empty(DEPTH, dtype=np.int64),
        np.zeros(n_artists),
        np.zeros(n_artists),
        np.zeros(n_artists),
        scratch_for(k.table),
    )


@compiled_part
def _session(k: Knowledge, prefix: np.ndarray, user: int, now: float, nodes: np.ndarray) -> Session:
    last = prefix[len(prefix) - 1]
    end = k.own.first[user + 1]
    return Session(
        prefix,
        last,
        prefix[len(prefix) - 2] if len(prefix) > 1 else -1,
        k.artist_of[last],
        now,
        max(k.own.first[user], end - OWN_PLAYS),
        end,
        contexts_at_end(k.contexts, prefix, nodes),
    )


@compiled_part
def _propose(pool: Pool, item: int) -> None:
    """Make an item a candidate, if there is room."""
    if pool.slot[item] < 0 and pool.size[0] < MOST:
        row = pool.size[0]
        pool.slot[item], pool.candidates[row] = row, item
        pool.table[row] = 0
        pool.size[0] += 1


@compiled_part
def _propose_first(pool: Pool, lists: Lists, row: int, most: int) -> None:
    """Make the strongest entries of a list candidates."""
    begin = lists.first[row]
    for place in range(begin, min(lists.first[row + 1], begin + most)):
        _propose(pool, lists.entries[place])


@compiled_part
def _propose_from_steps(k: Knowledge, s: Session, pool: Pool) -> None:
    for node in pool.nodes[: s.known]:
        begin = k.contexts.first[node]
        for place in range(begin, min(k.contexts.first[node + 1], begin + 60)):
            _propose(pool, k.contexts.followers[place])
    for back in range(min(len(s.prefix), BACK)):
        item = s.prefix[len(s.prefix) - 1 - back]
        _propose_first(pool, k.rules, item, 60 if back == 0 else 25)
    _propose_first(pool, k.backward, s.last, 25)


@compiled_part
def _propose_from_session(k: Knowledge, s: Session, pool: Pool) -> None:
    length = len(s.prefix)
    for back in range(min(length, LONGEST)):
        _propose(pool, s.prefix[length - 1 - back])
    different = 0
    for back in range(min(length, 20)):
        artist = k.artist_of[s.prefix[length - 1 - back]]
        if artist < 0:
            continue
        if pool.in_session[artist] == 0 and different < 4:
            _propose_first(pool, k.by_artist, artist, 60 if different == 0 else 25)
            different += 1
        pool.in_session[artist] += 0.7**back
    if s.artist >= 0:
        begin = k.next_artists.first[s.artist]
        for place in range(begin, min(k.next_artists.first[s.artist + 1], begin + 6)):
            _propose_first(pool, k.by_artist, k.next_artists.entries[place], 4)


@compiled_part
def _propose_from_past(k: Knowledge, s: Session, pool: Pool) -> None:
    before = pool.size[0]
    for place in range(s.own_end - 1, s.own_begin - 1, -1):
        item = k.own.items[place]
        artist = k.artist_of[item]
        if artist >= 0:
            pool.of_listener[artist] += 1
        if pool.size[0] - before >= OWN_CANDIDATES:
            continue
        if s.own_end - place <= 100 or (artist >= 0 and artist == s.artist):
            _propose(pool, item)
        if item == s.last:
            for after in range(place + 1, min(place + 1 + OWN_AFTER, s.own_end)):
                if k.own.sessions[after] == k.own.sessions[place]:
                    _propose(pool, k.own.items[after])


@compiled_part
def _steps(k: Knowledge, s: Session, pool: Pool) -> None:
    """The features from contexts and rules."""
    table = pool.table
    for level in range(s.known):
        node = pool.nodes[level]
        begin = k.contexts.first[node]
        for place in range(begin, min(k.contexts.first[node + 1], begin + LOOKED_AT)):
            row = pool.slot[k.contexts.followers[place]]
            if row < 0:
                continue
            count = k.contexts.counts[place]
            share = count / (k.contexts.totals[node] + 0.5)
            if level == 0:
                table[row, Feature.FOLLOWED] = share
                table[row, Feature.FOLLOWED_OFTEN] = np.log1p(count) / 2
            elif level == 1:
                table[row, Feature.FOLLOWED_TWO] = share
                table[row, Feature.FOLLOWED_TWO_OFTEN] = np.log1p(count) / 2
            else:
                table[row, Feature.FOLLOWED_THREE] = share
    for back in range(min(len(s.prefix), BACK)):
        _rules(k.rules, s.prefix[len(s.prefix) - 1 - back], back, pool)
    begin = k.backward.first[s.last]
    for place in range(begin, min(k.backward.first[s.last + 1], begin + LOOKED_AT)):
        row = pool.slot[k.backward.entries[place]]
        if row >= 0:
            table[row, Feature.RULE_BACKWARD] = k.backward.weights[place] / k.backward.weights[begin]


@compiled_part
def _rules(rules: Lists, item: int, back: int, pool: Pool) -> None:
    begin = rules.first[item]
    for place in range(begin, min(rules.first[item + 1], begin + LOOKED_AT)):
        row = pool.slot[rules.entries[place]]
        if row >= 0:
            share = rules.weights[place] / rules.weights[begin]
            if back == 0:
                pool.table[row, Feature.RULE] = share
                pool.table[row, Feature.RULE_OFTEN] = np.log1p(rules.weights[place]) / 2
            else:
                pool.table[row, Feature.RULE_OF_EARLIER] += share * 0.6 ** (back - 1)


@compiled_part
def _sessions(k: Knowledge, s: Session, pool: Pool) -> None:
    """Propose the best items of the nearest sessions, and set their features."""
    score = pool.scratch.score
    scored = compare_sessions(s.prefix, s.now, k.table, k.nearest, pool.scratch)
    values = score[scored]
    score[scored] = 0
    if not len(values):
        return
    highest = values.max()
    bar = np.partition(values, len(values) - 100)[len(values) - 100] if len(values) > 100 else 0.0
    for number in range(len(scored)):
        if values[number] >= bar:
            _propose(pool, scored[number])
        row = pool.slot[scored[number]]
        if row >= 0:
            share = values[number] / highest
            pool.table[row, Feature.SESSIONS] = share
            pool.table[row, Feature.SESSIONS_LOG] = np.log(share + 0.01) / 4.6 + 1


@compiled_part
def _heard(s: Session, pool: Pool) -> None:
    """The features from the plays of the session."""
    table, length = pool.table, len(s.prefix)
    for back in range(min(length, LONGEST)):
        row = pool.slot[s.prefix[length - 1 - back]]
        if row < 0:
            continue
        if table[row, Feature.HEARD] == 0:
            table[row, Feature.HEARD] = 1
            table[row, Feature.HEARD_LATELY] = np.exp(-back / 8)
        table[row, Feature.HEARD_OFTEN] += 1
        if back > 0 and s.prefix[length - 1 - back] == s.last:
            for after in range(1, min(back, 4)):
                following = pool.slot[s.prefix[length - 1 - back + after]]
                if following >= 0:
                    table[following, Feature.HEARD_AFTER_LAST] += 1.0 / after
    if pool.slot[s.last] >= 0:
        table[pool.slot[s.last], Feature.IS_LAST] = 1


@compiled_part
def _past(k: Knowledge, s: Session, pool: Pool) -> None:
    """The features from the listener's earlier plays."""
    table = pool.table
    for place in range(s.own_end - 1, s.own_begin - 1, -1):
        item = k.own.items[place]
        row = pool.slot[item]
        if row >= 0:
            if table[row, Feature.OWN] == 0:
                table[row, Feature.OWN_LATELY] = np.exp(-max(s.now - k.own.times[place], 0.0) / DAY / 2)
            table[row, Feature.OWN] += 1
        if item == s.last:
            _past_after(k, s, place, pool)


@compiled_part
def _past_after(k: Knowledge, s: Session, place: int, pool: Pool) -> None:
    """The features of the tracks that followed the listener's earlier play of the last track."""
    own = k.own
    both = (
        s.previous >= 0
        and place > s.own_begin
        and own.items[place - 1] == s.previous
        and own.sessions[place - 1] == own.sessions[place]
    )
    for after in range(place + 1, min(place + 1 + OWN_AFTER, s.own_end)):
        row = pool.slot[own.items[after]]
        if own.sessions[after] == own.sessions[place] and row >= 0:
            pool.table[row, Feature.OWN_AFTER_LAST] += 1.0 / (after - place)
            if both and after == place + 1:
                pool.table[row, Feature.OWN_AFTER_TWO] += 1


@compiled_part
def _artists_and_sums(k: Knowledge, s: Session, pool: Pool) -> None:
    """The features from popularity and artists, and those that need the others."""
    if s.artist >= 0:
        for place in range(k.next_artists.first[s.artist], k.next_artists.first[s.artist + 1]):
            pool.following[k.next_artists.entries[place]] = k.next_artists.weights[place]
    weight = 0.0
    for back in range(min(len(s.prefix), 20)):
        weight += 0.7**back
    for row in range(pool.size[0]):
        item, values = pool.candidates[row], pool.table[row]
        artist = k.artist_of[item]
        values[Feature.POPULARITY] = np.log1p(k.plays[item]) / 5
        values[Feature.POPULAR_LATELY] = np.log1p(k.lately[item]) / 5
        if artist >= 0:
            if artist == s.artist:
                values[Feature.ARTIST_OF_LAST] = 1
            if pool.in_session[artist] == 0:
                values[Feature.ARTIST_NEW] = 1
            values[Feature.ARTIST_OF_SESSION] = pool.in_session[artist] / weight
            values[Feature.SHARE_OF_ARTIST] = np.sqrt(k.plays[item] / k.plays_of_artist[artist])
            values[Feature.RANK_IN_ARTIST] = 1 / (1 + k.rank_in_artist[item] / 5)
            values[Feature.OWN_ARTIST] = np.log1p(pool.of_listener[artist]) / 5
            values[Feature.ARTIST_FOLLOWED] = pool.following[artist]
        _sums(values)


@compiled_part
def _sums(values: np.ndarray) -> None:
    values[Feature.HEARD_OFTEN] = np.log1p(values[Feature.HEARD_OFTEN]) / 2
    values[Feature.HEARD_AFTER_LAST] = np.log1p(values[Feature.HEARD_AFTER_LAST])
    values[Feature.OWN] = np.log1p(values[Feature.OWN]) / 2
    values[Feature.OWN_AFTER_LAST] = np.log1p(values[Feature.OWN_AFTER_LAST])
    values[Feature.OWN_AFTER_TWO] = np.log1p(values[Feature.OWN_AFTER_TWO])
    for feature in (
        Feature.FOLLOWED,
        Feature.FOLLOWED_TWO,
        Feature.RULE_BACKWARD,
        Feature.SESSIONS,
        Feature.ARTIST_OF_LAST,
        Feature.OWN_AFTER_LAST,
    ):
        if values[feature] > 0:
            values[Feature.AGREEMENT] += 1.0 / 6


@compiled_part
def _state(k: Knowledge, s: Session, state: np.ndarray) -> None:
    """Set the state of a session."""
    length = len(s.prefix)
    state[State.ALWAYS] = 1
    state[State.LENGTH] = np.log1p(length) / 3
    state[State.LISTENER_KNOWN] = s.own_end > s.own_begin
    state[State.SUPPORT] = np.log1p(k.contexts.totals[s.last]) / 5
    state[State.CONTEXT_KNOWN] = s.known > 1
    own = k.own.items[s.own_begin : s.own_end]
    state[State.OWN_TRACK] = (own == s.last).any()
    if length == 1:
        return
    state[State.EARLIER_OWN] = (own == s.previous).any()
    first, end = k.contexts.first[s.previous], k.contexts.first[s.previous + 1]
    state[State.LAST_FOLLOWED] = (k.contexts.followers[first:end] == s.last).any()
    repeats, stays, run, running, weight = 0.0, 0.0, 0.0, True, 0.0
    steps = min(length - 1, 10)
    for back in range(steps):
        place = length - 1 - back
        again = (s.prefix[:place] == s.prefix[place]).any()
        artist = k.artist_of[s.prefix[place]]
        same = artist >= 0 and artist == k.artist_of[s.prefix[place - 1]]
        if back == 0:
            state[State.LAST_REPEATED] = again
        repeats += again
        stays += 0.8**back * same
        weight += 0.8**back
        running = running and same
        run += running
    state[State.REPEATS] = repeats / steps
    state[State.STAYS] = stays / weight
    state[State.RUN] = run / 10


@compiled_part
def _clear(k: Knowledge, s: Session, pool: Pool) -> None:
    """Make the arrays of the pool ready for the next query."""
    for item in pool.candidates[: pool.size[0]]:
        pool.slot[item] = -1
    pool.size[0] = 0
    for item in s.prefix:
        if k.artist_of[item] >= 0:
            pool.in_session[k.artist_of[item]] = 0
    for item in k.own.items[s.own_begin : s.own_end]:
        if k.artist_of[item] >= 0:
            pool.of_listener[k.artist_of[item]] = 0
    if s.artist >= 0:
        for place in range(k.next_artists.first[s.artist], k.next_artists.first[s.artist + 1]):
            pool.following[k.next_artists.entries[place]] = 0


@compiled_part
def _fill(k: Knowledge, s: Session, pool: Pool) -> None:
    """Find the candidates of a session, and set their features."""
    _propose_from_steps(k, s, pool)
    _propose_from_session(k, s, pool)
    _propose_from_past(k, s, pool)
    for item in k.popular:
        _propose(pool, item)
    _sessions(k, s, pool)
    _steps(k, s, pool)
    _heard(s, pool)
    _past(k, s, pool)
    _artists_and_sums(k, s, pool)


class Asked(NamedTuple):
    """The queries as arrays for compiled loops: see :class:`segue.session_logs.splits.Queries`."""

    items: np.ndarray
    starts: np.ndarray
    ends: np.ndarray
    users: np.ndarray
    times: np.ndarray


@compiled
def _gather(
    k: Knowledge, asked: Asked, n_features: int, n_states: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray, np.ndarray]:
    count = len(asked.starts)
    bounds = np.zeros(count + 1, dtype=np.int64)
    states = np.zeros((count, n_states), dtype=np.float32)
    items = np.empty(256 * max(count, 1), dtype=np.int64)
    features = np.empty((len(items), n_features), dtype=np.float32)
    pool = _pool(k, n_features)
    for query in range(count):
        prefix = asked.items[asked.starts[query] : asked.ends[query]]
        session = _session(k, prefix, asked.users[query], asked.times[query], pool.nodes)
        _fill(k, session, pool)
        _state(k, session, states[query])
        begin, end = bounds[query], bounds[query] + pool.size[0]
        bounds[query + 1] = end
        if end > len(items):
            more_items = np.empty(2 * end, dtype=np.int64)
            more_features = np.empty((2 * end, n_features), dtype=np.float32)
            more_items[:begin], more_features[:begin] = items[:begin], features[:begin]
            items, features = more_items, more_features
        items[begin:end] = pool.candidates[: end - begin]
        features[begin:end] = pool.table[: end - begin]
        _clear(k, session, pool)
    end = bounds[count]
    return bounds, items[:end].copy(), features[:end].copy(), states


@dataclass(frozen=True, kw_only=True, eq=False)
class Examples:
    """The candidates of p queries, with their features and the states of the sessions."""

    bounds: np.ndarray
    """(p + 1,) int64: where the candidates of each query begin."""
    items: np.ndarray
    """(n,) int64: the candidates."""
    features: np.ndarray
    """(n, features) float32, in the order of :class:`Feature`."""
    states: np.ndarray
    """(p, states) float32, in the order of :class:`State`."""

    def take(self, kept: np.ndarray) -> Examples:
        """The candidates that a mask selects."""
        return Examples(
            bounds=np.r_[0, np.cumsum(kept)][self.bounds].astype(np.int64),
            items=self.items[kept],
            features=self.features[kept],
            states=self.states,
        )


def gather(knowledge: Knowledge, queries: Queries) -> Examples:
    """The candidates and features of queries."""
    asked = Asked(queries.items, queries.starts, queries.ends, queries.users, queries.times)
    bounds, items, features, states = _gather(knowledge, asked, len(Feature), len(State))
    return Examples(bounds=bounds, items=items, features=features, states=states)
