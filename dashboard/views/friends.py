"""Friends: followed listeners, their activity, the similarity of tastes, and music for both."""

from __future__ import annotations

import streamlit as st

from segue.dashboard import given, visit
from segue.dashboard.language.formats import ago, percent
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.player import components
from segue.dashboard.queries import friends as finding
from segue.dashboard.queries.items import noted_items
from segue.dashboard.text import plain
from segue.dashboard.views import more
from segue.people.accounts import Account
from segue.people.login_sessions import Listener
from segue.social.activity import Activity, PrivacyChoices, feed
from segue.social.follows import Follows
from segue.social.links import SharingError

_ACTIVITIES = 25


def show() -> None:
    """Requests, activity, followed listeners and followers."""
    listener = visit.listener()
    st.title(gettext("Friends"), anchor=False)
    if listener is None or listener.name is None:
        st.info(gettext("To follow friends, sign up under You."), icon=":material/group:")
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
    for person in Follows(visit.services().store).asking(listener.user_id):
        with st.container(border=True, horizontal=True, vertical_alignment="center"):
            st.markdown(gettext("**{name}** wants to follow you.", name=plain(person.name)))
            if st.button(gettext("Accept"), key=f"agree-{person.user_id}", type="primary"):
                Follows(visit.services().store).agree(listener.user_id, person.user_id)
                st.rerun()
            if st.button(gettext("Decline"), key=f"refuse-{person.user_id}"):
                Follows(visit.services().store).end(person.user_id, listener.user_id)
                st.rerun()


def _feed(listener: Listener) -> None:
    st.header(gettext("Friends' activity"), anchor=False)
    limit = more.asked_for("feed", first=_ACTIVITIES)
    activities = feed(visit.services().store, listener.user_id, limit=limit + 1)
    items = noted_items(
        visit.services().store,
        [(activity.track_id, _told(activity)) for activity in activities[:limit]],
        source="home",
    )
    if items:
        components.tracks(items, key="feed", layout="list", whole=False)
        if len(activities) > limit:
            more.offer("feed", shown=limit, total=None, words=_activities)
    else:
        st.info(
            gettext("Songs that your friends like or finish appear here, if they share their activity."),
            icon=":material/dynamic_feed:",
        )


def _told(activity: Activity) -> str:
    name, when = activity.person.name, ago(activity.at.timestamp() * 1000)
    if activity.what == "liked":
        return gettext("{name} likes it, {when}", name=name, when=when)
    return f"{name}, {when}"


def _activities(shown: int, _: int | None) -> str:
    return gettext("The first {shown} activities of the last two weeks", shown=shown)


def _people(listener: Listener) -> None:
    st.header(gettext("Following"), anchor=False)
    followed = Follows(visit.services().store).followed_by(listener.user_id)
    if not followed:
        st.caption(gettext("Nobody yet."))
    for person in followed:
        shared_taste = finding.similarity(visit.services().store, listener.user_id, person.user_id)
        with st.container(horizontal=True, vertical_alignment="center"):
            similarity = (
                gettext("no taste yet")
                if shared_taste is None
                else gettext("{percent} similar", percent=percent(shared_taste))
            )
            st.markdown(f"**{plain(person.name)}**  \n:gray[{similarity}]")
            if shared_taste is not None and st.button(
                gettext("Music for both"), key=f"blend-{person.user_id}"
            ):
                st.dialog(gettext("Music for both"), width="large")(_blended)(listener.user_id, person)
            if st.button(gettext("Unfollow"), key=f"unfollow-{person.user_id}", type="tertiary"):
                Follows(visit.services().store).end(listener.user_id, person.user_id)
                st.rerun()
    followers = Follows(visit.services().store).followers_of(listener.user_id)
    if followers:
        st.header(gettext("Followers"), anchor=False)
    for person in followers:
        with st.container(horizontal=True, vertical_alignment="center"):
            st.markdown(f"**{plain(person.name)}**")
            if st.button(gettext("Remove"), key=f"remove-{person.user_id}", type="tertiary"):
                Follows(visit.services().store).end(person.user_id, listener.user_id)
                st.rerun()


@visit.of_listener
def _blended(user_id: str, person: Account) -> None:
    bundle = visit.services().catalogue.bundle()
    ranking = visit.services().settings.ranking
    items = finding.blended(visit.services().store, user_id, person.user_id, bundle=bundle, ranking=ranking)
    st.caption(
        gettext(
            "Songs for you and {name}, ranked by the lower of your two similarities.", name=plain(person.name)
        )
    )
    components.tracks(items, key=f"blended-{person.user_id}", layout="list")


def _ask(listener: Listener) -> None:
    with st.form("follow", clear_on_submit=True, border=False):
        name = given.text(st.text_input(gettext("Follow a friend"), placeholder=gettext("Account name")))
        if st.form_submit_button(gettext("Send request")) and name.strip():
            try:
                Follows(visit.services().store).ask(listener.user_id, name)
                st.toast(gettext("If this account exists, it now has your request."))
            except SharingError as error:
                st.error(translated(error))


def _own(listener: Listener) -> None:
    choices = PrivacyChoices(visit.services().store)
    shown = choices.activity_is_shown(listener.user_id)
    hint = gettext("Your likes and the songs that you finish. When this is off, followers see nothing.")
    label = gettext("Share my activity with followers")

    def choose() -> None:
        choices.show_activity(listener.user_id, shown=bool(st.session_state["activity"]))

    st.session_state["activity"] = shown
    st.toggle(label, key="activity", help=hint, on_change=visit.by_listener(listener.user_id, choose))
