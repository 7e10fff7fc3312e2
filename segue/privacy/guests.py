"""Removes the data of former guests: once a guest's session has expired, nobody can reach them any more.

Delivery: as :mod:`segue.privacy.leaving`. After a crash in the middle of a removal, the rest of that guest's
data stays.
"""

from __future__ import annotations

from datetime import timedelta

from segue.people.accounts import Accounts
from segue.people.login_sessions import LoginSessions
from segue.privacy.leaving import forget
from segue.storage.store import Store


def remove_former_guests(store: Store, *, plays_kept: timedelta) -> int:
    """Remove the data of guests whose session has expired, from all collections; returns their number.

    Guests who have made an account are no longer guests.

    Parameters
    ----------
    plays_kept
        How long Kafka keeps plays: the streams must ignore those of these guests for this time.
    """
    gone = LoginSessions(store).former_guests()
    gone -= Accounts(store).listeners(gone)
    for user_id in sorted(gone):
        forget(store, user_id, plays_kept=plays_kept)
    return len(gone)
