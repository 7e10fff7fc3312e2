"""Spoken content, such as audiobooks and podcasts: it can be found and played, and is not recommended."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import timedelta
from pathlib import PurePosixPath

from segue.catalog.letters import artist_key

GENRES = frozenset(
    map(
        artist_key,
        (
            "Audio Book", "Audiobook", "Audiobooks", "Audio Drama", "Audio Theatre", "Audiolibro",
            "Audiolivro", "Hörbuch", "Hörbücher", "Hörspiel", "Hörspiele", "Interview", "Lecture",
            "Livre audio", "Ljudbok", "Luisterboek", "Lydbog", "Podcast", "Podcasts", "Radio Drama",
            "Radio Play", "Speech", "Spoken", "Spoken Word", "Аудиокнига", "Подкаст", "オーディオブック",
            "有声书",
        ),
    )
)  # fmt: skip
"""Keys of genres; the first genre of a file decides, since a song may have "Spoken Word" beside its own."""
FOLDERS = GENRES - {artist_key(name) for name in ("Interview", "Speech", "Spoken", "Lecture")}
"""Keys of names of folders, which an album or an artist of music seldom has."""
ENDINGS = frozenset({".m4b", ".aa", ".aax"})
LONGEST_SONG = timedelta(hours=1)
"""A longer file without a genre is spoken: a mix or a symphony in one file has a genre, in all likelihood."""


def is_spoken(within: PurePosixPath, *, library: str, genres: Sequence[str], duration_ms: int | None) -> bool:
    """Whether a file is spoken content, by its first genre, its format, its folders or its length.

    Parameters
    ----------
    within
        The path within the library.
    library
        The library's name, which counts as a folder.
    """
    if within.suffix.lower() in ENDINGS or (genres and artist_key(genres[0]) in GENRES):
        return True
    if any(artist_key(name) in FOLDERS for name in (library, *within.parent.parts)):
        return True
    return not genres and (duration_ms or 0) > LONGEST_SONG / timedelta(milliseconds=1)
