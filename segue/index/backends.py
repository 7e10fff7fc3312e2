"""The neighbour backends, and their choice by `index.backend`."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from segue.errors import SegueError
from segue.index.annoy_index import AnnoyBackend
from segue.index.backend import Backend
from segue.index.exact import ExactBackend
from segue.index.voyager_index import VoyagerBackend
from segue.settings import BackendSettings, IndexSettings

BACKENDS: Mapping[str, type[Backend[Any]]] = {
    backend.name: backend
    for backend in (
        AnnoyBackend,
        VoyagerBackend,
        ExactBackend,
    )
}
"""By name."""


def chosen_backend(settings: IndexSettings) -> Backend[Any]:
    """The backend that the settings name, with its section of them.

    Raises
    ------
    SegueError
        There is no such backend.
    """
    backend = _backend_type(settings.backend)
    return backend(settings.chosen)


def stored_backend(name: str, parameters: Mapping[str, Any]) -> Backend[Any]:
    """The backend that a bundle was built with, from its manifest.

    Raises
    ------
    SegueError
        There is no such backend, or the parameters are not valid for it.
    """
    backend = _backend_type(name)
    try:
        settings: BackendSettings = backend.settings_type.from_stored(parameters)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise SegueError(f"{place} of the backend {name}: {first['msg']}") from None
    return backend(settings)


def _backend_type(name: str) -> type[Backend[Any]]:
    try:
        return BACKENDS[name]
    except KeyError:
        raise SegueError(
            f"there is no neighbour backend {name!r}: choose one of {', '.join(BACKENDS)}"
        ) from None
