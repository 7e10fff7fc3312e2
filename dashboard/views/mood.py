"""The mood dial, and a chart of a track's mood."""

from __future__ import annotations

from functools import partial
from html import escape

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import percent
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.queries import reasons
from segue.moods.dial import BANDS, WORDS, Dial, MoodDials
from segue.moods.measures import DIMENSIONS
from segue.moods.stored import Moods
from segue.phrases import marked

_NOTCHES = sorted([*BANDS, 0])
_ENDS = {
    "energy": marked("Calm to energetic"),
    "tempo": marked("Slow to fast"),
    "brightness": marked("Dark to bright"),
    "tone": marked("Minor to major"),
}
_MEASURED = {
    "energy": marked("Energy: more energetic than {percent} of the library"),
    "tempo": marked("Tempo: faster than {percent} of the library"),
    "brightness": marked("Brightness: brighter than {percent} of the library"),
    "tone": marked("Tone: closer to major than {percent} of the library"),
}
_STYLE = """<style>
.mood {display: grid; gap: .55rem; margin: .4rem 0 0; max-width: 22rem}
.mood div {display: grid; grid-template-columns: 4rem 1fr 5rem; gap: .6rem; align-items: center}
.mood div {font-size: .85rem}
.mood span:last-child {text-align: right}
.mood i {position: relative; height: 4px; border-radius: 2px}
.mood i {background: color-mix(in srgb, currentColor 18%, transparent)}
.mood b {position: absolute; top: -4px; width: 12px; height: 12px; margin-left: -6px; border-radius: 50%;
  background: var(--st-primary-color, currentColor)}
</style>"""


def _capital(word: str) -> str:
    return word[:1].upper() + word[1:]


def _chosen(name: str) -> int:
    return given.one_of(st.session_state.get(f"dial-{name}"), _NOTCHES, default=0)


def dial(user_id: str) -> None:
    """A button with the wanted mood that opens the listener's dial."""
    dials = MoodDials(visit.services().store)
    now = dials.read(user_id)

    def keep() -> None:
        dials.keep(user_id, Dial({name: _chosen(name) for name in DIMENSIONS}))

    def clear() -> None:
        for name in DIMENSIONS:
            st.session_state[f"dial-{name}"] = 0
        dials.keep(user_id, Dial())

    for name in DIMENSIONS:
        st.session_state.setdefault(f"dial-{name}", now.notches.get(name, 0))
    with st.popover(
        gettext("Mood: {mood}", mood=reasons.mood(now)) if now else gettext("Mood: any"),
        icon=":material/tune:",
        key="mood",
    ):
        for name in DIMENSIONS:
            st.select_slider(
                translated(_ENDS[name]),
                _NOTCHES,
                format_func=partial(reasons.notch, name),
                key=f"dial-{name}",
                on_change=visit.by_listener(user_id, keep),
            )
        st.caption(gettext("Measured from each song's sound, relative to the rest of the library."))
        st.button(
            gettext("Any mood"),
            icon=":material/restart_alt:",
            on_click=visit.by_listener(user_id, clear),
            disabled=not now,
            key="dial-open",
        )


def shown(track_id: str) -> None:
    """A track's percentile in each mood dimension; nothing if its mood was not measured."""
    mood = Moods(visit.services().store).read(track_id)
    if mood is None:
        return
    rows = []
    for name in DIMENSIONS:
        value = getattr(mood, name)
        if value is None:
            continue
        low, high = (escape(_capital(translated(word))) for word in WORDS[name])
        hint = escape(translated(_MEASURED[name]).format(percent=percent(value)), quote=True)
        rows.append(
            f'<div role="img" aria-label="{hint}" title="{hint}"><span>{low}</span>'
            f'<i><b style="left: {value:.1%}"></b></i><span>{high}</span></div>'
        )
    st.html(f'{_STYLE}<div class="mood">{"".join(rows)}</div>')
    if mood.bpm is not None:
        st.caption(gettext("{bpm} beats per minute", bpm=round(mood.bpm)))
