"""Endpoints of users: the caller's own, and a list for operators.

Accounts are created, disabled and deleted by the operator's commands (`segue account`), not over the network.
"""

from __future__ import annotations

from segue.dashboard import letters
from segue.dashboard.opensubsonic.call import Call, Content, Endpoint
from segue.dashboard.opensubsonic.credentials import decoded
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, not_found
from segue.dashboard.operators import is_operator
from segue.people.accounts import name_key
from segue.people.authentication import AccountError
from segue.people.login_sessions import Listener
from segue.settings import DashboardSettings


def may_operate(name: str, user_id: str, settings: DashboardSettings) -> bool:
    """Whether an account is an operator. No call counts as one from this machine: apps are elsewhere."""
    return is_operator(Listener(user_id=user_id, name=name, session_id=""), settings, headers={})


def user(call: Call) -> Content:
    name = call.parameters.given("username") or call.caller.name
    if name_key(name) == name_key(call.caller.name):
        return {"user": _user(call, call.caller.name, call.user_id)}
    if not call.operator:
        raise ProtocolError(Code.NOT_ALLOWED, "You can see your own account only.")
    found = call.server.accounts.named(name)
    if found is None:
        raise not_found("user")
    return {"user": _user(call, found.name, found.user_id)}


def users(call: Call) -> Content:
    if not call.operator:
        raise ProtocolError(Code.NOT_ALLOWED, "Only an operator can list the users.")
    found = call.server.accounts.everyone()
    return {"users": {"user": [_user(call, one["name"], one["user_id"]) for one in found]}}


def change_password(call: Call) -> Content:
    parameters = call.parameters
    name, password = parameters.text("username"), decoded(parameters.text("password"))
    if name_key(name) != name_key(call.caller.name):
        raise ProtocolError(Code.NOT_ALLOWED, "You can change your own password only.")
    if not call.caller.checked:
        raise ProtocolError(
            Code.NOT_ALLOWED, "An app password cannot change the password of the account: use the page You."
        )
    account = call.server.accounts.named(name)
    if account is None:
        raise not_found("user")
    try:
        call.server.services.authenticator.set_password(account, password, former=call.caller.checked)
    except AccountError as error:
        raise ProtocolError(Code.GENERIC, str(error)) from None
    services = call.server.services
    # People who knew the old password are logged out, on all devices.
    services.login_sessions.close_all(account.user_id)
    address = call.request.client.host if call.request.client else None
    services.audit.note("password-changed", by="app", user_id=account.user_id, address=address)
    services.recovery.tell(account.user_id, letters.on_changed_password())
    return {}


def refused(_call: Call) -> Content:
    raise ProtocolError(Code.NOT_ALLOWED, "Accounts are managed with the command `segue account`.")


def _user(call: Call, name: str, user_id: str) -> dict[str, object]:
    operator = may_operate(name, user_id, call.server.settings.dashboard)
    return {
        "username": name,
        "scrobblingEnabled": True,
        "adminRole": operator,
        "settingsRole": True,
        "downloadRole": True,
        "uploadRole": False,
        "playlistRole": True,
        "coverArtRole": False,
        "commentRole": False,
        "podcastRole": False,
        "streamRole": True,
        "jukeboxRole": False,
        "shareRole": True,
        "videoConversionRole": False,
        "folder": list(range(1, len(call.server.tracks.library_names()) + 1)),
    }


ENDPOINTS: dict[str, Endpoint] = {
    "getUser": user,
    "getUsers": users,
    "changePassword": change_password,
    "createUser": refused,
    "updateUser": refused,
    "deleteUser": refused,
}
