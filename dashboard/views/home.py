"""The page For you: recommendations with reasons, the last plays, popular and new tracks."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.player import components
from segue.dashboard.player.components import Live
from segue.dashboard.queries import history, reasons
from segue.dashboard.queries.items import Item, Upcoming
from segue.dashboard.queries.starting_options import ARTISTS
from segue.dashboard.queries.steered import planned
from segue.dashboard.text import no_music, plain, reload_page
from segue.dashboard.views import mood
from segue.errors import SegueError
from segue.moods.dial import MoodDials
from segue.ranking.sources import TASTE
from segue.taste.starts import StartingChoice, Starts

SHOWN = 12
_SHELF = 10


def show() -> None:
    """Recommendations, shelves of similar, rising, popular and new tracks, and the last plays.

    While the listener plays songs, only the cards of the recommendations and the list at the end change, so
    that nothing moves under the pointer.
    """
    listener = visit.listener()
    st.title(gettext("For you"), anchor=False)
    if listener is None:
        st.info(reload_page(), icon=":material/refresh:")
        return
    catalogue = visit.services().catalogue
    if catalogue.has_moods():
        mood.dial(listener.user_id)
    upcoming = planned(catalogue, visit.services().settings, listener.user_id)
    if not upcoming.items:
        st.info(no_music(), icon=":material/library_music:")
        return
    if upcoming.served != "taste":
        _picks(listener.user_id)
    _for_you(listener.user_id)
    _because(history.recently_played(visit.services().store, listener.user_id), upcoming)
    _shelf(gettext("Rising now"), visit.services().popular.rising(limit=_SHELF), key="rising")
    _shelf(gettext("Popular now"), visit.services().popular.now(limit=_SHELF), key="popular")
    _shelf(gettext("New in the library"), catalogue.newest(), key="newest")
    _just_played(listener.user_id)


@st.fragment(run_every=2.0)
@visit.of_listener
def _for_you(user_id: str) -> None:
    """Redrawn when the player has received new recommendations, and every two seconds.

    The browser replaces only the cards that changed.
    """
    upcoming = planned(visit.services().catalogue, visit.services().settings, user_id)
    wanted = MoodDials(visit.services().store).read(user_id)
    if wanted:
        st.caption(
            gettext(
                "Recommendations that are {mood}. The mood dial does not change your taste.",
                mood=reasons.mood(wanted),
            )
        )
    elif upcoming.served == "taste":
        st.caption(gettext("Based on your plays, and updated after every song that you finish or skip."))
    else:
        st.caption(gettext("A varied selection to start with. It adapts as you play, skip and like songs."))
    items = upcoming.items[:SHOWN]
    fresh = _fresh([item.track_id for item in items])
    live = Live(fresh, dial=str(wanted))
    components.tracks(items, key="for-you", layout="grid", whole=False, live=live)


@st.fragment
@visit.of_listener
def _just_played(user_id: str) -> None:
    """Redrawn when the player has received new recommendations."""
    played = history.recently_played(visit.services().store, user_id)
    if played:
        st.header(gettext("Just played"), anchor=False)
    # Without plays, the list is invisible, and waits for the first one.
    components.tracks(played, key="played" if played else "no-plays", layout="list", whole=False, live=Live())


def _picks(user_id: str) -> None:
    """Genres and artists for a cold start; a choice changes the selection at once."""
    starts = Starts(visit.services().store)
    kept = starts.read(user_id)
    genres, artists = visit.services().starting_options.genres_and_artists()

    def keep() -> None:
        chosen = StartingChoice(
            given.some_of(st.session_state.get("start-genres"), genres),
            given.some_of(st.session_state.get("start-artists"), artists),
        )
        starts.keep(user_id, chosen)

    if genres:
        st.pills(
            gettext("Start with genres"),
            genres,
            selection_mode="multi",
            default=[genre for genre in kept.genres if genre in genres],
            format_func=plain,
            key="start-genres",
            on_change=visit.by_listener(user_id, keep),
        )
    if artists:
        st.multiselect(
            gettext("Or with artists"),
            artists,
            default=[artist for artist in kept.artists if artist in artists],
            key="start-artists",
            on_change=visit.by_listener(user_id, keep),
            placeholder=gettext(
                "Or artists that you know, among the {count} with the most songs", count=ARTISTS
            )
            if len(artists) >= ARTISTS
            else gettext("Or artists that you know"),
            label_visibility="collapsed",
        )


def _because(played: list[Item], upcoming: Upcoming) -> None:
    """Tracks similar to the last one with a positive signal, without those shown above."""
    liked = next((item for item in played if item.tone == "good"), None)
    if liked is None:
        return
    try:
        near = visit.services().catalogue.neighbours(liked.track_id, limit=30)
    except SegueError:
        return
    shown = {item.track_id for item in (*played, *upcoming.items[:SHOWN])}
    others = [similar.item for similar in near if similar.item.track_id not in shown]
    _shelf(translated(TASTE.reason.words).format(plain(liked.title)), others[:_SHELF], key="because")


def _shelf(name: str, items: list[Item], *, key: str) -> None:
    if items:
        st.header(name, anchor=False)
        components.tracks(items, key=key, layout="shelf")


def _fresh(shown: list[str]) -> list[str]:
    """The tracks that the previous list did not have; unchanged until the list changes again."""
    last: list[str]
    fresh: list[str]
    last, fresh = st.session_state.get("for_you", (shown, []))
    if last != shown:
        fresh = [track_id for track_id in shown if track_id not in last]
    st.session_state["for_you"] = (shown, fresh)
    return fresh
