"""Why a track is recommended or similar, in the language of the reader."""

from __future__ import annotations

from collections.abc import Iterable

from babel.lists import format_list

from segue.audio.similarity import SoundSimilarity
from segue.dashboard.language.catalogues import locale
from segue.dashboard.language.spoken import language
from segue.dashboard.language.words import gettext, translated
from segue.moods.dial import WORDS, Dial
from segue.ranking.evidence_words import words_beside
from segue.ranking.sources import REASONS, VARIED


def reason(kind: str, title: str | None) -> str:
    """A reason with the title of the track that it names.

    An unknown reason, and one that names an unknown track (None), reads like that of the varied selection.
    """
    known = REASONS.get(kind, VARIED.reason)
    if known.names_track and title is None:
        known = VARIED.reason
    return translated(known.words).format(title) if known.names_track else translated(known.words)


def with_evidence(why: str, kind: str, evidence: Iterable[str]) -> str:
    """A reason with other evidence for the track: "Played along with X · you play this artist a lot"."""
    words = words_beside(kind, evidence)
    return why if words is None else f"{why} · {translated(words)}"


def alike(found: SoundSimilarity) -> str:
    """The similarities and differences of two tracks: "Alike in rhythm and timbre; brighter"."""
    near = [gettext("tempo ({bpm} BPM)", bpm=round(found.tempo))] if found.tempo else []
    near += [translated(respect) for respect in found.near[:3]]
    same = gettext("Alike in {respects}", respects=_listed(near)) if near else ""
    apart = _listed([translated(word) for word in found.apart[:2]])
    if same and apart:
        return f"{same}; {apart}"
    return same or apart[:1].upper() + apart[1:]


def mood(wanted: Dial) -> str:
    """The wanted mood: "rather calm, dark"; empty for any."""
    return ", ".join(notch(name, value) for name, value in wanted.wanted.items())


def notch(name: str, value: int) -> str:
    """A notch of the mood dial: "calm", "rather fast"; "any" for an open one."""
    if not value:
        return gettext("any")
    word = translated(WORDS[name][value > 0])
    return word if abs(value) == 2 else gettext("rather {mood}", mood=word)


def _listed(words: list[str]) -> str:
    return format_list(words, locale=locale(language())) if words else ""
