"""Links that make a browser's session an operator's, for a Segue that has no accounts yet.

A command prints the link, which works once, for an hour. So only somebody who can run commands with the
database's rights becomes an operator; what a browser sends about itself makes nobody one.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from datetime import datetime, timedelta
from typing import TypedDict

from segue.clock import now
from segue.storage.store import Collection, Index, Job, Policy, Right, Store

PATH = "/operator"
"""The path of a link; the code is the parameter `code`."""
GOOD_FOR = timedelta(hours=1)
_LONGEST_CODE = 100


class OperatorLink(TypedDict):
    _id: str
    """SHA-256 of the code."""
    expires_at: datetime
    """When the code becomes invalid."""


class OperatorLinks(Collection[OperatorLink]):
    """The hashes of the codes that have not been used."""

    name = "operator_links"
    policy = Policy(
        computed=True, access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE}
    )
    indexes = (Index.on("expires_at", keep=timedelta()),)

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def create(self) -> str:
        """A new code; its link is :data:`PATH` with the parameter `code`."""
        code = secrets.token_urlsafe(24)
        self.documents.insert_one({"_id": _hash(code), "expires_at": self._clock() + GOOD_FOR})
        return code

    def use(self, code: str) -> bool:
        """Use a code up; False if it is used, expired or none."""
        if not 0 < len(code) <= _LONGEST_CODE:
            return False
        wanted = {"_id": _hash(code), "expires_at": {"$gt": self._clock()}}
        return self.documents.delete_one(wanted).deleted_count == 1


def _hash(code: str) -> str:
    return hashlib.sha256(f"operator:{code}".encode(errors="replace")).hexdigest()
