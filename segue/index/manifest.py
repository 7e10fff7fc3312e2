"""The manifest of a bundle, with a checksum of itself."""

from __future__ import annotations

import hashlib
import json
from datetime import datetime
from pathlib import Path
from typing import Any, Literal, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from segue.errors import SegueError
from segue.storage.checksums import FileSum

FILE = "manifest.json"
FORMAT = 1
_SEAL = "sha256"
_FORMER = {"annoy": {"trees": "trees", "search_k": "search_k"}, "voyager": {"search_k": "ef"}, "exact": {}}
"""By backend of release 0.1, the parameters in its fields `trees` and `search_k`.

Manifests of these backends still have those two fields: processes of release 0.1, which accept no others, can
read the bundles that are published during a rolling upgrade.
"""


class BundleError(SegueError):
    """A bundle is unfit to be written or used; the message names the file and its fault."""


class Manifest(BaseModel):
    """The manifest of a bundle; `manifest.json`, and in MongoDB the field `manifest` of its model."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: int = FORMAT
    version: str
    """A hash of contents and settings: the same for the same corpus."""
    backend: str
    dimension: int = Field(ge=1)
    metric: Literal["cosine"] = "cosine"
    parameters: dict[str, Any]
    """The backend's settings: :attr:`segue.index.backend.Backend.parameters`."""
    count: int = Field(ge=1)
    """Rows."""
    space: str
    """The version of the embedding space that the vectors are in."""
    created_at: datetime
    files: dict[str, FileSum]
    recall20: float
    """recall@20 against exact search, measured after building."""
    recall_queries: int
    latency_ms: float
    """Median of one query for 20 neighbours, on the machine that built it."""
    build_s: float
    """Seconds to build the backend's file."""
    base: str | None = None
    """Of an extended index, the complete one whose backend's file it has; None for a complete one."""

    @model_validator(mode="before")
    @classmethod
    def _former_fields(cls, document: Any) -> Any:
        """Accept manifests of release 0.1, which have `trees` and `search_k` beside any `backend`."""
        if not isinstance(document, dict) or "search_k" not in document:
            return document
        document = dict(document)
        former = {"trees": document.pop("trees", 0), "search_k": document.pop("search_k")}
        names = _FORMER.get(document.get("backend", ""), {})
        return document | {"parameters": {new: former[name] for name, new in names.items()}}

    def document(self) -> dict[str, Any]:
        """The manifest as plain values, for JSON and MongoDB; `model_validate` is the inverse."""
        document = self.model_dump(mode="json")
        if self.base is None:
            del document["base"]  # earlier releases accept no other fields
        names = _FORMER.get(self.backend)
        if names is None or self.parameters.keys() != set(names.values()):
            return document  # release 0.1 has no fields for these
        parameters = document.pop("parameters")
        former = {name: parameters[new] for name, new in names.items()}
        return document | {"trees": 0, "search_k": 0} | former

    def write(self, folder: Path) -> None:
        """Write the manifest into a bundle's folder."""
        document = self.document()
        sealed = {**document, _SEAL: _seal(document)}
        (folder / FILE).write_text(json.dumps(sealed, indent=1) + "\n", encoding="utf-8")

    @classmethod
    def read(cls, folder: Path) -> Self:
        """Read the manifest of a bundle's folder.

        Raises
        ------
        BundleError
            The manifest is missing, unreadable, changed, or of another format.
        """
        path = folder / FILE
        try:
            document = json.loads(path.read_text(encoding="utf-8"))
        except FileNotFoundError:
            raise BundleError(f"{path} is missing") from None
        except OSError as error:
            raise BundleError(f"{path}: {error.strerror}") from None
        except ValueError as error:
            raise BundleError(f"{path} is not JSON: {error}") from None
        if not isinstance(document, dict):
            raise BundleError(f"{path} is not a manifest")
        if document.get("format") != FORMAT:
            raise BundleError(f"{path} has the format {document.get('format')!r} instead of {FORMAT}")
        if document.pop(_SEAL, None) != _seal(document):
            raise BundleError(f"{path} does not match its checksum")
        try:
            return cls.model_validate(document)
        except ValidationError as error:
            first = error.errors()[0]
            place = ".".join(map(str, first["loc"]))
            raise BundleError(f"{path}: {place} = {first.get('input')!r}: {first['msg']}") from None


def _seal(document: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(document, sort_keys=True).encode()).hexdigest()
