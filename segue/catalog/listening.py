"""Compares the sound of lost tracks with that of new files, for :mod:`segue.catalog.identity`."""

from __future__ import annotations

import logging
from collections.abc import Collection, Sequence
from functools import lru_cache
from types import TracebackType

from segue.audio.describer import Describer
from segue.audio.describing import Span
from segue.audio.fingerprint import is_same
from segue.catalog.fingerprints import Fingerprints
from segue.catalog.stored_paths import path_to_open
from segue.settings import AudioSettings
from segue.storage.store import Store

log = logging.getLogger(__name__)
MOST_FILES = 500
"""How many files of a pass are read for their fingerprints alone, at about 0.2 s each."""
_REMEMBERED = 4096


class StoredSounds:
    """Fingerprints of the catalogue and of files; close it after use, since it may have a process."""

    def __init__(self, store: Store, audio: AudioSettings) -> None:
        self._fingerprints, self._describer = Fingerprints(store), Describer(audio)
        self._asked = 0
        self._of_file = lru_cache(_REMEMBERED)(self._describer.fingerprint)

    def __enter__(self) -> StoredSounds:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._describer.close()

    def same_bytes(self, track_id: str, path: str) -> bool | None:
        """Unknown: the catalogue keeps samples of the stored sound."""
        return None

    def same_sound(self, track_id: str, path: str, span: Span) -> bool | None:
        """Whether the same is heard; None if a fingerprint is missing, or covers another part."""
        stored = self._fingerprints.of([track_id]).get(track_id)
        if stored is None:
            return None
        found = self._of_file(str(path_to_open(path)), span)
        return None if found is None else is_same(stored, found)

    def alike(self, path: str, span: Span) -> Sequence[str]:
        """The tracks that may be heard in a file; none after :data:`MOST_FILES` files.

        A song that is not recognised is a new track, and a library of new files must not wait for hours.
        """
        self._asked += 1
        if self._asked > MOST_FILES:
            if self._asked == MOST_FILES + 1:
                log.info("more than %d files may be lost songs: names decide for the rest", MOST_FILES)
            return ()
        found = self._of_file(str(path_to_open(path)), span)
        return self._fingerprints.near(found) if found else ()

    def known(self, track_ids: Collection[str]) -> set[str]:
        """The tracks whose fingerprints are known."""
        return self._fingerprints.known(track_ids)
