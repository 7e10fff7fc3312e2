"""The time of a search in the catalogue with and without typos, beside regular expressions in MongoDB."""

from __future__ import annotations

import random
import re
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

import numpy as np
from rich.console import Console

from segue.benchmarks.catalogue import composed_track
from segue.catalog.track import Track
from segue.catalog.tracks import Tracks
from segue.dashboard.queries.catalogue import CatalogueReader
from segue.local import stack
from segue.settings import Settings, load_settings
from segue.storage.mongo import connect
from segue.storage.store import Store

TRACKS = 106_574
"""Tracks of the Free Music Archive's full set, also with `--quick`: the figures hold for this size."""
DATABASE = "segue_bench_search"
WORDS = 40_000
SEED = 5
_GENRES = ("Rock", "Folk", "Electronic", "Hip-Hop", "Ambient", "Jazz", "Metal", "Classical")
_FIELDS = ("title", "artist", "album", "genres")


def measure(*, quick: bool, console: Console) -> dict[str, float | bool]:
    """Times of single searches, one after another, including the read of the shown tracks from MongoDB."""
    queries = 60 if quick else 600
    with _filled(console) as (tracks, catalogue):
        began = time.perf_counter()
        catalogue.search("warm up")
        indexed = time.perf_counter() - began
        names = sorted((own, (track.artist, track.title)) for own, track in tracks.to_index().items())
        rng = random.Random(SEED)
        asked = [_query(*rng.choice(names), rng) for _ in range(queries)]
        baseline = asked[: max(20, queries // 10)]

        def ours(text: str) -> list[str]:
            return [item.track_id for item in catalogue.search(text)]

        with console.status("Searching"):
            exact = _times([(right, wanted) for right, _, wanted in asked], ours)
            slipped = _times([(wrong, wanted) for _, wrong, wanted in asked], ours)
            plain = _times([(right, wanted) for right, _, wanted in baseline], tracks.matching)
            lost = _times([(wrong, wanted) for _, wrong, wanted in baseline], tracks.matching)
    return {
        "tracks": TRACKS,
        "queries": queries,
        "p50_ms": _percentile(exact, 50),
        "p99_ms": _percentile(exact, 99),
        "found": _share(exact),
        "typo_p50_ms": _percentile(slipped, 50),
        "typo_p99_ms": _percentile(slipped, 99),
        "typo_found": _share(slipped),
        "regex_p50_ms": _percentile(plain, 50),
        "regex_p99_ms": _percentile(plain, 99),
        "regex_found": _share(plain),
        "regex_typo_found": _share(lost),
        "ratio_regex_p50": _percentile(plain, 50) / _percentile(slipped, 50),
        "index_s": indexed,
    }


Search = Callable[[str], list[str]]
Timed = list[tuple[float, bool]]
"""Seconds, and whether the track of the query was among the first fifty results."""


def _times(queries: list[tuple[str, str]], search: Search) -> Timed:
    timed = []
    for text, wanted in queries:
        began = time.perf_counter()
        track_ids = search(text)
        took = time.perf_counter() - began
        timed.append((took, wanted in track_ids))
    return timed


def _percentile(timed: Timed, percent: float) -> float:
    return float(np.percentile([took for took, _ in timed], percent)) * 1000


def _share(timed: Timed) -> float:
    return float(np.mean([hit for _, hit in timed]))


class PlainTracks(Tracks):
    """The catalogue with a simple search without an index of words."""

    def matching(self, text: str) -> list[str]:
        """Tracks that have each word in any of the fields, ignoring case."""
        words = [{"$regex": re.escape(word), "$options": "i"} for word in text.split()]
        wanted = {"$and": [{"$or": [{field: word} for field in _FIELDS]} for word in words]}
        shown = {"title": 1, "artist": 1, "album": 1, "genres": 1, "cover_id": 1, "duration_ms": 1}
        return [document["_id"] for document in self.documents.find(wanted, shown).limit(50)]


def _query(
    own_id: str, artist_and_title: tuple[str | None, str | None], rng: random.Random
) -> tuple[str, str, str]:
    """A query for a track: without and with a typo in a word, and the track's id."""
    artist, title = artist_and_title
    words = [rng.choice((title or "").split()), rng.choice((artist or "").split())]
    long = max(range(2), key=lambda i: len(words[i]))
    wrong = list(words)
    wrong[long] = _slip(words[long], rng)
    return " ".join(words), " ".join(wrong), own_id


def _slip(word: str, rng: random.Random) -> str:
    """The word with a letter missing, doubled, wrong or swapped; words under four letters stay unchanged."""
    if len(word) < 4:
        return word
    at = rng.randrange(1, len(word) - 1)
    return rng.choice(
        [
            word[:at] + word[at + 1 :],
            word[:at] + word[at] + word[at:],
            word[:at] + rng.choice("aeiostr") + word[at + 1 :],
            word[:at] + word[at + 1] + word[at] + word[at + 2 :],
        ]
    )


@contextmanager
def _filled(console: Console) -> Iterator[tuple[PlainTracks, CatalogueReader]]:
    """A temporary database with a synthetic catalogue."""
    settings = mongo_only()
    own = settings.mongo.model_copy(update={"database": DATABASE})
    database = connect(own)
    try:
        database.client.drop_database(DATABASE)
        with console.status(f"Composing a catalogue of {TRACKS:,} tracks"):
            tracks = PlainTracks(Store(database))
            tracks.write(named_tracks())
        yield tracks, CatalogueReader(Store(database), index_folder=settings.index.folder)
    finally:
        database.client.drop_database(DATABASE)
        database.client.close()


def mongo_only() -> Settings:
    base = load_settings()
    away = base.kafka.model_copy(update={"bootstrap_servers": "127.0.0.1:9"})  # no broker is needed
    return stack.up(base.model_copy(update={"kafka": away}))


def named_tracks() -> Iterator[Track]:
    """Names of synthetic words, with the frequencies of a natural language (Zipf)."""
    rng = np.random.default_rng(SEED)
    syllables = [a + b for a in "bdfgklmnprstvz" for b in ("a", "e", "i", "o", "u", "an", "er", "il")]
    words = ["".join(rng.choice(syllables, size=rng.integers(1, 5))) for _ in range(WORDS)]
    weight = 1.0 / (np.arange(WORDS) + 10.0)
    drawn = rng.choice(WORDS, size=(TRACKS, 7), p=weight / weight.sum())
    for number, row in enumerate(drawn):
        artist = rng.integers(TRACKS // 8) * 2
        yield composed_track(
            number,
            title=" ".join(words[i] for i in row[:3]),
            artist=f"{words[artist % WORDS]} {words[(artist * 7 + 1) % WORDS]}",
            album=" ".join(words[i] for i in row[3:5]),
            genres=(_GENRES[number % len(_GENRES)],),
            modified_ns=number,
        )
