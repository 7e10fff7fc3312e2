"""How many new guests come from an address: one visitor cannot be thousands of guests."""

from __future__ import annotations

import ipaddress
import threading
import time
from collections import Counter

from segue.people.login_failures import network_of

HOUR = 3600.0
_MOST_ADDRESSES = 100_000


class Newcomers:
    """Counts new guests by address and hour, in this process. Safe for use by several threads.

    Visitors from this machine are not limited: behind a proxy that hides addresses, all seem to be such.
    """

    def __init__(self, most: int) -> None:
        """`most`: the new guests of an address in an hour; 0: any number."""
        self._most = most
        self._counts = Counter[str]()
        self._since = float("-inf")
        self._lock = threading.Lock()

    def admit(self, address: str) -> bool:
        """Count a new guest from an address; False if there were too many in this hour."""
        network = _network(address)
        if not self._most or network is None:
            return True
        with self._lock:
            if time.monotonic() - self._since > HOUR or len(self._counts) >= _MOST_ADDRESSES:
                self._counts, self._since = Counter(), time.monotonic()
            self._counts[network] += 1
            return self._counts[network] <= self._most


def _network(address: str) -> str | None:
    """What counts as one address, as for attempts to log in. None: this machine."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a socket of this machine has no address
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return None if (mapped or parsed).is_loopback else network_of(address)
