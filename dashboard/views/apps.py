"""App passwords, with which music apps on other devices log in as the listener."""

from __future__ import annotations

import logging
from pathlib import Path

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import ago, day
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.text import plain
from segue.dashboard.views.revocable import revocable
from segue.errors import SegueError
from segue.people.app_passwords import LONGEST_DEVICE, AppPassword, AppPasswordError, AppPasswords
from segue.people.login_sessions import Listener
from segue.people.secret_box import SecretBox

log = logging.getLogger(__name__)


def show(listener: Listener) -> None:
    """The app passwords of an account, and a form for another one."""
    if listener.name is None:
        return
    with st.expander(gettext("Music apps"), icon=":material/smartphone:"):
        st.write(
            gettext(
                "Apps that speak OpenSubsonic can play this library, and each play there changes your "
                "next songs here. Create an app password for each app. In the app, enter the address of this "
                "page as the server, **{name}** as the user name, and the app password.",
                name=plain(listener.name),
            )
        )
        st.write(
            gettext(
                "Programs that scrobble to ListenBrainz can send their scrobbles here. In the program, enter "
                "the address of this page followed by `/1/` as the address of the API, and an app password "
                "as the user token."
            )
        )
        passwords = AppPasswords(visit.services().store)
        with st.form("app-password", clear_on_submit=True, border=False):
            device = st.text_input(
                gettext("Device or app"), max_chars=LONGEST_DEVICE, placeholder=gettext("Phone")
            )
            if st.form_submit_button(gettext("Create an app password")):
                _create(passwords, listener, given.text(device))
        for own in passwords.of(listener.user_id):
            _row(passwords, own)


def _create(passwords: AppPasswords, listener: Listener, device: str) -> None:
    if not visit.is_still_here(listener):
        return
    box = SecretBox(Path(visit.services().settings.opensubsonic.key_file))
    try:
        made = passwords.create(listener.user_id, listener.name or "", device=device, box=box)
    except AppPasswordError as error:
        st.error(translated(error))
        return
    except SegueError as error:
        log.error("no app password was created: %s", error)
        st.error(gettext("App passwords cannot be created now: ask the person who runs this server."))
        return
    visit.services().audit.note("app-password-created", user_id=listener.user_id)
    st.success(gettext("The app password for {device}. It is shown only once.", device=plain(device.strip())))
    st.code(made, language=None)


def _row(passwords: AppPasswords, own: AppPassword) -> None:
    used = gettext("never used")
    if own.last_used_at is not None:
        used = gettext(
            "last used {when} by {app}",
            when=ago(own.last_used_at.timestamp() * 1000),
            app=plain(own.last_client or gettext("an app")),
        )
    created = gettext("created {day}", day=day(own.created_at, skeleton="yMMMMd"))
    revocable(
        f"**{plain(own.device)}** · {created} · {used}",
        key=f"revoke-{own.password_id}",
        revoke=lambda user_id: passwords.revoke(user_id, own.password_id),
        action="app-password-revoked",
    )
