"""A listener's own data, on their page: to take along, and to have removed."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import streamlit as st

from segue.dashboard import service
from segue.dashboard.api.own_data import CONFIRMATION

_PLAYER = Path(__file__).parent.parent / "player"


@cache
def _leave() -> Any:
    script = "\n".join((_PLAYER / "js" / f"{name}.js").read_text() for name in ("dom", "leave"))
    style = "\n".join((_PLAYER / "css" / f"{name}.css").read_text() for name in ("base", "entry"))
    return st.components.v2.component(
        "segue_leave", html='<div id="segue-leave" class="entry"></div>', js=script, css=style
    )


def show() -> None:
    """Export and removal, with what is kept for how long."""
    st.subheader("Your data", anchor=False)
    kept = service.settings().retention
    st.write(
        f"What you play is kept for {kept.listening.days} days, each single event for {kept.plays.days}. "
        "Sums over all listeners, in which nobody can be told apart, stay."
    )
    st.link_button("Save all that is stored of me", "/api/me/export", icon=":material/download:")
    with st.expander("Remove me and everything stored of me"):
        st.write(
            "Your account, taste, history, hearts, playlists, links and whom you follow are removed at once, "
            "and nothing is made any more of what you played. This cannot be undone."
        )
        _leave()(key="leave", data={"label": "Remove everything", "confirm": CONFIRMATION})
