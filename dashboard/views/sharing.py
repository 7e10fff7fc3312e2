"""Share links: the form that creates one, and the list of a listener's links."""

from __future__ import annotations

from datetime import timedelta
from urllib.parse import urlsplit

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.text import plain
from segue.people.login_sessions import Listener
from segue.social.links import Kind, SharingError

LASTING = {"After a day": 1, "After a week": 7, "After a month": 30, "Never": None}


def offer(listener: Listener, kind: Kind, key: str, *, title: str) -> None:
    """A button that opens the form for a new link."""
    with st.popover("Share", icon=":material/share:", type="tertiary", key=f"share-{kind}-{key}"):
        if listener.name is None:
            st.write("Sign up first, so that you can revoke the link later.")
            return
        lasts = st.selectbox("Expires", list(LASTING), index=1, key=f"lasts-{kind}-{key}")
        playable = kind != "month" and st.toggle(
            "Guests may listen",
            key=f"playable-{kind}-{key}",
            help="Otherwise guests see the songs but cannot play them.",
        )
        if st.button("Create a link", type="primary", key=f"make-{kind}-{key}"):
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
            st.caption("Copy it now: it is not shown again. You can revoke it under You, Sharing.")


def address() -> str:
    """The base address of links: the setting `dashboard.base_url`, or the address of this page."""
    asked = urlsplit(st.context.url or "")
    return visit.services().settings.dashboard.base_url.rstrip("/") or f"{asked.scheme}://{asked.netloc}"


def listed(listener: Listener) -> None:
    """A listener's links, each with a button to revoke it."""
    links = visit.services().links.of(listener.user_id)
    if not links:
        st.info("You have no share links.", icon=":material/link_off:")
        return
    for link in links:
        left, right = st.columns([5, 1], vertical_alignment="center")
        until = f"expires {link.expires_at:%-d %b %Y}" if link.expires_at else "never expires"
        guests = ", guests may listen" if link.playable else ""
        opened = f"opened {link.opened} times" if link.opened != 1 else "opened once"
        left.markdown(f"**{plain(link.title)}**  \n:gray[{link.kind}, {until}{guests}, {opened}]")
        if right.button("Revoke", key=f"end-{link.link_id}", help="The link stops working for everybody."):
            visit.services().links.revoke(listener.user_id, link.link_id)
            st.rerun()
