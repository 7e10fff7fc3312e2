"""The mood dial, and a chart of a track's mood."""

from __future__ import annotations

from functools import partial

import streamlit as st

from segue.dashboard import visit
from segue.moods.dial import BANDS, WORDS, Dial, MoodDials, notch_word
from segue.moods.measures import DIMENSIONS
from segue.moods.stored import Moods

_NOTCHES = sorted([*BANDS, 0])
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


def dial(user_id: str) -> None:
    """A button with the wanted mood that opens the listener's dial."""
    dials = MoodDials(visit.services().store)
    now = dials.read(user_id)

    def keep() -> None:
        dials.keep(user_id, Dial({name: st.session_state.get(f"dial-{name}", 0) for name in DIMENSIONS}))

    def clear() -> None:
        for name in DIMENSIONS:
            st.session_state[f"dial-{name}"] = 0
        dials.keep(user_id, Dial())

    for name in DIMENSIONS:
        st.session_state.setdefault(f"dial-{name}", now.notches.get(name, 0))
    with st.popover(f"Mood: {now}" if now else "Mood: any", icon=":material/tune:", key="mood"):
        for name in DIMENSIONS:
            st.select_slider(
                f"{WORDS[name][0].capitalize()} to {WORDS[name][1]}",
                _NOTCHES,
                format_func=partial(notch_word, name),
                key=f"dial-{name}",
                on_change=keep,
            )
        st.caption("Measured from each song's sound, relative to the rest of the library.")
        st.button(
            "Any mood", icon=":material/restart_alt:", on_click=clear, disabled=not now, key="dial-open"
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
        low, high = WORDS[name]
        hint = f"{name.capitalize()}: more {high} than {value:.0%} of the library"
        rows.append(
            f'<div role="img" aria-label="{hint}" title="{hint}"><span>{low.capitalize()}</span>'
            f'<i><b style="left: {value:.1%}"></b></i><span>{high.capitalize()}</span></div>'
        )
    st.html(f'{_STYLE}<div class="mood">{"".join(rows)}</div>')
    if mood.bpm is not None:
        st.caption(f"{mood.bpm:.0f} beats per minute")
