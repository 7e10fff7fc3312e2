"""An inverted index of words in tracks, albums or artists, for a search that tolerates typos.

Each word of the query matches the same word, words that begin with it, and words within a small
Damerau-Levenshtein distance (substitution, deletion, insertion, transposition). An entry's score is the sum
over the query's words of the best match times the field's weight; an entry must match every word.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np
from rapidfuzz import process
from rapidfuzz.distance import OSA

from segue.catalog.letters import without_accents, without_apostrophes, words_of
from segue.catalog.part import Part
from segue.catalog.track_records import Searchable

FIELDS = (("title", 1.0), ("artist", 0.9), ("album", 0.6), ("genres", 0.5), ("tags", 0.4))
_LETTER_SIGNS = str.maketrans({"!": "i", "¡": "i", "$": "s", "@": "a", "€": "e"})
"""Signs that replace a letter within a name: "P!nk", "Ke$ha"."""
_UNSPACED = ("CJK", "HIRAGANA", "KATAKANA", "HANGUL", "THAI", "LAO", "KHMER", "MYANMAR")
"""Scripts without spaces between words, or with endings on them: a search may begin within a run."""
_MOST_WORDS = 8
_LONGEST_WORD, _LONGEST_QUERY = 40, 2000
_PREFIX, _SLIP = 0.75, 0.5
"""The scores of a prefix match and of a match at edit distance 1; an equal word has 1."""


def words(text: str) -> list[str]:
    """Lower-case words without accents: "Sigur Rós" → ["sigur", "ros"]; signs alone are a word: ["!!!"]."""
    return [word for token in _tokens(text) for word in words_of(token) or [token]]


def _tokens(text: str) -> list[str]:
    return without_apostrophes(without_accents(text.casefold())).split()


def _indexed(text: str) -> Iterator[str]:
    """The words of a text and their other forms: "AC/DC" → "ac", "dc", "acdc"; "P!nk" → "p", "nk", "pink"."""
    for token in _tokens(text):
        parts = words_of(token)
        yield from parts or [token]
        yield from _joined(token, parts)
        for part in parts:
            if unicodedata.name(part[0], "").startswith(_UNSPACED):
                yield from (part[at:] for at in range(1, len(part)))


def _joined(token: str, parts: Sequence[str]) -> list[str]:
    """A token as one word, without its signs and with letters in their place."""
    if len(parts) < 2 and (not parts or token.translate(_LETTER_SIGNS) == token):
        return []
    return ["".join(parts), "".join(words_of(token.translate(_LETTER_SIGNS)))]


@dataclass(frozen=True)
class WordIndex:
    """Words and the tracks, albums or artists that contain them; built by :func:`index_texts`."""

    ids: list[str]
    vocabulary: np.ndarray
    """Shape (v,): the words, ascending."""
    starts: np.ndarray
    """Shape (v + 1,): the offset of each word's entries in the next two arrays."""
    places: np.ndarray
    """Shape (p,), int32: positions in `ids`."""
    weights: np.ndarray
    """Shape (p,), float32: the weight of the best field that contains the word."""
    by_length: dict[int, tuple[list[str], np.ndarray]]

    def search(self, query: str, *, limit: int = 50) -> Part[str]:
        """Ids of the entries that match every word of the query, best first; none for an empty query."""
        asked = list(islice(self._asked(query), _MOST_WORDS))
        if not asked or not self.ids:
            return Part()
        total = np.zeros(len(self.ids), dtype=np.float32)
        matched = np.ones(len(self.ids), dtype=bool)
        for word in asked:
            score = np.zeros(len(self.ids), dtype=np.float32)
            for place, similarity in self._matches(word):
                part = slice(self.starts[place], self.starts[place + 1])
                np.maximum.at(score, self.places[part], self.weights[part] * similarity)
            total += score
            matched &= score > 0
        hits = np.flatnonzero(matched)
        best = hits[np.lexsort((hits, -total[hits]))][:limit]
        return Part((self.ids[i] for i in best), total=len(hits))

    def _asked(self, query: str) -> Iterator[str]:
        """The words of a query; a token with signs is one word if the catalogue has it so."""
        for token in _tokens(query[:_LONGEST_QUERY]):
            parts = words_of(token)
            whole = (form for form in _joined(token, parts) if self._has(form[:_LONGEST_WORD]))
            for word in [form] if (form := next(whole, None)) else parts or [token]:
                yield word[:_LONGEST_WORD]

    def _has(self, word: str) -> bool:
        at = int(np.searchsorted(self.vocabulary, word))
        return at < len(self.vocabulary) and self.vocabulary[at] == word

    def _matches(self, word: str) -> Iterable[tuple[int, float]]:
        """Positions in the vocabulary of the words that match a query's word, with the similarity, 0 to 1."""
        low = int(np.searchsorted(self.vocabulary, word))
        high = int(np.searchsorted(self.vocabulary, word + "\U0010ffff"))
        for place in range(low, min(high, low + 500)):
            same = self.vocabulary[place] == word
            yield place, 1.0 if same else _PREFIX * (0.6 + 0.4 * len(word) / len(self.vocabulary[place]))
        slips = 0 if len(word) < 4 else 1 if len(word) < 8 else 2
        for length in range(len(word) - slips, len(word) + slips + 1):
            if not slips or length not in self.by_length:
                continue
            candidates, places = self.by_length[length]
            near = process.extract(
                word, candidates, scorer=OSA.distance, processor=None, score_cutoff=slips, limit=50
            )
            for _, distance, at in near:
                if distance:
                    yield int(places[at]), _SLIP / distance


def index_tracks(tracks: Sequence[Searchable]) -> WordIndex:
    """Index tracks by their titles, artists, albums, genres and tags."""
    return index_texts((track.track_id, _weighted(track)) for track in tracks)


def _weighted(track: Searchable) -> Iterator[tuple[str, float]]:
    for field, weight in FIELDS:
        value: str | Sequence[str] = getattr(track, field)
        yield value if isinstance(value, str) else " ".join(value), weight


def index_texts(entries: Iterable[tuple[str, Iterable[tuple[str, float]]]]) -> WordIndex:
    """Index entries: (id, texts with their weights). Of equally good matches, the earlier entry is first."""
    ids: list[str] = []
    best: dict[str, dict[int, float]] = {}
    for place, (own, texts) in enumerate(entries):
        ids.append(own)
        for text, weight in texts:
            for word in _indexed(text):
                where = best.setdefault(word[:_LONGEST_WORD], {})
                where[place] = max(weight, where.get(place, 0.0))
    vocabulary = sorted(best)
    counts = [len(best[word]) for word in vocabulary]
    by_length: dict[int, tuple[list[str], list[int]]] = {}
    for at, word in enumerate(vocabulary):
        those, places = by_length.setdefault(len(word), ([], []))
        those.append(word)
        places.append(at)
    return WordIndex(
        ids=ids,
        vocabulary=np.array(vocabulary, dtype=object),
        starts=np.concatenate([[0], np.cumsum(counts, dtype=np.int64)]),
        places=np.array([place for word in vocabulary for place in best[word]], dtype=np.int32),
        weights=np.array([w for word in vocabulary for w in best[word].values()], dtype=np.float32),
        by_length={n: (those, np.array(places)) for n, (those, places) in by_length.items()},
    )
