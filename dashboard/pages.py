"""The script that Streamlit runs for each visitor: the list of pages, with the player below them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.player import components
from segue.dashboard.views import (
    account,
    album,
    artist,
    audience,
    audit,
    friends,
    heading,
    home,
    library,
    library_map,
    listening,
    live,
    operations,
    search,
    track,
    you,
)
from segue.phrases import marked


@dataclass(frozen=True)
class Page:
    """A page. `url` is its path and its name in links; the first page is at the root."""

    url: str
    title: str
    show: Callable[[], None]
    icon: str = ""
    audience: Literal["everybody", "operators", "by link"] = "everybody"
    """"by link": for everybody, but in no menu."""


PAGES = (
    Page("home", marked("For you"), home.show, ":material/home:"),
    Page("search", marked("Search"), search.show, ":material/search:"),
    Page("library", marked("Library"), library.show, ":material/library_music:"),
    Page("map", marked("Map"), library_map.show, ":material/explore:"),
    Page("you", marked("You"), you.show, ":material/person:"),
    Page("listening", marked("Your listening"), listening.show, ":material/insights:"),
    Page("friends", marked("Friends"), friends.show, ":material/group:"),
    Page("live", marked("Live"), live.show, ":material/graphic_eq:", audience="operators"),
    Page(
        "operations", marked("Operations"), operations.show, ":material/monitor_heart:", audience="operators"
    ),
    Page("audience", marked("Audience"), audience.show, ":material/groups:", audience="operators"),
    Page("audit", marked("Audit log"), audit.show, ":material/policy:", audience="operators"),
    Page("reset", marked("New password"), account.show_reset, audience="by link"),
    Page("confirm", marked("Mail address"), account.show_confirm, audience="by link"),
    Page("albums", marked("Albums"), library.show_albums, audience="by link"),
    Page("artists", marked("Artists"), library.show_artists, audience="by link"),
    Page("playlists", marked("Playlists"), library.show_playlists, audience="by link"),
    Page("artist", marked("Artist"), artist.show, audience="by link"),
    Page("album", marked("Album"), album.show, audience="by link"),
    Page("track", marked("Track"), track.show, audience="by link"),
)
ICON = str(Path(__file__).with_name("icon.svg"))
# Smaller margins, a line above the player, and no Streamlit menu.
STYLE = """<style>
[data-testid="stMainMenu"], [data-testid="stStatusWidget"] {display: none}
.stMain h1 {font-size: 2.1rem; letter-spacing: -.02em; padding: .2rem 0 .4rem}
.stMain h2, .stMain h3 {font-size: 1.3rem; letter-spacing: -.01em; padding: .5rem 0 .6rem}
[data-testid="stTopNavLink"]:focus-visible, [data-testid="stLogoLink"]:focus-visible, .stMain a:focus-visible,
.stMain summary:focus-visible, .stMain button:focus-visible
  {outline: 2px solid currentColor !important; outline-offset: 2px}
[data-testid="stCaptionContainer"] {color: inherit !important; opacity: .75}
[data-testid="InputInstructions"], [data-testid="stFileUploaderDropzoneInstructions"] {display: none}
[data-stale="true"] {opacity: 1 !important; transition: none !important}
.stMain:focus {outline: none}
.stMainBlockContainer {padding-top: 4.75rem; padding-bottom: 3rem}
.stBottomBlockContainer, [data-testid="stBottomBlockContainer"] {padding-top: .35rem; padding-bottom: .6rem}
[data-testid="stBottom"] > div {border-top: 1px solid color-mix(in srgb, currentColor 16%, transparent)}
[class*="st-key-figures-"] {row-gap: .75rem}
@media (max-width: 640px) {
  [class*="st-key-figures-"] {column-gap: 2rem}
  .stMainBlockContainer, .stBottomBlockContainer {padding-left: 1rem; padding-right: 1rem}
  .stMainBlockContainer {padding-top: 3.9rem}
  .stMain h1 {font-size: 1.8rem}
}
@media (prefers-reduced-motion: reduce) {
  *, *::before, *::after {animation: none !important; transition: none !important}
  * {scroll-behavior: auto !important}
}
</style>"""

visit.speak()
st.set_page_config(page_title="Segue", page_icon=ICON, layout="wide")
st.logo(ICON, size="large")
listener, operator = visit.listener(), visit.operator()
if visit.must_log_in():
    st.html(STYLE)
    gate = st.Page(account.show_log_in, title=gettext("Log in"), url_path="log-in", default=True)
    # Links in mails lead to pages for people who cannot log in.
    links = [
        st.Page(page.show, title=translated(page.title), url_path=page.url)
        for page in PAGES
        if page.show in (account.show_reset, account.show_confirm)
    ]
    chosen = st.navigation([gate, *links], position="hidden")
    heading.name_tab(chosen.title)
    account.finish_provider_log_in(listener)
    chosen.run()
    st.stop()
own_title = {"you": listener.name} if listener and listener.name else {}
pages = {
    page.url: st.Page(
        page.show,
        title=own_title.get(page.url, translated(page.title)),
        icon=page.icon or None,
        url_path=page.url,
        default=page is PAGES[0],
        visibility="hidden" if page.audience == "by link" else "visible",
    )
    for page in PAGES
    if operator or page.audience != "operators"
}
st.html(STYLE)
chosen = st.navigation(list(pages.values()), position="top")
heading.name_tab(chosen.title)
if listener is not None:
    account.finish_provider_log_in(listener)
    with st.bottom:
        components.bar(listener.user_id)
chosen.run()
