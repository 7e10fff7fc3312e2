"""The first page: what to hear next, and what was heard."""

from __future__ import annotations

import streamlit as st

from dashboard import service
from dashboard.finding import history
from dashboard.player import components
from dashboard.player.items import upcoming
from dashboard.views import popular

SHOWN = 12


def show() -> None:
    """Recommendations that follow the listening, then what was played last and what is new."""
    listener = service.listener()
    st.title("For you", anchor=False)
    if listener is None:
        st.info("Reload the page to begin.", icon=":material/refresh:")
        return
    _for_you(listener.user_id)
    popular.show()
    newest = service.catalogue().newest()
    if newest:
        st.subheader("New here", anchor=False)
        components.tracks(newest, key="newest", layout="grid")


@st.fragment(run_every=1.0)
def _for_you(user_id: str) -> None:
    """Drawn again each second by itself; the browser changes only what is new."""
    database = service.database()
    found = upcoming(database, user_id)
    if not found.items:
        st.info(
            "There is no music here yet. Take some in with `./run.sh ingest DIR`, then `./run.sh features`, "
            "`embeddings` and `index`, or try it all with `./run.sh demo`.",
            icon=":material/library_music:",
        )
        return
    if found.served == "taste":
        st.caption("Planned from what you play, and again with every song you finish or skip.")
    else:
        st.caption("A little of everything to begin with. Play, skip and like: what follows adapts at once.")
    items = found.items[:SHOWN]
    components.tracks(
        items, key="for-you", layout="grid", whole=False, fresh=_fresh([i.track_id for i in items])
    )
    played = history.recently_played(database, user_id)
    if played:
        st.subheader("Just played", anchor=False)
        components.tracks(played, key="played", layout="list", whole=False)


def _fresh(shown: list[str]) -> list[str]:
    """Those tracks that the last different list did not have; the same until the list changes again."""
    last, fresh = st.session_state.get("for_you", (shown, []))
    if last != shown:
        fresh = [track_id for track_id in shown if track_id not in last]
    st.session_state["for_you"] = (shown, fresh)
    return fresh
