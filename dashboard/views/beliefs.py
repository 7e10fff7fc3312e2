"""Segue's beliefs about a listener, on the page You, with a way to correct it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import day, percent
from segue.dashboard.language.words import gettext, ngettext, translated
from segue.dashboard.queries import beliefs
from segue.dashboard.queries.beliefs import Belief, Beliefs, Correcting, Evening
from segue.dashboard.text import plain
from segue.dashboard.views.charts import draw
from segue.dashboard.views.listening import zone
from segue.dashboard.views.listening_figures import clock_figure
from segue.errors import SegueError
from segue.people.login_sessions import Listener
from segue.phrases import marked
from segue.taste.corrections import RuleKind, Span, Strength

_TITLES: dict[RuleKind, str] = {
    "artist": marked("Artists"),
    "genre": marked("Genres"),
    "album": marked("Albums"),
}
_WORDS: dict[Strength | None, str] = {"less": marked("Less"), "never": marked("Never again")}


def show(listener: Listener) -> None:
    """Artists, genres, albums and times, each with its corrections."""
    services = visit.services()
    own = beliefs.read(services.catalogue, services.settings, listener.user_id, zone=zone())
    if not own:
        st.info(
            gettext("Play a few songs. Then this page shows the music that Segue believes you like."),
            icon=":material/psychology:",
        )
        return
    if fault := st.session_state.pop("correction-fault", None):
        st.error(fault)
    st.write(
        gettext(
            "Segue believes that you like this, now and in the long term. A correction applies to every "
            "list that Segue makes for you, and you can take it back. “Less” leaves a quarter of the songs."
        )
    )
    correcting = Correcting(services.store, listener.user_id)
    remembers = any(belief.long_term for found in own.of_kind.values() for belief in found)
    for kind, title in _TITLES.items():
        _listed(title, own.of_kind[kind], correcting, remembers=remembers)
    _times(own, correcting)


def _listed(title: str, found: Sequence[Belief], correcting: Correcting, *, remembers: bool) -> None:
    """A list of beliefs; without a memory, a new listener's long-term shares would all be 0."""
    if not found:
        return
    st.header(translated(title), anchor=False)
    half = (len(found) + 1) // 2
    for column, part in zip(st.columns(2, gap="large"), (found[:half], found[half:]), strict=True):
        with column:
            for belief in part:
                _correctable(belief, correcting, remembers=remembers)


def _correctable(belief: Belief, correcting: Correcting, *, remembers: bool) -> None:
    key = f"belief-{belief.kind}-{belief.key}"
    st.session_state[key] = belief.strength

    def changed() -> None:
        try:
            correcting.rule(belief, given.one_of(st.session_state[key], _WORDS, default=None))
        except SegueError as error:
            st.session_state["correction-fault"] = translated(error)

    if remembers:
        shares = gettext(
            "now {now} · long-term {long_term}", now=percent(belief.now), long_term=percent(belief.long_term)
        )
    else:
        shares = gettext("now {now}", now=percent(belief.now))
    st.segmented_control(
        f"**{plain(belief.name)}** · {shares}",
        list(_WORDS),
        key=key,
        format_func=lambda strength: translated(_WORDS[strength]),
        on_change=visit.by_listener(correcting.user_id, changed),
    )


def _times(own: Beliefs, correcting: Correcting) -> None:
    st.header(gettext("Times"), anchor=False)
    if own.hours.sum() > 0:
        draw(clock_figure(own.hours), key="belief-hours")
        st.caption(gettext("When you listen. Recommendations do not depend on it."))
    if own.evenings:
        st.write(
            gettext(
                "Did somebody else choose the music? The plays of a forgotten time do not count for your "
                "taste. They stay in your history."
            )
        )
    for evening in own.evenings:
        plays = ngettext("{count} play", "{count} plays", evening.plays)
        _row(f"{_when(evening)} · {plays}", gettext("Forget"), evening.span, correcting.forget, correcting)
    if own.forgotten:
        st.subheader(gettext("Forgotten"), anchor=False)
    for evening in own.forgotten:
        _row(_when(evening), gettext("Count again"), evening.span, correcting.remember, correcting)


def _row(text: str, label: str, span: Span, action: Callable[[Span], None], correcting: Correcting) -> None:
    def act() -> None:
        try:
            action(span)
        except SegueError as error:
            st.session_state["correction-fault"] = translated(error)

    with st.container(horizontal=True, vertical_alignment="center"):
        st.markdown(text)
        st.button(
            label,
            key=f"{label}-{span.since}-{span.until}",
            help=text,
            on_click=visit.by_listener(correcting.user_id, act),
        )


def _when(evening: Evening) -> str:
    began, ended = evening.began, evening.ended
    return f"{day(began, skeleton='MMMEd')}, {day(began, skeleton='Hm')}–{day(ended, skeleton='Hm')}"
