"""Making share links on a page, and the list of those that one has."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.text import plain
from segue.people.login_sessions import Listener
from segue.social.links import Kind, SharingError

LASTING = {"A day": 1, "A week": 7, "A month": 30, "Until I take it back": None}


def offer(listener: Listener, kind: Kind, key: str, *, title: str) -> None:
    """A button that opens the choices for a link, and makes it."""
    with st.popover("Share", icon=":material/share:", key=f"share-{kind}-{key}"):
        if listener.name is None:
            st.write("Sign up first, so that the link is yours to take back.")
            return
        lasts = st.selectbox("Good for", list(LASTING), index=1, key=f"lasts-{kind}-{key}")
        playable = kind != "month" and st.toggle(
            "Guests may listen", key=f"playable-{kind}-{key}", help="Without it they see, and hear nothing."
        )
        if st.button("Make a link", type="primary", key=f"make-{kind}-{key}"):
            days = LASTING[lasts]
            try:
                token = visit.services().links.create(
                    listener.user_id,
                    kind,
                    key,
                    title=title,
                    playable=playable,
                    good_for=timedelta(days=days) if days else None,
                )
            except SharingError as error:
                st.error(str(error))
                return
            st.code(f"{address()}/s/{token}", language=None, wrap_lines=True)
            st.caption("Copy it now: it is not shown again. Under You, Sharing, you can take it back.")


def address() -> str:
    """The beginning of links: the settings' public address, or the one of this page's request."""
    asked = urlsplit(st.context.url or "")
    return visit.services().settings.dashboard.base_url.rstrip("/") or f"{asked.scheme}://{asked.netloc}"


def listed(listener: Listener) -> None:
    """A listener's links, each with a button that ends it."""
    links = visit.services().links.of(listener.user_id)
    if not links:
        st.info("You share nothing by link.", icon=":material/link_off:")
        return
    for link in links:
        left, right = st.columns([5, 1], vertical_alignment="center")
        until = f"until {link.expires_at:%-d %b %Y}" if link.expires_at else "until you take it back"
        guests = ", guests may listen" if link.playable else ""
        opened = f"opened {link.opened} times" if link.opened != 1 else "opened once"
        left.markdown(f"**{plain(link.title)}**  \n:gray[{link.kind}, {until}{guests}, {opened}]")
        if right.button("End", key=f"end-{link.link_id}", help="Whoever has the link sees nothing any more."):
            visit.services().links.revoke(listener.user_id, link.link_id)
            st.rerun()
