"""Share links: the form that creates one, and the list of a listener's links."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import day
from segue.dashboard.language.words import gettext, ngettext, translated
from segue.dashboard.text import plain
from segue.people.login_sessions import Listener
from segue.phrases import marked
from segue.social.links import Kind, SharingError

_LONGEST_ADDRESS = 500
LASTING = {
    marked("After a day"): 1,
    marked("After a week"): 7,
    marked("After a month"): 30,
    marked("Never"): None,
}
_KINDS = {
    "track": marked("track"),
    "album": marked("album"),
    "songs": marked("several songs"),
    "playlist": marked("playlist"),
    "month": marked("month"),
}


def offer(listener: Listener, kind: Kind, key: str, *, title: str) -> None:
    """A button that opens the form for a new link."""
    with st.popover(gettext("Share"), icon=":material/share:", type="tertiary", key=f"share-{kind}-{key}"):
        if listener.name is None:
            st.write(gettext("Sign up first, so that you can revoke the link later."))
            return
        lasts = st.selectbox(
            gettext("Expires"),
            list(LASTING),
            index=1,
            key=f"lasts-{kind}-{key}",
            format_func=translated,
        )
        playable = kind != "month" and st.toggle(
            gettext("Guests may listen"),
            key=f"playable-{kind}-{key}",
            help=gettext("Otherwise guests see the songs but cannot play them."),
        )
        if st.button(gettext("Create a link"), type="primary", key=f"make-{kind}-{key}"):
            days = LASTING[given.one_of(lasts, LASTING, default=next(iter(LASTING)))]
            try:
                token = visit.services().links.create(
                    listener.user_id,
                    kind,
                    key,
                    title=title,
                    playable=bool(playable),
                    good_for=timedelta(days=days) if days else None,
                )
            except SharingError as error:
                st.error(translated(error))
                return
            st.code(f"{address()}/s/{token}", language=None, wrap_lines=True)
            st.caption(gettext("Copy it now: it is not shown again. You can revoke it under You, Sharing."))


def address() -> str:
    """The base address of links: the setting `dashboard.base_url`, or the address of this page."""
    if base := visit.services().settings.dashboard.base_url.rstrip("/"):
        return base
    try:
        asked = urlsplit((st.context.url or "")[:_LONGEST_ADDRESS])
    except ValueError:  # a browser can say anything
        return ""
    return f"{asked.scheme}://{asked.netloc}"


def listed(listener: Listener) -> None:
    """A listener's links, each with a button to revoke it."""
    links = visit.services().links.of(listener.user_id)
    if not links:
        st.info(gettext("You have no share links."), icon=":material/link_off:")
        return
    for link in links:
        left, right = st.columns([5, 1], vertical_alignment="center")
        facts = [
            translated(_KINDS[link.kind]),
            gettext("expires {day}", day=day(link.expires_at, skeleton="yMMMd"))
            if link.expires_at
            else gettext("never expires"),
            *([gettext("guests may listen")] if link.playable else []),
            ngettext("opened once", "opened {count} times", link.opened),
        ]
        left.markdown(f"**{plain(link.title)}**  \n:gray[{', '.join(facts)}]")
        if right.button(
            gettext("Revoke"),
            key=f"end-{link.link_id}",
            help=gettext("The link stops working for everybody."),
        ):
            visit.services().links.revoke(listener.user_id, link.link_id)
            st.rerun()
