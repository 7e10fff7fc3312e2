"""Sign-up, log-in, log-out and change of password; or log-in through an identity provider."""

from __future__ import annotations

import streamlit as st

from segue.clock import now
from segue.dashboard import visit
from segue.dashboard.language.formats import day
from segue.dashboard.language.words import gettext
from segue.dashboard.player import components
from segue.dashboard.text import plain
from segue.people.accounts import Accounts
from segue.people.handovers import PREFIX, account_of, is_fresh
from segue.people.login_sessions import Listener


def show(listener: Listener) -> None:
    """The forms to sign up and log in for a guest; to log out and to change the password for an account."""
    if listener.name is None:
        _enter()
    elif listener.user_id.startswith(PREFIX):
        if st.button(gettext("Log out"), type="primary"):
            visit.end_session()
            st.logout()
    else:
        components.entry("log-out", label=gettext("Log out"))
        with st.expander(gettext("Change the password"), icon=":material/key:"):
            st.write(gettext("All your other devices are logged out."))
            components.entry("change-password", label=gettext("Change the password"))
        if visit.services().recovery.is_on:
            with st.expander(gettext("Mail address"), icon=":material/mail:"):
                _mail_address(listener)
        with st.expander(gettext("Log out everywhere"), icon=":material/devices:"):
            st.write(gettext("This ends your sessions in all browsers, this one too."))
            components.entry("log-out-everywhere", label=gettext("Log out everywhere"))


def _mail_address(listener: Listener) -> None:
    present = Accounts(visit.services().store).mail_of(listener.user_id)
    st.write(
        gettext(
            "Your address is **{address}**. Enter another one to change it, or none to remove it.",
            address=plain(present),
        )
        if present
        else gettext("If you forget your password, a link to a new one is sent to your address.")
    )
    components.entry("mail-address", label=gettext("Save"))


def show_reset() -> None:
    """The page of a link for a new password."""
    st.title(gettext("New password"), anchor=False)
    st.write(gettext("This logs out all your devices."))
    components.entry("reset-password", label=gettext("Set the new password"))


def show_confirm() -> None:
    """The page of a link that confirms a mail address."""
    st.title(gettext("Mail address"), anchor=False)
    components.entry("confirm-address", label=gettext("Confirm this address"))


def finish_provider_log_in(listener: Listener | None) -> None:
    """Open the account's session for a visitor whom the identity provider has just authenticated."""
    stranger = listener.name is None if listener else visit.is_refused()
    if not stranger or st.user.get("is_logged_in") is not True or not is_fresh(st.user, at=now()):
        return
    if (known := account_of(st.user)) is None:
        return
    if (until := visit.left_until(known)) is None:
        components.entry("hand-over", label="", code=visit.hand_over(known))
        return
    # Their id would be the same again, by which the stream would find their former plays.
    st.info(
        gettext(
            "You have removed everything that was stored about you. You can log in again after {day}.",
            day=day(until, skeleton="yMMMMd"),
        )
    )


def _enter() -> None:
    st.write(
        gettext(
            "You can listen without an account. With an account, your taste follows you to every device, and "
            "you can share songs, follow friends and connect music apps."
        )
    )
    forms = {"sign-up": gettext("Sign up"), "log-in": gettext("Log in")}
    which = st.segmented_control(
        gettext("Account"),
        list(forms),
        default="sign-up",
        format_func=forms.__getitem__,
        label_visibility="collapsed",
    )
    if which == "log-in":
        components.entry("log-in", label=gettext("Log in"))
        _forgotten()
    else:
        components.entry("sign-up", label=gettext("Sign up and keep your history"))
    _by_provider()


def show_log_in() -> None:
    """The page that guests see where log-in is required, and visitors beyond the limit; they see no other."""
    st.title(gettext("Log in"))
    if visit.is_refused():
        st.info(gettext("Too many new visitors come from your network: log in, or try again in an hour."))
    components.entry("log-in", label=gettext("Log in"), nobody=True)
    _forgotten()
    _by_provider()


def _forgotten() -> None:
    if visit.services().recovery.is_on:
        with st.expander(gettext("Have you forgotten your password?")):
            components.entry("forgot-password", label=gettext("Send me a link"))


def _by_provider() -> None:
    if configured():
        st.write(gettext("Or use an account with an identity provider:"))
        if st.button(gettext("Continue with your provider"), icon=":material/key:"):
            st.login()


def configured() -> bool:
    """Whether Streamlit's secrets name an identity provider; only then does `st.user` have `is_logged_in`."""
    return "is_logged_in" in st.user
