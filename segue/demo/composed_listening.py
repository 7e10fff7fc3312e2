"""Composed listening in the demo's styles, from which the shipped weights of the learned order come.

Listeners like some styles and artists. They go through albums, stay with an artist, follow companions of a
track or look around, each with habits of their own. In some sessions they repeat tracks just heard,
one track or several in their order. They skip tracks that they dislike, and then avoid the artist for the
rest of the session. Run it with

    .local/venv/bin/python -m segue.demo.composed_listening --seed 7

It prints the weights as they are in `segue/ranking/learned_order.json`. The same seed gives the same weights.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Annotated

import numpy as np
import typer

from segue.demo.library import STYLES
from segue.index.contents import Contents
from segue.index.track_ids import encode_ids
from segue.index.track_index import TrackIndex
from segue.index.transition_rules import artist_tracks_of, transition_rules_of
from segue.ranking.candidates import pooled
from segue.ranking.learned_order import document, gathered
from segue.ranking.sources import TASTE, in_use
from segue.recommenders.order_learning import PRIOR, Learned, choices_among, learn
from segue.recommenders.served import learned
from segue.session_logs.logs import make_log
from segue.settings import Settings, load_settings, milliseconds
from segue.taste.history import History, Window
from segue.taste.profile import ListenerHistory, build_profiles

ARTISTS, ALBUMS, LENGTH = 16, 2, 6
"""Artists of a style, albums of an artist, tracks of an album."""
OF_ARTIST = ALBUMS * LENGTH
DIMENSION = 32
LISTENERS, SESSIONS, PLAYS = 300, 9, 14
COMPANIONS = 3
DAY_MS, TRACK_MS = 86_400_000, 240_000
WAYS = ("album", "artist", "companion", "style", "anything")
REPEATING = 0.25
"""The share of sessions in which a listener repeats tracks."""
REPEATS, RARE_REPEATS = 0.7, 0.04
"""The share of repeats in these sessions, and in the others."""
LOOPS, IN_ORDER = 0.4, 0.4
"""The shares of repeats that are of the last track, and of the track that followed it before."""
RETURNS = 0.1
"""The share of sessions' first tracks, and of others, that the listener knows from an earlier day."""


@dataclass(frozen=True)
class Catalogue:
    """Tracks `0, 1, …`: style by style, artist by artist, album by album."""

    vectors: np.ndarray
    """(n, d) float32 at unit length."""
    companions: np.ndarray
    """(n, COMPANIONS) int64: tracks that are played after each."""
    popularity: np.ndarray
    """(n,) float64."""

    @property
    def artists(self) -> np.ndarray:
        """(n,) int64."""
        return np.arange(len(self.vectors)) // OF_ARTIST

    @property
    def styles(self) -> np.ndarray:
        """(n,) int64."""
        return self.artists // ARTISTS


@dataclass(frozen=True)
class Played:
    """A track that a listener played."""

    track: int
    at: int
    """Epoch ms."""
    heard: bool
    """Whether it was heard to the end; it was skipped otherwise."""


def catalogue(rng: np.random.Generator) -> Catalogue:
    """A catalogue in the demo's styles."""
    count = len(STYLES) * ARTISTS * OF_ARTIST
    styles = np.arange(count) // OF_ARTIST // ARTISTS
    of_style = rng.normal(size=(len(STYLES), DIMENSION))
    of_artist = rng.normal(0, 0.6, (len(STYLES) * ARTISTS, DIMENSION))
    rows = of_style[styles] + of_artist[np.arange(count) // OF_ARTIST]
    rows = rows + rng.normal(0, 0.5, (count, DIMENSION))
    inside = rng.integers(ARTISTS * OF_ARTIST, size=(count, COMPANIONS))
    return Catalogue(
        vectors=(rows / np.linalg.norm(rows, axis=1, keepdims=True)).astype(np.float32),
        companions=styles[:, None] * ARTISTS * OF_ARTIST + inside,
        popularity=rng.permutation(1 / np.arange(1, count + 1) ** 0.7),
    )


def listening(music: Catalogue, rng: np.random.Generator) -> list[list[Played]]:
    """The sessions of one listener, one a day."""
    liked = rng.choice(len(STYLES), size=int(rng.integers(1, 3)), replace=False)
    avoided = rng.random(len(STYLES) * ARTISTS) < 0.25
    habits = rng.dirichlet([3.0, 1.5, 2.0, 2.0, 0.7])
    sessions = []
    known: list[int] = []
    for day in range(SESSIONS):
        last = _of_style(music, int(rng.choice(liked)), rng)
        repeats = REPEATS if rng.random() < REPEATING else RARE_REPEATS
        left: set[int] = set()
        session: list[Played] = []
        for place in range(PLAYS):
            heard_now = [played.track for played in session if played.heard]
            if heard_now and rng.random() < repeats:
                track = _again(heard_now, rng)
            elif known and rng.random() < RETURNS:
                track = int(rng.choice(known))
            else:
                track = last if place == 0 else _next(music, last, habits, liked, rng)
            artist = track // OF_ARTIST
            if artist in left and rng.random() < 0.8:
                track = _of_style(music, int(rng.choice(liked)), rng)
                artist = track // OF_ARTIST
            suits = 0.1 if avoided[artist] else 0.9 if music.styles[track] in liked else 0.3
            heard = bool(rng.random() < suits)
            session.append(Played(track, day * DAY_MS + place * TRACK_MS, heard))
            if heard:
                last = track
            else:
                left.add(artist)
        sessions.append(session)
        known += [played.track for played in session if played.heard]
    return sessions


def _again(heard: Sequence[int], rng: np.random.Generator) -> int:
    """One of the tracks that were heard in a session, the last of them last."""
    way, last = rng.random(), heard[-1]
    before = heard.index(last) + 1
    if way < LOOPS:
        return last
    if way < LOOPS + IN_ORDER:
        return heard[before % len(heard)]
    return int(rng.choice(heard))


def _of_style(music: Catalogue, style: int, rng: np.random.Generator) -> int:
    first = style * ARTISTS * OF_ARTIST
    share = music.popularity[first : first + ARTISTS * OF_ARTIST]
    return first + int(rng.choice(len(share), p=share / share.sum()))


def _next(
    music: Catalogue, last: int, habits: np.ndarray, liked: np.ndarray, rng: np.random.Generator
) -> int:
    way = WAYS[int(rng.choice(len(WAYS), p=habits))]
    if way == "album" and last % LENGTH < LENGTH - 1:
        return last + 1
    if way in ("album", "artist"):
        share = music.popularity[last // OF_ARTIST * OF_ARTIST :][:OF_ARTIST]
        return last // OF_ARTIST * OF_ARTIST + int(rng.choice(OF_ARTIST, p=share / share.sum()))
    if way == "companion":
        return int(rng.choice(music.companions[last]))
    if way == "style":
        return _of_style(music, int(rng.choice(liked)), rng)
    return int(rng.integers(len(music.vectors)))


def shipped_weights(settings: Settings, *, seed: int, listeners: int = LISTENERS) -> Learned:
    """The weights that composed listening teaches: rules from its first two thirds, choices in the last."""
    rng = np.random.default_rng(seed)
    music = catalogue(rng)
    people = [listening(music, rng) for _ in range(listeners)]
    first = SESSIONS * 2 // 3
    index = _index(music, [sessions[:first] for sessions in people], settings)
    lessons = sorted(_lessons(people, first, settings, rng), key=lambda lesson: lesson[2])
    choices = list(_choices(index, lessons, settings))
    return learn(choices_among(choices, rng=rng), given=PRIOR)


def _index(music: Catalogue, people: Sequence[Sequence[Sequence[Played]]], settings: Settings) -> TrackIndex:
    heard = [
        (person, person * SESSIONS + day, played)
        for person, sessions in enumerate(people)
        for day, session in enumerate(sessions)
        for played in session
        if played.heard
    ]
    log = make_log(
        users=np.array([person for person, _, _ in heard]),
        sessions=np.array([session for _, session, _ in heard]),
        items=np.array([played.track for _, _, played in heard]),
        times=np.array([played.at / 1000 for _, _, played in heard]),
    )
    model = learned(log, settings.models.rules)
    model = {**model, "track_ids": encode_ids([f"{item:06d}" for item in log.item_ids.tolist()])}
    ids = encode_ids([f"{track:06d}" for track in range(len(music.vectors))])
    artists = music.artists.astype(np.int32)
    contents = Contents(
        vectors=music.vectors,
        track_ids=ids,
        artists=artists,
        cold_start=np.empty(0, dtype=np.int32),
        transition_rules=transition_rules_of(model, track_ids=ids),
        artist_tracks=artist_tracks_of(model, track_ids=ids, artists=artists),
    )
    return TrackIndex.in_memory(contents)


Lesson = tuple[ListenerHistory, int, int]
"""A listener's history, the track that they heard to the end next, and its time."""


def _lessons(
    people: Sequence[Sequence[Sequence[Played]]], first: int, settings: Settings, rng: np.random.Generator
) -> Iterator[Lesson]:
    for person, sessions in enumerate(people):
        everything = [played for session in sessions for played in session]
        begin = first * PLAYS
        for place in rng.permutation(np.arange(begin + 1, len(everything)))[:12].tolist():
            target = everything[place]
            if target.heard:
                history = _history(everything[:place], settings)
                yield ListenerHistory(f"{person}", history, settings.taste), target.track, target.at


def _history(plays: Sequence[Played], settings: Settings) -> History:
    """The history that the stream makes of plays: windows with the sums of the signals on each track."""
    signals, length = settings.signals, milliseconds(settings.stream.window)
    windows: dict[int, dict[int, tuple[float, int, str]]] = {}
    for played in plays:
        window = windows.setdefault(played.at // length * length, {})
        before = window.get(played.track, (0.0, 0, ""))[0]
        weight = signals.play + (signals.complete if played.heard else signals.skip_early)
        window[played.track] = (before + weight, played.at, "complete" if played.heard else "skip")
    return {
        start: Window(
            [f"{track:06d}" for track in sorted(window)],
            [window[track][0] for track in sorted(window)],
            [window[track][1] for track in sorted(window)],
            [window[track][2] for track in sorted(window)],
        )
        for start, window in windows.items()
    }


def _choices(
    index: TrackIndex, lessons: Sequence[Lesson], settings: Settings
) -> Iterator[tuple[np.ndarray, np.ndarray, int]]:
    ranking = settings.ranking.model_copy(update={"model": "learned"})
    profiles = build_profiles([listener for listener, _, _ in lessons], bundle=index)
    near = TASTE.propose(profiles, index, ranking)
    pool = pooled(near, profiles, index, ranking=ranking, sources=in_use(index, ranking))
    for i, (_, target, _) in enumerate(lessons):
        profile = profiles[i]
        if not profile.has_taste:
            continue
        own = pool.of(i, profile.similarity(index.vectors), again=profile.heard.candidates)
        barred = profile.barred - frozenset(profile.heard.candidates.tolist())
        if target not in own.place_of or target in barred:
            continue
        evidence = gathered(own, profile, index, {})
        left = np.flatnonzero(~np.isin(own.rows, list(barred)))
        taken = int(np.searchsorted(left, own.place_of[target]))
        yield evidence.values[left], evidence.state, taken


def main(seed: Annotated[int, typer.Option(help="Seed of the random numbers.")] = 7) -> None:
    """Learn the shipped weights from composed listening, and print them."""
    outcome = shipped_weights(load_settings(), seed=seed)
    typer.echo(f"{outcome.choice}, gain {outcome.gain:.4f}", err=True)
    made = {"seed": seed, "made_by": "segue.demo.composed_listening", "weights": document(outcome.weights)}
    typer.echo(json.dumps(made, indent=1))


if __name__ == "__main__":
    typer.run(main)
