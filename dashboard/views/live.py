"""The live page: one listener's plays, and the recommendations that change with them."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.queries import live as queries
from segue.dashboard.views import cards


def show() -> None:
    """Pick a listener and watch."""
    known = queries.listeners(visit.services().store)
    if not known:
        _nobody_yet()
        return
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title("What comes next")
    listener = right.selectbox("Listener", known, key="listener")
    st.fragment(_watch, run_every=visit.services().settings.dashboard.refresh_interval)(listener)


def _nobody_yet() -> None:
    st.title("What comes next")
    tracks = queries.catalogue_size(visit.services().store)
    if tracks == 0:
        st.info(
            "There is no index yet. Run `./run.sh library ingest DIR`, `./run.sh library features`, "
            "`./run.sh embeddings train` and `./run.sh index build`, or try all of it with `./run.sh demo`.",
            icon=":material/library_music:",
        )
    else:
        st.info(
            f"{tracks:,} tracks are ready, and nobody has listened yet. Start `./run.sh stream run` and "
            "`./run.sh plays replay`.",
            icon=":material/headphones:",
        )


def _watch(listener: str) -> None:
    """Drawn again by itself at the rate of the settings, so that nothing else on the page moves."""
    now = queries.listening(visit.services().store, listener)
    if now is None:
        st.info("This listener has no recommendations any more.", icon=":material/person_off:")
        return
    shown = [item.track.track_id for item in now.recommended]
    before = st.session_state.get("shown", {}).get(listener, shown)
    st.session_state["shown"] = {listener: shown}
    main, side = st.columns([3, 2], gap="large")
    with main:
        source = "from their taste" if now.served == "taste" else "a varied selection to start from"
        st.caption(
            f"Written {_milliseconds(now.freshness_ms)} after the newest play · {source} · "
            f"{now.variant} · index {now.index_version}"
        )
        st.html(cards.grid(now.recommended[:10], new=set(shown) - set(before)))
    with side:
        st.subheader("Just played")
        st.html(cards.rows(now.played))


def _milliseconds(value: float) -> str:
    return f"{value / 1000:.1f} s" if value >= 1000 else f"{value:.0f} ms"
