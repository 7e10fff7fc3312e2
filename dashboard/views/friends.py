"""Friends: whom one follows, what they hear, how alike the tastes are, and music for both."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import service
from segue.dashboard.people.sessions import Listener
from segue.dashboard.player import components
from segue.dashboard.queries import friends as finding
from segue.dashboard.queries.items import noted_items
from segue.dashboard.queries.live import ago
from segue.dashboard.views.text import plain
from segue.social.activity import feed, show_activity, shows_activity
from segue.social.follows import Follows, Person
from segue.social.links import SharingError

_DID = {"liked": " likes it", "listened": ""}


def show() -> None:
    """The listener's own page of others."""
    listener = service.listener()
    st.title("Friends", anchor=False)
    if listener is None or listener.name is None:
        st.info(
            "With an account you can follow friends who agree: sign up under You.", icon=":material/group:"
        )
        return
    _requests(listener)
    left, right = st.columns([3, 2], gap="large")
    with left:
        _feed(listener)
    with right:
        _people(listener)
        _ask(listener)
        _own(listener)


def _requests(listener: Listener) -> None:
    for person in Follows(service.database()).asking(listener.user_id):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(person.name)}** would like to follow you.")
            if st.button("Agree", key=f"agree-{person.user_id}", type="primary"):
                Follows(service.database()).agree(listener.user_id, person.user_id)
                st.rerun()
            if st.button("No", key=f"refuse-{person.user_id}"):
                Follows(service.database()).end(person.user_id, listener.user_id)
                st.rerun()


def _feed(listener: Listener) -> None:
    st.subheader("What they hear and like", anchor=False)
    found = feed(service.database(), listener.user_id, limit=25)
    items = noted_items(
        service.store(),
        [
            (one.track_id, f"{one.person.name}{_DID[one.what]}, {ago(one.at.timestamp() * 1000)}")
            for one in found
        ],
        source="home",
    )
    if items:
        components.tracks(items, key="feed", layout="list", whole=False)
    else:
        st.info(
            "What those whom you follow like and finish is listed here, if they let it be seen.",
            icon=":material/dynamic_feed:",
        )


def _people(listener: Listener) -> None:
    st.subheader("You follow", anchor=False)
    followed = Follows(service.database()).followed_by(listener.user_id)
    if not followed:
        st.caption("Nobody yet.")
    for person in followed:
        alike = finding.alike(service.database(), listener.user_id, person.user_id)
        with st.container(horizontal=True, vertical_alignment="center"):
            told = "no taste yet" if alike is None else f"{alike:.0%} alike"
            st.markdown(f"**{plain(person.name)}**  \n:gray[{told}]")
            if alike is not None and st.button("Music for both", key=f"blend-{person.user_id}"):
                _blended(listener, person)
            if st.button("Unfollow", key=f"unfollow-{person.user_id}", type="tertiary"):
                Follows(service.database()).end(listener.user_id, person.user_id)
                st.rerun()
    following = Follows(service.database()).followers_of(listener.user_id)
    if following:
        st.subheader("They follow you", anchor=False)
    for person in following:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(person.name)}**")
            if st.button("Remove", key=f"remove-{person.user_id}", type="tertiary"):
                Follows(service.database()).end(person.user_id, listener.user_id)
                st.rerun()


@st.dialog("Music for both", width="large")
def _blended(listener: Listener, person: Person) -> None:
    bundle = service.catalogue().bundle()
    ranking = service.settings().ranking
    items = finding.blended(
        service.database(), listener.user_id, person.user_id, bundle=bundle, ranking=ranking
    )
    st.caption(f"What you and {plain(person.name)} may both like: the less pleased of you decides.")
    components.tracks(items, key=f"blended-{person.user_id}", layout="list")


def _ask(listener: Listener) -> None:
    with st.form("follow", clear_on_submit=True, border=False):
        name = st.text_input("Follow somebody", placeholder="Their name here")
        if st.form_submit_button("Ask") and name.strip():
            try:
                Follows(service.database()).ask(listener.user_id, name)
                st.toast("If there is somebody of that name, they have been asked.")
            except SharingError as error:
                st.error(str(error))


def _own(listener: Listener) -> None:
    database = service.database()
    shown = shows_activity(database, listener.user_id)
    told = "Your likes and what you hear to the end. Off, nobody sees anything."
    chosen = st.toggle("Followers see what I hear", value=shown, key="activity", help=told)
    if chosen != shown:
        show_activity(database, listener.user_id, shown=chosen)
