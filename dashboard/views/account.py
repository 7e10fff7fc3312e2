"""Becoming somebody and ceasing to be: by name and password, or by an identity provider."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.player import components
from segue.people.handovers import PREFIX, account_of
from segue.people.login_sessions import Listener


def show(listener: Listener) -> None:
    """Sign up or log in for a guest, log out for anybody else."""
    if listener.name is None:
        _enter()
    elif listener.user_id.startswith(PREFIX):
        if st.button("Log out", type="primary"):
            visit.end_session()
            st.logout()
    else:
        components.entry("log-out", label="Log out")


def come_in(listener: Listener) -> None:
    """Give a guest whom the identity provider has let in a session of their own."""
    if listener.name is None and st.user.get("is_logged_in") is True and (known := account_of(st.user)):
        components.entry("hand-over", label="", code=visit.hand_over(known))


def _enter() -> None:
    st.write("Everything works without an account. With one, your taste is there wherever you listen.")
    new = "Sign up"
    which = st.segmented_control("Account", [new, "Log in"], default=new, label_visibility="collapsed")
    if which == "Log in":
        components.entry("log-in", label="Log in")
    else:
        components.entry("sign-up", label="Sign up and keep what you have heard")
    _by_provider()


def show_log_in() -> None:
    """The only page for a guest where log-in is required."""
    st.title("Log in")
    components.entry("log-in", label="Log in")
    _by_provider()


def _by_provider() -> None:
    if configured():
        st.write("Or with the account that you have elsewhere:")
        if st.button("Continue with your provider", icon=":material/key:"):
            st.login()


def configured() -> bool:
    """Whether Streamlit's secrets name an identity provider: then it says so of every visitor."""
    return "is_logged_in" in st.user
