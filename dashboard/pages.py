"""The script that Streamlit runs for each visitor: which pages there are, and the player below them."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from segue.dashboard import service
from segue.dashboard.player import components
from segue.dashboard.views import (
    account,
    album,
    artist,
    audience,
    friends,
    home,
    listening,
    live,
    operations,
    playlists,
    search,
    track,
    wander,
    you,
)

ICON = str(Path(__file__).with_name("icon.svg"))
st.set_page_config(page_title="Segue", page_icon=ICON, layout="wide")
st.logo(ICON, size="large")
# Less empty room around the pages, a line above the player, and no menu that is Streamlit's.
ROOM = """<style>
[data-testid="stMainMenu"], [data-testid="stStatusWidget"] {display: none}
.stMain h1 {font-size: 2.1rem; letter-spacing: -.02em; padding: .2rem 0 .4rem}
.stMain h2, .stMain h3 {font-size: 1.3rem; letter-spacing: -.01em}
.stMainBlockContainer {padding-top: 4.75rem; padding-bottom: 3rem}
.stBottomBlockContainer, [data-testid="stBottomBlockContainer"] {padding-top: .35rem; padding-bottom: .6rem}
[data-testid="stBottom"] > div {border-top: 1px solid var(--st-border-color)}
@media (max-width: 640px) {
  .stMainBlockContainer, .stBottomBlockContainer {padding-left: 1rem; padding-right: 1rem}
  .stMainBlockContainer {padding-top: 3.9rem}
  .stMain h1 {font-size: 1.8rem}
}
</style>"""
listener = service.listener()
pages = {
    "home": st.Page(home.show, title="For you", icon=":material/home:", default=True),
    "search": st.Page(search.show, title="Search", icon=":material/search:", url_path="search"),
    "map": st.Page(wander.show, title="Map", icon=":material/explore:", url_path="map"),
    "playlists": st.Page(
        playlists.show, title="Playlists", icon=":material/queue_music:", url_path="playlists"
    ),
    "you": st.Page(
        you.show, title=(listener and listener.name) or "You", icon=":material/person:", url_path="you"
    ),
    "listening": st.Page(
        listening.show, title="Your listening", icon=":material/insights:", url_path="listening"
    ),
    "friends": st.Page(friends.show, title="Friends", icon=":material/group:", url_path="friends"),
    "live": st.Page(live.show, title="Live", icon=":material/graphic_eq:", url_path="live"),
    "operations": st.Page(
        operations.show, title="Operations", icon=":material/monitor_heart:", url_path="operations"
    ),
    "audience": st.Page(audience.show, title="Audience", icon=":material/groups:", url_path="audience"),
    "artist": st.Page(artist.show, title="Artist", url_path="artist", visibility="hidden"),
    "album": st.Page(album.show, title="Album", url_path="album", visibility="hidden"),
    "track": st.Page(track.show, title="Track", url_path="track", visibility="hidden"),
}
if not service.operator():
    for name in ("live", "operations", "audience"):
        del pages[name]
st.session_state["pages"] = pages
st.html(ROOM)
chosen = st.navigation(list(pages.values()), position="top")
if listener is not None:
    account.come_in(listener)
    with st.bottom:
        components.bar(listener.user_id)
chosen.run()
