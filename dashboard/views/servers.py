"""The listener's accounts on connected servers: from there Segue learns, and there it writes playlists."""

from __future__ import annotations

import logging

import streamlit as st

from segue.connected.client import LONGEST_USER
from segue.connected.connections import Connection, Connections
from segue.connected.faults import LogInRefused, NameNeeded, NoSuchThing, ServerAway, ServerFault
from segue.connected.linked_accounts import LinkedAccount, LinkedAccounts
from segue.connected.linking import LONGEST_SECRET, GivenLogIn, link_account, sends_password
from segue.dashboard import given, visit
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.text import plain
from segue.errors import SegueError
from segue.people.authentication import TooManyGuesses
from segue.people.login_failures import LoginFailures, of_server
from segue.people.login_sessions import Listener

log = logging.getLogger(__name__)


def show(listener: Listener) -> None:
    """The linked accounts, and a form for another one; nothing where no server is connected."""
    if listener.name is None:
        return
    store = visit.services().store
    hidden = store.hidden_libraries()
    servers = [one for one in Connections(store).all() if one["_id"] not in hidden]
    if not servers:
        return
    accounts = LinkedAccounts(store)
    with st.expander(gettext("Other servers"), icon=":material/dns:"):
        st.write(
            gettext(
                "Link your account on another music server. Songs that you play or skip there change your "
                "next songs, and three playlists in that account update themselves: For you, Daily mix and "
                "New to you. Your other playlists there stay as they are."
            )
        )
        linked = {one["connection"]: one for one in accounts.of_listener(listener.user_id)}
        for server in servers:
            if (account := linked.get(server["_id"])) is not None:
                _row(accounts, server, account)
        _form(listener, servers)


def _form(listener: Listener, servers: list[Connection]) -> None:
    names = [server["_id"] for server in servers]
    with st.form("link-server", clear_on_submit=True, border=False):
        name = st.selectbox(gettext("Server"), names)
        user = st.text_input(gettext("User name there"), max_chars=LONGEST_USER)
        secret = st.text_input(
            gettext("Password or API key there"), type="password", max_chars=LONGEST_SECRET
        )
        key = st.checkbox(gettext("It is an API key"))
        learns = st.checkbox(
            gettext("Learn from the songs that are playing there"),
            value=True,
            help=gettext(
                "Switch it off if that server sends your plays here by ListenBrainz: they would count twice."
            ),
        )
        if st.form_submit_button(gettext("Link the account")):
            server = next((one for one in servers if one["_id"] == name), None)
            if server is not None:
                log_in = GivenLogIn(user=given.text(user).strip(), secret=given.text(secret), key=bool(key))
                _link(listener, server, log_in, learns=bool(learns))


def _link(listener: Listener, server: Connection, log_in: GivenLogIn, *, learns: bool) -> None:
    if not visit.is_still_here(listener):
        return
    if not log_in.secret or not (log_in.user or log_in.key):
        st.error(gettext("Give the user name and the password."))
    elif (fault := _fault(listener, server, log_in, learns=learns)) is not None:
        st.error(fault)
    else:
        visit.services().audit.note("server-linked", user_id=listener.user_id)
        st.success(gettext("Your account on {server} is linked.", server=plain(server["_id"])))


def _fault(listener: Listener, server: Connection, log_in: GivenLogIn, *, learns: bool) -> str | None:
    """Link an account; returns why that was not possible, None for success."""
    services = visit.services()
    failures, source = LoginFailures(services.store), of_server(listener.user_id)
    if failures.take(source):
        return translated(TooManyGuesses())
    try:
        link_account(
            services.store,
            services.settings,
            server["_id"],
            user_id=listener.user_id,
            name=listener.name or "",
            given=log_in,
            learns=learns,
        )
    except LogInRefused:
        services.audit.note("server-link-refused", user_id=listener.user_id)
        return gettext("The server refuses this name and password.")
    except NameNeeded:
        failures.give_back(source)
        return gettext("The server does not say whose API key this is: enter the user name, too.")
    except ServerFault as error:
        if isinstance(error, (ServerAway, NoSuchThing)):  # others may be the answer to a wrong password
            failures.give_back(source)
        log.warning("no account was linked: %s", error)
        return gettext("The server does not answer now: try again later.")
    except SegueError as error:
        log.error("no account was linked: %s", error)
        return gettext("Accounts cannot be linked now: ask the person who runs this server.")
    failures.give_back(source)
    return None


def _row(accounts: LinkedAccounts, server: Connection, account: LinkedAccount) -> None:
    name = server["_id"]
    left, right = st.columns([4, 1], vertical_alignment="center")
    who = plain(account["user"]) if account["user"] else gettext("by an API key")
    left.markdown(f"**{plain(name)}** · {who}")
    if sends_password(server["address"], account["method"]):
        left.caption(
            gettext("This server is reached without encryption, with your password in each request.")
        )
    if account.get("fault"):
        left.warning(
            gettext("The server refuses your account, or does not answer: link it again if this stays.")
        )
    if right.button(gettext("Unlink"), key=f"unlink-{name}"):
        current = visit.listener()
        if current is not None and accounts.unlink(name, current.user_id):
            visit.services().audit.note("server-unlinked", user_id=current.user_id)
        st.rerun()
