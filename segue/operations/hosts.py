"""The hosts that requests name: which texts are names or addresses, and which of them are of a local network.

A page of another site can give its own host name the address of this machine (DNS rebinding). Such a name is
one of the public domain name system.
"""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import urlsplit

_HOST = re.compile(r"(\[[0-9A-Fa-f:.]{2,45}\]|[A-Za-z0-9._-]{1,255})(:[0-9]{0,5})?")
_PRIVATE_ENDINGS = (".localhost", ".local", ".lan", ".internal", ".home.arpa")
"""Endings of names that the public domain name system does not have (RFC 6761, 6762, 8375)."""


def name_of(header: str) -> str | None:
    """The name or the address in the header Host, in lower case; None for a text that is neither."""
    if not _HOST.fullmatch(header):
        return None
    try:
        return (urlsplit(f"//{header}").hostname or "").rstrip(".") or None
    except ValueError:  # no IPv6 address
        return None


def is_private(name: str) -> bool:
    """Whether a name is an address, or one of a local network."""
    return "." not in name or name.endswith(_PRIVATE_ENDINGS) or _is_address(name)


def _is_address(name: str) -> bool:
    try:
        ipaddress.ip_address(name)
    except ValueError:
        return False
    return True
