"""The gain by the long memory, for simulated listeners over three years and for returning ones.

Both lists of a comparison are made by the service's own planning, with `ranking.memory_weight` and with 0. A
list counts the songs of the rest of the session that it names.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np

from segue.evaluation.next_track import item_vectors
from segue.index.contents import Contents
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import artist_tracks_of, transition_rules_of
from segue.ranking.plan import plan
from segue.recommenders.served import learned
from segue.session_logs.datasets import read_sessions
from segue.session_logs.logs import SessionLog, make_log
from segue.settings import Settings
from segue.taste.history import History, Window, prune
from segue.taste.memory import Loved, Month, Months, added_up, month_of, strongest
from segue.taste.profile import ListenerHistory

SEEDS = (1, 2, 3)
KINDS = ("steady", "drifting", "returning", "forward")
"""Simulated listeners: of one style; of another style every half-year; with pauses of months; and those who
never play an old song again. All but the last play a loved song of more than a year ago now and then."""
_DAY = 86_400.0
_YEARS = 3
_STYLES, _ARTISTS, _SONGS = 12, 10, 40
_POOL = 25
"""Songs of a style that a listener plays in a quarter of a year."""
_OLD = 0.15
"""The share of plays that are loved songs of long ago, those heard most often more likely."""
_OLD_AFTER_PAUSE = 0.4
"""The same in the first sessions after a pause."""
_SESSION = 8
_ASKED_AFTER = 2
"""Plays of a session before the list is asked for."""
_PARTS_OF_DAY = 4


@dataclass(frozen=True)
class Outcome:
    """The hits of lists with and without the memory, (n,) each, aligned."""

    owners: np.ndarray
    """The listener of each list."""
    plain: np.ndarray
    remembering: np.ndarray
    """The share of the rest of the session that each list names."""

    def gain(self, chosen: np.ndarray | None = None) -> tuple[float, float, float]:
        """(mean without, mean with, standard error of the difference over listeners)."""
        kept = np.ones(len(self.plain), dtype=bool) if chosen is None else chosen
        plain, remembering = self.plain[kept], self.remembering[kept]
        _, place = np.unique(self.owners[kept], return_inverse=True)
        count = np.bincount(place)
        of_listeners = np.bincount(place, remembering - plain) / count
        error = float(of_listeners.std(ddof=1) / np.sqrt(len(count))) if len(count) > 1 else 0.0
        return float(plain.mean()), float(remembering.mean()), error


def simulated(seed: int, settings: Settings, *, listeners: int) -> dict[str, float]:
    """The figures of one seed by kind: `<kind>_plain`, `<kind>_with`, `<kind>_error`, and those of `all`."""
    log, kinds, vectors = three_years(seed, listeners=listeners)
    asked_since = float(log.times.max()) - 182 * _DAY
    index = index_of(log.take(log.times < asked_since), settings, vectors)
    outcome = compared(log, index, settings, since=asked_since, salt=str(seed))
    of_owner = kinds[outcome.owners]
    figures: dict[str, float] = {}
    for name in ("all", *KINDS):
        chosen = None if name == "all" else of_owner == KINDS.index(name)
        plain, remembering, error = outcome.gain(chosen)
        figures |= {f"{name}_plain": plain, f"{name}_with": remembering, f"{name}_error": error}
    return figures


def three_years(seed: int, *, listeners: int) -> tuple[SessionLog, np.ndarray, np.ndarray]:
    """The plays of simulated listeners, the kind of each (by code), and a vector for each item of the log."""
    rng = np.random.default_rng(seed)
    songs = _STYLES * _ARTISTS * _SONGS
    style, artist = np.arange(songs) // (_ARTISTS * _SONGS), np.arange(songs) // _SONGS
    axes = rng.normal(size=(_STYLES, 24))[style] + 0.6 * rng.normal(size=(_STYLES * _ARTISTS, 24))[artist]
    vectors = axes + 0.5 * rng.normal(size=(songs, 24))
    vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
    users, sessions, items, times = [], [], [], []
    for user in range(listeners):
        kind = KINDS[user % len(KINDS)]
        for number, (at, played) in enumerate(_sessions(kind, style, rng)):
            users += [f"{user:03d}"] * len(played)
            sessions += [number] * len(played)
            items += [f"{item:06d}" for item in played]
            times += [at + 210.0 * place for place in range(len(played))]
    log = make_log(
        users=users,
        sessions=np.asarray(sessions),
        items=items,
        times=times,
        artists=np.asarray([str(artist[int(item)]) for item in items], dtype=object),
    )
    names = log.user_ids.astype(int)
    return log, names % len(KINDS), vectors[log.item_ids.astype(int)].astype(np.float32)


def _sessions(kind: str, style: np.ndarray, rng: np.random.Generator) -> Iterator[tuple[float, list[int]]]:
    """The sessions of a listener in order: epoch seconds, and items."""
    begin = datetime(2022, 1, 1, tzinfo=UTC).timestamp()
    own = rng.choice(_STYLES, size=2 * _YEARS)
    heard: dict[int, tuple[int, float]] = {}
    pool: np.ndarray = np.empty(0, dtype=np.int64)
    quarter, day, pause_after, back = -1, 0.0, 120.0, 0
    while day < _YEARS * 365:
        day += rng.exponential(3.0) + 0.3
        if kind == "returning" and day > pause_after:
            day += rng.uniform(75, 150)
            pause_after, back = day + rng.uniform(20, 60), 4
            if day > _YEARS * 365:
                return
        if int(day / 91) > quarter:
            quarter = int(day / 91)
            now = own[min(quarter // 2, len(own) - 1)] if kind == "drifting" else own[0]
            liked = np.flatnonzero(style == now)
            if kind == "forward":
                liked = np.setdiff1d(liked, list(heard))
            pool = rng.permutation(liked)[:_POOL]
        old = [song for song, (count, last) in heard.items() if count >= 3 and last < day - 180]
        love = np.asarray([heard[song][0] for song in old], dtype=float) ** 2
        played: list[int] = []
        for _ in range(_SESSION):
            if old and kind != "forward" and rng.random() < (_OLD_AFTER_PAUSE if back > 0 else _OLD):
                song = int(rng.choice(old, p=love / love.sum()))
            elif rng.random() < 0.1:
                song = int(rng.integers(len(style)))
            else:
                song = int(pool[int(len(pool) * rng.random() ** 2)])
            played.append(song)
            heard[song] = heard.get(song, (0, 0.0))[0] + 1, day
        back -= 1
        yield begin + day * _DAY, played


def index_of(history: SessionLog, settings: Settings, vectors: np.ndarray) -> TrackIndex:
    """The items of a log as an index, with the rules and artists' tracks that its plays teach."""
    model = learned(history, settings.models.rules)
    ids = encode_ids([_id(item) for item in range(len(history.artists))])
    contents = Contents(
        vectors=vectors,
        track_ids=ids,
        artists=history.artists.astype(np.int32),
        cold_start=np.arange(min(50, len(ids)), dtype=np.int32),
        transition_rules=transition_rules_of(model, track_ids=ids),
        artist_tracks=artist_tracks_of(model, track_ids=ids, artists=history.artists),
    )
    return TrackIndex.in_memory(contents, version="memory")


def _id(item: int) -> str:
    return f"{item:012d}"


def compared(
    log: SessionLog,
    index: TrackIndex,
    settings: Settings,
    *,
    since: float,
    salt: str,
    among: np.ndarray | None = None,
) -> Outcome:
    """Ask for lists in all sessions from `since` on, of all listeners or of those `among` them."""
    ranking = settings.ranking.model_copy(update={"exploration_share": 0.0})
    plain = ranking.model_copy(update={"memory_weight": 0.0})
    owners: list[int] = []
    hits: dict[str, list[float]] = {"plain": [], "with": []}
    users = np.unique(log.users) if among is None else among
    for user in users.tolist():
        asked = list(_questions(log, user, settings, since=since, salt=salt))
        if not asked:
            continue
        for name, own in (("plain", plain), ("with", ranking)):
            plans = plan(
                [listener for listener, _ in asked],
                bundle=index,
                ranking=own,
                experiments=settings.experiments,
            )
            for made, (_, rest) in zip(plans, asked, strict=True):
                named = {item.track_id for item in made.items}
                hits[name].append(len(named & rest) / len(rest))
        owners += [user] * len(asked)
    return Outcome(np.asarray(owners), np.asarray(hits["plain"]), np.asarray(hits["with"]))


def _questions(
    log: SessionLog, user: int, settings: Settings, *, since: float, salt: str
) -> Iterator[tuple[ListenerHistory, set[str]]]:
    """A listener as the service knows them after the first plays of a session, and the songs of the rest."""
    places = np.flatnonzero(log.users == user)
    places = places[np.argsort(log.times[places], kind="stable")]
    history: History = {}
    sums: dict[int, dict[str, tuple[float, int]]] = defaultdict(dict)
    signal = settings.signals.play + settings.signals.complete
    sessions, first = np.unique(log.sessions[places], return_index=True)
    for session in sessions[np.argsort(first)].tolist():
        own = places[log.sessions[places] == session]
        before = min(_ASKED_AFTER, len(own) - 1)
        for number, place in enumerate(own.tolist()):
            if number == before and log.times[place] >= since:
                rest = {_id(int(item)) for item in log.items[own[number:]]}
                yield _listener(f"{salt}-{user}", history, sums, settings), rest
            history = _heard(history, log, place, signal, settings)
        for place in own.tolist():  # the memory has a session when its day is over
            at = int(log.times[place] * 1000)
            month = sums[month_of(datetime.fromtimestamp(log.times[place], UTC))]
            track_id = _id(int(log.items[place]))
            month[track_id] = month.get(track_id, (0.0, 0))[0] + signal, at


def _listener(
    user_id: str, history: History, sums: Mapping[int, Mapping[str, tuple[float, int]]], settings: Settings
) -> ListenerHistory:
    months: Months = {number: Month(strongest(own)) for number, own in sums.items()}
    loved: Loved = added_up(months, half_life=settings.memory.half_life, most=settings.memory.tracks)
    return ListenerHistory(user_id, history, settings.taste, loved=loved)


def _heard(history: History, log: SessionLog, place: int, signal: float, settings: Settings) -> History:
    """The history with one more play, pruned as the stream prunes it."""
    at, track_id = int(log.times[place] * 1000), _id(int(log.items[place]))
    length = int(settings.stream.window.total_seconds() * 1000)
    start = at - at % length
    window = history.get(start, Window([], [], [], []))
    own = dict(zip(window.tracks, zip(window.weights, window.at, strict=True), strict=True))
    own[track_id] = own.get(track_id, (0.0, 0))[0] + signal, at
    tracks = sorted(own)
    changed = Window(
        tracks, [own[one][0] for one in tracks], [own[one][1] for one in tracks], ["complete"] * len(tracks)
    )
    return prune(history | {start: changed}, taste=settings.taste, signals=settings.signals)


def returning(folder: Path, settings: Settings, seed: int) -> dict[str, float]:
    """Listeners of 30Music who are in a later window again.

    The catalogue has the items of all windows up to the later one. Rules are learned from the earlier
    windows, and from the plays of the others in the later one.
    """
    logs = list(read_sessions(folder).values())
    outcomes = []
    for later in range(1, len(logs)):
        log = _joined(logs[: later + 1])
        since = float(logs[later].times.min())
        back = np.intersect1d(
            np.unique(log.users[log.times < since]), np.unique(log.users[log.times >= since])
        )
        asked = np.isin(log.users, back) & (log.times >= since)
        known = log.take(~asked)
        vectors = item_vectors(known, seed=seed).astype(np.float32)
        nowhere = ~vectors.any(axis=1)
        vectors[nowhere] = np.random.default_rng(seed).normal(size=(int(nowhere.sum()), vectors.shape[1]))
        vectors /= np.linalg.norm(vectors, axis=1, keepdims=True)
        index = index_of(known, settings, vectors)
        outcomes.append(compared(log, index, settings, since=since, salt=str(seed), among=back))
    outcome = Outcome(
        np.concatenate([own.owners + 10_000 * number for number, own in enumerate(outcomes)]),
        np.concatenate([own.plain for own in outcomes]),
        np.concatenate([own.remembering for own in outcomes]),
    )
    plain, remembering, error = outcome.gain()
    count = float(len(outcome.plain))
    figures = {"plain": plain, "with": remembering, "error": error, "lists": count}
    return {f"30music_{name}": value for name, value in figures.items()}


def _joined(logs: Sequence[SessionLog]) -> SessionLog:
    def column(of: Callable[[SessionLog], np.ndarray]) -> np.ndarray:
        return np.concatenate([of(log) for log in logs])

    artists = []
    for log in logs:
        known = log.artists[log.items]
        artists.append(np.where(known < 0, "", known.astype(str)).astype(object))
    return make_log(
        users=column(lambda log: log.user_ids[log.users].astype(str)),
        sessions=np.concatenate(
            [[f"{number}-{own}" for own in log.sessions] for number, log in enumerate(logs)]
        ),
        items=column(lambda log: log.item_ids[log.items].astype(str)),
        times=column(lambda log: log.times),
        artists=np.concatenate(artists),
    )


def times_of_day(folder: Path) -> dict[str, float]:
    """Whether the time of day tells more about the first artist of a session than the listener does.

    A listener's earlier artists are ranked by their plays; once all plays count alike, once those of the same
    part of the day (six hours), or of the same kind of day (weekday or weekend), count three times. The
    figures are the shares of sessions whose first artist is among the first five. A listener's parts of the
    day are relative to each other, so that the time zone does not matter.
    """
    log = _joined(list(read_sessions(folder).values()))
    artists = log.artists[log.items]
    hits: dict[str, list[bool]] = {"all": [], "hour": [], "day": []}
    for user in np.unique(log.users).tolist():
        places = np.flatnonzero((log.users == user) & (artists >= 0))
        places = places[np.argsort(log.times[places], kind="stable")]
        if not len(places):
            continue
        part = (log.times[places] % _DAY // (_DAY / _PARTS_OF_DAY)).astype(int)
        weekend = ((log.times[places] // _DAY + 3) % 7 >= 5).astype(int)
        own = artists[places]
        begins = np.flatnonzero(np.diff(log.sessions[places], prepend=-1))
        for begin in begins.tolist():
            if len(np.unique(own[:begin])) <= 5:  # the first five would be all of them
                continue
            for name, same in (("all", None), ("hour", part), ("day", weekend)):
                weight = np.ones(begin) if same is None else 1.0 + 2.0 * (same[:begin] == same[begin])
                counts = np.bincount(own[:begin], weight)
                hits[name].append(int(own[begin]) in np.argsort(-counts, kind="stable")[:5].tolist())
    figures = {f"time_{name}_hr5": float(np.mean(own)) for name, own in hits.items()}
    differences = {
        name: np.asarray(hits[name], dtype=float) - np.asarray(hits["all"], dtype=float)
        for name in ("hour", "day")
    }
    for name, each in differences.items():
        figures[f"time_{name}_gain"] = float(each.mean())
        figures[f"time_{name}_error"] = float(each.std(ddof=1) / np.sqrt(len(each)))
    return figures | {"time_sessions": float(len(hits["all"]))}


def measured(folder: Path | None, settings: Settings, *, quick: bool) -> dict[str, float | bool]:
    """All figures of the memory, with the prefix `memory_`; those of 30Music if its folder is given."""
    seeds = SEEDS[:1] if quick else SEEDS
    rows = [simulated(seed, settings, listeners=12 if quick else 32) for seed in seeds]
    if folder is not None:
        rows = [row | returning(folder, settings, seed) for row, seed in zip(rows, seeds, strict=True)]
    figures: dict[str, float | bool] = {}
    for name in ("all", *KINDS, *(["30music"] if folder is not None else [])):
        gains = [row[f"{name}_with"] - row[f"{name}_plain"] for row in rows]
        figures |= {
            f"memory_{name}_plain": float(np.mean([row[f"{name}_plain"] for row in rows])),
            f"memory_{name}_with": float(np.mean([row[f"{name}_with"] for row in rows])),
            f"memory_{name}_lowest_gain": min(gains),
            f"memory_{name}_error": float(np.mean([row[f"{name}_error"] for row in rows])),
        }
    if folder is not None:
        figures["memory_30music_lists"] = rows[0]["30music_lists"]
        figures |= {f"memory_{name}": value for name, value in times_of_day(folder).items()}
    return figures
