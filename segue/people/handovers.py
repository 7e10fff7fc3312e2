"""Hands a log-in from a Streamlit page to the HTTP route that sets the cookie.

A page gets the user of an identity provider from `st.user`, but only an HTTP response can set an HttpOnly
cookie. The page gives its browser a code that is valid once, for a minute, and only together with the session
cookie that the browser had when the page was rendered.
"""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable, Mapping
from datetime import datetime, timedelta
from typing import Annotated, Any, TypedDict

from segue.clock import now
from segue.people.accounts import Account
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

GOOD_FOR = timedelta(minutes=1)
FRESH_FOR = timedelta(minutes=10)
"""How old an identity token may be that logs a browser in; the clocks of providers differ a little."""
PREFIX = "oidc-"
"""The prefix of the ids of listeners from an identity provider."""
_LONGEST_NAME = 32

Handover = TypedDict(
    "Handover",
    {
        "_id": Annotated[str, "SHA-256 of the code."],
        "user_id": Annotated[str, "Id of the listener who logs in."],
        "name": Annotated[str, "Name of the account."],
        "from": Annotated[str, "SHA-256 of the browser's session token."],
        "expires_at": Annotated[datetime, "When the code becomes invalid."],
    },
)


class Handovers(Collection[Handover]):
    """The codes that hand a log-in at an identity provider over to a session, as hashes.

    They are stored, so that page and route may run in different processes.
    """

    name = "handovers"
    policy = Policy(
        computed=True,
        personal=Personal(owner=("user_id",)),
        access={Job.DASHBOARD: Right.WRITE | Right.INDEX, Job.OPERATOR: Right.WRITE},
    )
    indexes = (Index.on("expires_at", keep=timedelta()), Index.on("user_id"))

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def offer(self, account: Account, *, token: str) -> str:
        """Create a code that logs the browser with this session token in to the account."""
        code = secrets.token_urlsafe(32)
        self.documents.insert_one(
            {
                "_id": _hash(code),
                "user_id": account.user_id,
                "name": account.name,
                "from": _hash(token),
                "expires_at": self._clock() + GOOD_FOR,
            }
        )
        return code

    def accept(self, code: str, *, token: str) -> Account | None:
        """The account of a code; None if the code is used, expired or from another browser."""
        wanted = {"_id": _hash(code), "from": _hash(token), "expires_at": {"$gt": self._clock()}}
        handover = self.documents.checked(self.documents.find_one_and_delete(wanted))
        return Account(handover["user_id"], handover["name"]) if handover else None


def account_of(user: Mapping[str, Any]) -> Account | None:
    """The account for the claims of an identity token; None without an issuer or a subject.

    Issuer and subject together are the only stable identifier (OpenID Connect Core 1.0, section 5.7).
    """
    issuer, subject = user.get("iss"), user.get("sub")
    if not (issuer and subject):
        return None
    names = (_shown(user.get(claim)) for claim in ("name", "nickname", "email"))
    return Account(id_of(str(issuer), str(subject)), next(filter(None, names), "You"))


def _shown(claim: object) -> str:
    """A claim as a name on pages: on one line, of bounded length, and without signs that nobody sees."""
    text = "".join(sign if sign.isprintable() else " " for sign in str(claim or ""))
    return " ".join(text.split())[:_LONGEST_NAME].strip()


def is_fresh(user: Mapping[str, Any], *, at: datetime) -> bool:
    """Whether the provider has just issued the identity token with these claims.

    Streamlit keeps the claims in a cookie for 30 days, without asking the provider again. They would log a
    browser in whose session was ended.
    """
    issued = user.get("iat")  # every identity token has it
    return isinstance(issued, int | float) and at.timestamp() - issued < FRESH_FOR.total_seconds()


def id_of(issuer: str, subject: str) -> str:
    """The listener's id of a user of an identity provider."""
    return PREFIX + _hash(f"{issuer}\n{subject}")[:32]


def _hash(text: str) -> str:
    return hashlib.sha256(text.encode(errors="surrogatepass")).hexdigest()
