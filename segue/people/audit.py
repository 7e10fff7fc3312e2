"""The audit log: log-ins and refused ones, changed passwords, removals, and actions of operators.

An entry names a listener by the id alone. The name belongs to the account, and goes with it: when somebody
leaves, their entries stay, and nothing says any more whose they were. Of a visitor's address an entry has
the network only. No entry has a text that somebody has entered, so that a password in the wrong field cannot
get here.

The dashboard may add entries and read them. Only the stream sets how long they are kept.

Delivery: an entry is a document, inserted once, after the action. A crash between the two loses the entry.
"""

from __future__ import annotations

import getpass
import ipaddress
import logging
import os
import secrets
from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from typing import Literal, NotRequired, TypedDict, get_args

from segue.clock import now
from segue.phrases import marked
from segue.storage.mongo import ASCENDING, DESCENDING, Document, OperationFailure
from segue.storage.store import Collection, Index, Job, Personal, Policy, Right, Store

Action = Literal[
    "sign-up",
    "log-in",
    "log-in-refused",
    "log-out-everywhere",
    "session-ended",
    "password-changed",
    "password-change-refused",
    "password-link-sent",
    "password-reset",
    "address-confirmed",
    "address-removed",
    "address-change-refused",
    "app-password-created",
    "app-password-revoked",
    "server-linked",
    "server-unlinked",
    "server-link-refused",
    "api-key-created",
    "api-key-revoked",
    "service-connected",
    "service-disconnected",
    "operator-link-created",
    "operator-link-used",
    "operator-link-refused",
    "account-created",
    "account-disabled",
    "account-enabled",
    "account-deleted",
    "data-exported",
    "removed",
    "removal-refused",
    "backup-created",
    "backup-restored",
    "history-imported",
    "import-undone",
    "library-updated",
    "tracks-forgotten",
    "index-rolled-back",
]
ACTIONS: dict[Action, str] = {
    "sign-up": marked("Signed up"),
    "log-in": marked("Logged in"),
    "log-in-refused": marked("Log-in refused"),
    "log-out-everywhere": marked("Logged out everywhere"),
    "session-ended": marked("Ended sessions of other devices"),
    "password-changed": marked("Changed the password"),
    "password-change-refused": marked("Change of the password refused"),
    "password-link-sent": marked("Sent a link for a new password"),
    "password-reset": marked("Set a new password through a link"),
    "address-confirmed": marked("Confirmed a mail address"),
    "address-removed": marked("Removed the mail address"),
    "address-change-refused": marked("Change of the mail address refused"),
    "app-password-created": marked("Created an app password"),
    "app-password-revoked": marked("Revoked an app password"),
    "server-linked": marked("Linked an account of another server"),
    "server-unlinked": marked("Unlinked an account of another server"),
    "server-link-refused": marked("Link to another server refused"),
    "api-key-created": marked("Created an API key"),
    "api-key-revoked": marked("Revoked an API key"),
    "service-connected": marked("Connected another service"),
    "service-disconnected": marked("Disconnected another service"),
    "operator-link-created": marked("Created a link for operators"),
    "operator-link-used": marked("Used a link for operators"),
    "operator-link-refused": marked("Link for operators refused"),
    "account-created": marked("Created an account"),
    "account-disabled": marked("Disabled an account"),
    "account-enabled": marked("Enabled an account"),
    "account-deleted": marked("Deleted an account"),
    "data-exported": marked("Exported the data of a listener"),
    "removed": marked("Removed a listener with all data"),
    "removal-refused": marked("Removal refused"),
    "backup-created": marked("Created a backup"),
    "backup-restored": marked("Restored a backup"),
    "history-imported": marked("Imported the history of a listener"),
    "import-undone": marked("Removed an import"),
    "library-updated": marked("Updated the library"),
    "tracks-forgotten": marked("Removed missing tracks"),
    "index-rolled-back": marked("Activated the former index"),
}
"""The actions, with the words for them."""
REASONS = {
    "unknown name": marked("unknown name"),
    "wrong password": marked("wrong password"),
    "disabled": marked("the account is disabled"),
    "too many attempts": marked("too many attempts"),
    "wrong app password": marked("wrong app password"),
    "wrong API key": marked("wrong API key"),
}
"""Why something was refused."""
By = Literal["visitor", "app", "command"]
BY: dict[By, str] = {"visitor": marked("page"), "app": marked("music app"), "command": marked("command")}
"""Where an action was taken."""
REFUSALS = tuple(action for action in get_args(Action) if action.endswith("-refused"))
MOST_AN_HOUR = 100
_HOUR = timedelta(hours=1)
_UNAUTHORIZED = 13
"""MongoDB's code of the error."""
log = logging.getLogger(__name__)
_NETWORK_BITS = {4: 24, 6: 48}
"""An address of IPv4 without its last number; of IPv6, the network of a customer of an internet provider."""


class AuditEntry(TypedDict):
    """A document of `audit_log`."""

    _id: str
    """Microseconds since 1970 and random digits, in hexadecimal: ids are in the order of time."""
    at: datetime
    """When it happened."""
    action: str
    """A key of :data:`ACTIONS`."""
    by: str
    """Where it was done: "visitor" for the pages, "app" for a music app, or "command"."""
    user_id: NotRequired[str]
    """The id of the listener whom it concerns; none for an unknown name."""
    network: NotRequired[str]
    """The network of the address, such as 203.0.113.0/24."""
    reason: NotRequired[str]
    """Why it was refused: a key of :data:`REASONS`."""
    system_user: NotRequired[str]
    """The user of the operating system who ran a command."""


class AuditLog(Collection[AuditEntry]):
    """The entries of the audit log."""

    name = "audit_log"
    policy = Policy(
        personal=Personal(owner=("user_id",), secret=("system_user",)),
        log=True,
        access={
            Job.STREAM: Right.INDEX,
            Job.DASHBOARD: Right.APPEND,
            Job.CATALOGUE: Right.APPEND,
            Job.OPERATOR: Right.WRITE | Right.INDEX,
        },
    )
    indexes = (
        Index(keys=[("at", DESCENDING), ("_id", DESCENDING)]),
        Index(keys=[("user_id", ASCENDING), ("at", DESCENDING), ("_id", DESCENDING)]),
    )

    def __init__(self, store: Store, *, clock: Callable[[], datetime] = now) -> None:
        super().__init__(store)
        self._clock = clock

    def keep(self, time: timedelta) -> None:
        """Create the indexes, and let MongoDB remove entries that are older than `time`."""
        for index in (*self.indexes, Index.on("at", keep=time)):
            self.make(index)

    def note(
        self,
        action: Action,
        *,
        by: By = "visitor",
        user_id: str | None = None,
        address: str | None = None,
        reason: str | None = None,
    ) -> None:
        """Add an entry.

        An account has at most :data:`MOST_AN_HOUR` of an action in an hour, so that nobody can fill the log.
        Refusals have limits of their own (:mod:`segue.people.login_failures`).

        Parameters
        ----------
        address
            The visitor's address, of which the network is stored.
        reason
            A key of :data:`REASONS`.
        """
        at = self._clock()
        limited = user_id is not None and by != "command" and action not in REFUSALS
        if limited and not self.room(
            {"user_id": user_id, "action": action, "at": {"$gt": at - _HOUR}}, most=MOST_AN_HOUR
        ):
            return
        entry: AuditEntry = {
            "_id": f"{round(at.timestamp() * 1e6):014x}{secrets.token_hex(6)}",
            "at": at,
            "action": action,
            "by": by,
        }
        if user_id is not None:
            entry["user_id"] = user_id
        if address is not None and (network := network_of(address)):
            entry["network"] = network
        if reason is not None:
            entry["reason"] = reason
        if by == "command":
            entry["system_user"] = _system_user()
        self.documents.insert_one(entry)

    def note_of_library(self, action: Action) -> None:
        """Add an entry about a command on the library, or a line to the log if the user may not add any.

        Users of the database that an earlier release has created may not.
        """
        try:
            self.note(action, by="command")
        except OperationFailure as error:
            if error.code != _UNAUTHORIZED:
                raise
            log.warning("no entry in the audit log: run `access create` again, which allows it")

    def newest(
        self, *, limit: int, user_id: str | None = None, actions: Sequence[str] = ()
    ) -> list[AuditEntry]:
        """Entries, the newest first.

        Parameters
        ----------
        user_id
            Only those about this listener.
        actions
            Only those with one of these actions; all if empty.
        """
        wanted: Document = {}
        if user_id is not None:
            wanted["user_id"] = user_id
        if actions:
            wanted["action"] = {"$in": list(actions)}
        order = [("at", DESCENDING), ("_id", DESCENDING)]
        return list(self.documents.find(wanted).sort(order).limit(limit))

    def has_app_log_in(self, user_id: str, *, address: str, within: timedelta) -> bool:
        """Whether a music app has logged in as a listener from the network of an address lately."""
        wanted = {
            "user_id": user_id,
            "at": {"$gt": self._clock() - within},
            "action": "log-in",
            "by": "app",
            "network": network_of(address) or None,
        }
        return self.documents.find_one(wanted, {"_id": 1}) is not None


def network_of(address: str) -> str:
    """The network of an address, which many people share; empty for a text that is not an address."""
    try:
        known = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:  # a proxy that the settings trust may send anything
        return ""
    if isinstance(known, ipaddress.IPv6Address) and known.ipv4_mapped is not None:
        known = known.ipv4_mapped
    return str(ipaddress.ip_network((known, _NETWORK_BITS[known.version]), strict=False))


def _system_user() -> str:
    try:
        return getpass.getuser()
    except (KeyError, OSError):  # a container runs with a number that has no name
        return str(os.getuid())
