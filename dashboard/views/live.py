"""The page Live: a listener's plays, and the recommendations that change with them."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import number
from segue.dashboard.language.words import gettext, ngettext
from segue.dashboard.queries import live as queries
from segue.dashboard.text import no_music, with_commands
from segue.dashboard.views import cards, more

_LISTENERS, _RECOMMENDED, _PLAYED = 200, 10, 12
"""How many listeners, recommendations and plays the page shows at first."""


def show() -> None:
    """A selected listener's plays and recommendations."""
    number = more.asked_for("listeners", first=_LISTENERS)
    known = queries.listeners(visit.services().store, limit=number + 1)
    if not known:
        _nobody_yet()
        return
    left, right = st.columns([3, 2], vertical_alignment="bottom")
    left.title(gettext("Live"))
    chosen = right.selectbox(gettext("Listener"), known[:number], key="listener")
    listener = given.one_of(chosen, known[:number], default=known[0])
    if len(known) > number:
        with right:
            more.offer("listeners", shown=number, total=None, words=_listeners)
    st.fragment(_watch, run_every=visit.services().settings.dashboard.refresh_interval)(listener)


def _nobody_yet() -> None:
    st.title(gettext("Live"))
    tracks = queries.catalogue_size(visit.services().store)
    if tracks == 0:
        st.info(no_music(), icon=":material/library_music:")
    else:
        st.info(
            with_commands(
                ngettext(
                    "{count} track is ready, but there are no plays yet. "
                    "Run `./run.sh stream run` and `./run.sh plays replay`.",
                    "{count} tracks are ready, but there are no plays yet. "
                    "Run `./run.sh stream run` and `./run.sh plays replay`.",
                    tracks,
                )
            ),
            icon=":material/headphones:",
        )


@visit.of_operators
def _watch(listener: str) -> None:
    """Redrawn every `dashboard.refresh_interval`; a fragment, so that the rest of the page stays."""
    played = more.asked_for("played", first=_PLAYED)
    now = queries.listening(visit.services().store, listener, played=played)
    if now is None:
        st.info(gettext("This listener no longer has recommendations."), icon=":material/person_off:")
        return
    shown = [item.track.track_id for item in now.recommended]
    before = st.session_state.get("shown", {}).get(listener, shown)
    st.session_state["shown"] = {listener: shown}
    main, side = st.columns([3, 2], gap="large")
    with main:
        source = gettext("from the taste") if now.served == "taste" else gettext("varied selection")
        known = gettext(
            "{source} · {variant} · index {version}",
            source=source,
            variant=now.variant,
            version=now.index_version,
        )
        if now.freshness_ms is not None:
            time = _milliseconds(now.freshness_ms)
            known = gettext("Written {time} after the newest play · {details}", time=time, details=known)
        st.caption(known)
        number = more.asked_for("recommended", first=_RECOMMENDED)
        st.html(cards.grid(now.recommended[:number], new=set(shown) - set(before)))
        total = len(now.recommended)
        more.offer("recommended", shown=min(number, total), total=total, words=_recommendations)
    with side:
        st.header(gettext("Just played"))
        st.html(cards.rows(now.played))
        more.offer("played", shown=len(now.played), total=now.played_in_all, words=more.songs)


def _milliseconds(value: float) -> str:
    return f"{number(value / 1000, digits=1)} s" if value >= 1000 else f"{number(value)} ms"


def _listeners(shown: int, _: int | None) -> str:
    return gettext("The first {shown} listeners, those who played last", shown=shown)


def _recommendations(shown: int, total: int | None) -> str:
    return gettext("{shown} of {total} recommendations", shown=shown, total=total)
