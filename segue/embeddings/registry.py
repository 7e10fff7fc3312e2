"""The registry of spaces, and the choice of the space that an index is built from.

A new space is a subclass of :class:`segue.embeddings.space.Space` in a separate module, an entry in
:data:`SPACES`, and a section of settings below [embedding].
"""

from __future__ import annotations

from collections.abc import Sequence

from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.genre_space import GenreSpace
from segue.embeddings.session_space import SessionSpace
from segue.embeddings.space import Space, SpaceError
from segue.embeddings.stored import Embeddings
from segue.index.published import PublishedBundles
from segue.models.versions import Models
from segue.storage.store import Store

SPACES: tuple[type[Space], ...] = (AudioSpace, GenreSpace, SessionSpace)
AUTO = "auto"
_PREFERRED: tuple[type[Space], ...] = (SessionSpace, AudioSpace)
""""auto" serves the first of these that is in use: docs/evaluation/results.md has the figures."""


def space_named(name: str) -> type[Space]:
    """The class of a space by its name.

    Raises
    ------
    SpaceError
        There is no such space; the message lists all.
    """
    for space in SPACES:
        if space.name == name:
            return space
    known = ", ".join(space.name for space in SPACES)
    raise SpaceError(f"there is no space {name}: choose one of {known}, or {AUTO} for index.space")


def load_space(store: Store, version: str) -> Space:
    """The space of a version of any kind.

    Raises
    ------
    SpaceError
        There is no such space.
    """
    models = Models(store)
    for space in SPACES:
        if models.has(space.kind, version):
            return space.load(store, version)
    raise SpaceError(f"there is no space {version}: run ./run.sh {AudioSpace.command}")


def version_in_use(store: Store, space: type[Space]) -> str | None:
    """The version of a space that is in use; None if it takes other descriptors than the audio space."""
    models = Models(store)
    if space is AudioSpace:
        return models.active_version(space.kind)
    fields = models.active_fields(space.kind, "features_version")
    audio = models.active_fields(AudioSpace.kind, "features_version")
    made_of = fields.get("features_version") if fields else None
    if fields is None or audio is None or made_of is None or made_of != audio.get("features_version"):
        return None
    return models.active_version(space.kind)


def other_spaces_in_use(store: Store) -> list[str]:
    """The versions of the spaces, besides the audio space, in which tracks are placed."""
    versions = (version_in_use(store, space) for space in SPACES if space is not AudioSpace)
    return [version for version in versions if version is not None]


def remove_former(store: Store, space: type[Space], *, keep: Sequence[str | None]) -> None:
    """Remove unused versions of a space; that of the active index stays until the next build."""
    indexed = PublishedBundles(store).active_space()
    Models(store).remove_all_but(space.kind, [version for version in (*keep, indexed) if version])


def remove_orphans(store: Store) -> None:
    """Remove embeddings in spaces that are no longer in `models`."""
    Embeddings(store).remove_all_but(Models(store).versions(*(space.kind for space in SPACES)))


def space_to_index(store: Store, wanted: str) -> str:
    """The version of the space that an index is built from, by the value of `index.space`.

    Raises
    ------
    SpaceError
        There is no space of that name, or none of that kind is in use.
    """
    candidates = _PREFERRED if wanted == AUTO else (space_named(wanted),)
    for space in candidates:
        version = version_in_use(store, space)
        if version is not None:
            return version
    last = candidates[-1]
    if last is AudioSpace:
        raise SpaceError(f"there are no embeddings to index: run ./run.sh {last.command}")
    raise SpaceError(f"there is no {last.kind} of these features: run ./run.sh {last.command}")
