"""The size and checksum of a file, which are stored beside it."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

from pydantic import BaseModel, ConfigDict


class FileSum(BaseModel):
    """Size in bytes and SHA-256 of a file."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    size: int
    sha256: str


def file_sum(path: Path) -> FileSum:
    """Compute the size and checksum of a file in one pass.

    Raises
    ------
    OSError
        The file cannot be read.
    """
    with path.open("rb") as file:
        digest = hashlib.file_digest(file, "sha256").hexdigest()
        return FileSum(size=os.fstat(file.fileno()).st_size, sha256=digest)
