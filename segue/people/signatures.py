"""Signatures of texts that Segue gives a browser and gets back: nobody else can have made the text.

The key is derived from the file that encrypts app passwords (`opensubsonic.key_file`), so that all processes
of a deployment have the same one.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import logging
import secrets
from functools import cache, cached_property
from pathlib import Path

from segue.people.key_file import stored_key

log = logging.getLogger(__name__)
_BYTES = 16


class Signatures:
    """Signs texts and checks signatures. Safe for use by several threads."""

    def __init__(self, key_file: Path, *, purpose: str) -> None:
        """A signature for one purpose is worthless for another."""
        self._file, self._purpose = key_file, purpose

    def of(self, *parts: object) -> str:
        """The signature of some values, 22 characters."""
        lengths = "".join(f"{len(text)}:{text}" for text in map(str, parts))
        digest = hmac.digest(self._key, lengths.encode(errors="surrogatepass"), "sha256")[:_BYTES]
        return base64.urlsafe_b64encode(digest).decode().rstrip("=")

    def fits(self, signature: str, *parts: object) -> bool:
        """Whether this is the signature of the values."""
        return hmac.compare_digest(signature.encode(errors="surrogatepass"), self.of(*parts).encode())

    @cached_property
    def _key(self) -> bytes:
        try:
            stored = stored_key(self._file)
        except OSError as error:
            log.warning(
                "the key file %s cannot be used (%s): plays that browsers send after the next start of this"
                " process are not attributed to the current recommendations",
                self._file,
                error.strerror,
            )
            stored = secrets.token_bytes(32)
        return hmac.digest(stored, self._purpose.encode(), hashlib.sha256)


@cache
def signatures(key_file: str, *, purpose: str) -> Signatures:
    """The signatures of this process for a purpose."""
    return Signatures(Path(key_file), purpose=purpose)
