"""How many new guests come from an address: one visitor cannot be thousands of guests.

A guest counts when the session begins, not when a page offers one, so that robots and scripts which keep no
cookie take nothing from their neighbours. All processes count together. The database has a keyed hash of the
network in place of the address.
"""

from __future__ import annotations

import ipaddress
from datetime import timedelta

from segue.people.login_failures import LoginFailures, network_of, of_guests
from segue.people.signatures import Signatures

WITHIN = timedelta(hours=1)
_LENGTH = 16


class Newcomers:
    """Counts new guests by network and hour. Safe for use by several threads.

    Visitors from this machine are not limited: behind a proxy that hides addresses, all seem to be such.
    """

    def __init__(self, failures: LoginFailures, most: int, *, key: Signatures) -> None:
        """`most`: the new guests of an address in an hour; 0: any number."""
        self._failures, self._most, self._key = failures, most, key

    def network(self, address: str) -> str:
        """A name for the network of an address; empty if its guests are not limited."""
        network = limited_network(address)
        return self._key.of("network", network)[:_LENGTH] if self._most and network else ""

    def is_full(self, network: str) -> bool:
        """Whether no further guest can come from a network in this hour."""
        return bool(network) and self._failures.number(of_guests(network)) >= self._most > 0

    def admit(self, network: str) -> bool:
        """Count a new guest from a network; False if there were too many in this hour."""
        if not network or not self._most:
            return True
        return self._failures.count(of_guests(network), within=WITHIN) <= self._most


def limited_network(address: str) -> str | None:
    """The network that counts as one address, as for log-ins. None: this machine, without limits."""
    try:
        parsed = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a socket of this machine has no address
        return None
    mapped = parsed.ipv4_mapped if isinstance(parsed, ipaddress.IPv6Address) else None
    return None if (mapped or parsed).is_loopback else network_of(address)
