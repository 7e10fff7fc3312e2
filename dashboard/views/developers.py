"""API keys, with which programs of developers call the API as the listener."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import ago, day
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.text import plain
from segue.dashboard.views.revocable import revocable
from segue.people.api_keys import LONGEST_LABEL, SCOPES, ApiKey, ApiKeyError, ApiKeys
from segue.people.login_sessions import Listener


def show(listener: Listener) -> None:
    """The API keys of an account, and a form for another one."""
    if listener.name is None:
        return
    with st.expander(gettext("API keys"), icon=":material/key:"):
        st.write(
            gettext(
                "With an API key, a program that you write can read your next songs and send your plays. "
                "Its address is that of this page with `/api/v1/`, and `/api/v1/openapi.json` describes it. "
                "Within its scopes, a key is as good as your log-in: keep it secret."
            )
        )
        keys = ApiKeys(visit.services().store)
        with st.form("api-key", clear_on_submit=True, border=False):
            label = st.text_input(gettext("Program"), max_chars=LONGEST_LABEL, placeholder=gettext("Lamp"))
            scopes = st.multiselect(
                gettext("It may"),
                list(SCOPES),
                default=list(SCOPES),
                format_func=lambda scope: translated(SCOPES[scope]),
            )
            if st.form_submit_button(gettext("Create an API key")):
                _create(keys, listener, given.text(label), given.some_of(scopes, SCOPES))
        for own in keys.of(listener.user_id):
            _row(keys, own)


def _create(keys: ApiKeys, listener: Listener, label: str, scopes: list[str]) -> None:
    if not visit.is_still_here(listener):
        return
    try:
        made = keys.create(listener.user_id, listener.name or "", label=label, scopes=scopes)
    except ApiKeyError as error:
        st.error(translated(error))
        return
    visit.services().audit.note("api-key-created", user_id=listener.user_id)
    st.success(gettext("The API key for {program}. It is shown only once.", program=plain(label.strip())))
    st.code(made, language=None)


def _row(keys: ApiKeys, own: ApiKey) -> None:
    used = gettext("never used")
    if own.last_used_at is not None:
        used = gettext("last used {when}", when=ago(own.last_used_at.timestamp() * 1000))
    created = gettext("created {day}", day=day(own.created_at, skeleton="yMMMMd"))
    allowed = ", ".join(translated(SCOPES[scope]) for scope in own.scopes)
    revocable(
        f"**{plain(own.label)}** · {allowed} · {created} · {used}",
        key=f"revoke-key-{own.key_id}",
        revoke=lambda user_id: keys.revoke(user_id, own.key_id),
        action="api-key-revoked",
    )
