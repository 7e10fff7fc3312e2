"""Removes what guests leave behind: once a guest's session has expired, nobody can reach the data any more.

Delivery: as :mod:`segue.privacy.leaving`. An interrupted removal continues at the next run.
"""

from __future__ import annotations

import re
from datetime import timedelta

from segue.people.accounts import Accounts
from segue.people.login_sessions import GUEST, LoginSessions
from segue.privacy.holdings import personal_collections
from segue.privacy.leaving import forget
from segue.storage.store import Store

_GUEST = re.compile(rf"{GUEST}[0-9a-f]{{32}}")


def remove_expired_guests(store: Store, *, plays_kept: timedelta) -> int:
    """Remove the data of guests without a session, from all collections; returns the number of these guests.

    Guests who have made an account are no guests.

    Parameters
    ----------
    plays_kept
        How long Kafka keeps plays: the streams must ignore those of these guests for this time.
    """
    found: set[str] = set()
    for owner in personal_collections(store):
        found |= {holder for holder in owner.holders(GUEST) if _GUEST.fullmatch(holder)}
    # Read after the data: a guest who came meanwhile has a session first.
    gone = found - LoginSessions(store).guests()
    gone -= Accounts(store).listeners(gone)
    for user_id in sorted(gone):
        forget(store, user_id, plays_kept=plays_kept)
    return len(gone)
