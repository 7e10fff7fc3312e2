"""Browsers that have logged in to an account before: guesses from elsewhere do not lock them out.

A browser has a random token in a cookie; the account has its hash. The token lets nobody in: it only counts
the attempts of this browser by themselves (:mod:`segue.people.login_failures`).
"""

from __future__ import annotations

import hashlib
import secrets
from datetime import timedelta

COOKIE = "segue_device"
LIFETIME = timedelta(days=365)
_LONGEST_TOKEN = 100


def new_token() -> str:
    """A token for a browser."""
    return secrets.token_urlsafe(32)


def digest(token: str | None) -> str | None:
    """The hash of a token, as accounts have it; None for a text that is none."""
    if not token or len(token) > _LONGEST_TOKEN:
        return None
    return hashlib.sha256(f"device:{token}".encode(errors="replace")).hexdigest()
