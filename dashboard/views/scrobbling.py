"""Connections to services that get the songs that the listener hears, on the page You."""

from __future__ import annotations

import logging
from urllib.parse import urlsplit

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import ago
from segue.dashboard.language.words import gettext, ngettext, translated
from segue.dashboard.text import plain
from segue.errors import SegueError
from segue.people.login_sessions import Listener
from segue.scrobbling import lastfm, listenbrainz
from segue.scrobbling.calling import client
from segue.scrobbling.connections import Connection, ScrobbleConnections, Service, connection_id
from segue.scrobbling.outbox import Scrobbles
from segue.scrobbling.outcome import WORDS
from segue.scrobbling.sending import api_of
from segue.scrobbling.working import box_of

log = logging.getLogger(__name__)
_NAMES: dict[Service, str] = {"listenbrainz": "ListenBrainz", "lastfm": "Last.fm"}
_TOKEN = "lastfm-token"
_LONGEST = 200


def show(listener: Listener) -> None:
    """The listener's connections, and the forms for others."""
    if listener.name is None:
        return
    with st.expander(gettext("Scrobbling"), icon=":material/send:"):
        st.write(
            gettext(
                "Segue can send the songs that you hear here to ListenBrainz and Last.fm, with the song that "
                "is playing now. Nothing is sent before you connect a service. A song counts there if you "
                "heard half of it, or four minutes."
            )
        )
        services, api = visit.services(), api_of(visit.services().settings)
        addresses = services.settings.scrobbling.listenbrainz_addresses
        own = ScrobbleConnections(services.store).of(listener.user_id)
        for service, name in _NAMES.items():
            offered = bool(addresses) if service == "listenbrainz" else api is not None
            if not (offered or service in own):
                continue
            st.subheader(name, anchor=False)
            if service in own:
                _state(own[service])
            if service not in own or own[service].ended:
                if service == "listenbrainz":
                    _with_token(listener, addresses)
                elif api is not None:
                    _by_permission(listener, api)


def _state(own: Connection) -> None:
    """The state of a connection, and how to change it."""
    place = plain(urlsplit(own.address).netloc)
    lines = [gettext("Connected to {place} as **{name}**.", place=place, name=plain(own.account))]
    if own.last_sent_at is None:
        lines.append(gettext("No play was sent yet."))
    else:
        lines.append(gettext("Last play sent {when}.", when=ago(own.last_sent_at.timestamp() * 1000)))
    sent = ngettext("{count} play sent", "{count} plays sent", own.sent)
    waits = Scrobbles(visit.services().store).count_waiting(own.connection_id)
    waiting = ngettext("{count} waits", "{count} wait", waits)
    refused = ngettext("{count} refused", "{count} refused", own.refused)
    st.write(" ".join(lines))
    st.caption(" · ".join((sent, waiting, refused)))
    if own.problem and (waits or own.ended):
        st.warning(gettext("Plays wait: {reason}.", reason=_words(own.problem)))
    if own.last_refusal:
        st.caption(gettext("The last refused play: {reason}.", reason=_words(own.last_refusal)))
    key = f"from-programs-{own.service}"

    def choose() -> None:
        ScrobbleConnections(visit.services().store).include_programs(
            own.user_id, own.service, included=bool(st.session_state[key])
        )

    st.session_state[key] = own.from_programs
    st.toggle(
        gettext("Also send the plays that other programs have scrobbled to Segue"),
        key=key,
        help=gettext("Leave this off for programs that scrobble there themselves."),
        on_change=visit.by_listener(own.user_id, choose),
    )
    if st.button(gettext("Disconnect"), key=f"disconnect-{own.service}"):
        if visit.is_here(own.user_id):
            store = visit.services().store
            ScrobbleConnections(store).disconnect(own.user_id, own.service)
            Scrobbles(store).drop(own.connection_id)
            visit.services().audit.note("service-disconnected", user_id=own.user_id)
        st.rerun()


def _words(reason: str) -> str:
    return translated(WORDS[reason]) if reason in WORDS else plain(reason)


def _with_token(listener: Listener, addresses: tuple[str, ...]) -> None:
    """A form for the token of ListenBrainz."""
    with st.form("listenbrainz", clear_on_submit=True, border=False):
        chosen = addresses[0] if addresses else ""
        if len(addresses) > 1:
            chosen = given.one_of(
                st.selectbox(gettext("Service"), addresses), addresses, default=addresses[0]
            )
        token = st.text_input(
            gettext("User token"),
            type="password",
            max_chars=_LONGEST,
            help=gettext("ListenBrainz shows it in your settings there."),
        )
        if not st.form_submit_button(gettext("Connect")):
            return
    token = given.text(token).strip()
    if not (token.isascii() and token.isprintable() and 0 < len(token) <= _LONGEST):
        st.error(gettext("Enter the user token."))
        return
    try:
        with client() as http:
            name = listenbrainz.user_of(http, chosen.rstrip("/"), token)
    except SegueError as error:
        st.error(translated(error))
        return
    if name is None:
        st.error(gettext("The service does not accept this token."))
        return
    _connect(listener, "listenbrainz", address=chosen.rstrip("/"), account=name, secret=token)


def _by_permission(listener: Listener, api: lastfm.Api) -> None:
    """The way to a permission of Last.fm: a token, the listener's consent there, and a session."""
    token = st.session_state.get(_TOKEN)
    if not isinstance(token, str):
        if st.button(gettext("Connect to Last.fm")):
            try:
                with client() as http:
                    st.session_state[_TOKEN] = lastfm.new_token(http, api)
            except SegueError as error:
                st.error(translated(error))
                return
            st.rerun()
        return
    st.link_button(gettext("1. Allow Segue at Last.fm"), api.allowing(token), icon=":material/open_in_new:")
    allowed = st.button(gettext("2. I have allowed it"))
    if st.button(gettext("Start again")):  # a token is valid for an hour
        del st.session_state[_TOKEN]
        st.rerun()
    if allowed:
        try:
            with client() as http:
                session = lastfm.session_of(http, api, token)
        except SegueError as error:
            st.error(translated(error))
            return
        if session is None:
            st.error(gettext("Last.fm has no permission of yours yet."))
            return
        del st.session_state[_TOKEN]
        name, key = session
        _connect(listener, "lastfm", address=api.address, account=name, secret=key)


def _connect(listener: Listener, service: Service, *, address: str, account: str, secret: str) -> None:
    services = visit.services()
    if not visit.is_still_here(listener):
        return
    try:
        encrypted = box_of(services.settings).close(secret)
    except SegueError as error:
        log.error("no service was connected: %s", error)
        st.error(gettext("No service can be connected now: ask the person who runs this server."))
        return
    connections, account = ScrobbleConnections(services.store), account[:_LONGEST]
    if not connections.goes_on(listener.user_id, service, address=address, account=account):
        # What waits was heard before this connection, and is for another account.
        Scrobbles(services.store).drop(connection_id(listener.user_id, service))
    connections.connect(listener.user_id, service, address=address, account=account, encrypted=encrypted)
    services.audit.note("service-connected", user_id=listener.user_id)
    st.rerun()
