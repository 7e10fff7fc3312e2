"""Following, the feed, and two tastes: nothing is seen that was not agreed to."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path

import numpy as np
import pytest
from pymongo.database import Database

from segue.dashboard.queries.friends import blended, similarity
from segue.index.bundle import load_bundle
from segue.settings import load_settings
from segue.social.activity import FRESH, PrivacyChoices, feed
from segue.social.blend import blend, match
from segue.social.follows import Follows
from segue.social.links import SharingError
from segue.storage.mongo import Document, pack
from segue.storage.store import Store
from tests.index.corpus import write
from tests.ranking.test_plan import SHELF

RANKING = load_settings().ranking


@pytest.fixture
def people(database: Database[Document]) -> Database[Document]:
    database.accounts.insert_many(
        {"_id": name.lower(), "user_id": f"id-{name.lower()}", "name": name}
        for name in ("Ada", "Ben", "Cleo")
    )
    return database


def test_following_needs_agreement(people: Database[Document]) -> None:
    follows = Follows(Store(people))
    follows.ask("id-ada", " BEN ")
    assert [one.name for one in follows.asking("id-ben")] == ["Ada"]
    assert follows.followed_by("id-ada") == []
    assert not follows.agreed("id-ada", "id-ben")
    assert follows.agree("id-ben", "id-ada")
    assert [one.name for one in follows.followed_by("id-ada")] == ["Ben"]
    assert [one.name for one in follows.followers_of("id-ben")] == ["Ada"]
    assert not follows.agreed("id-ben", "id-ada")
    follows.end("id-ada", "id-ben")
    assert not follows.agreed("id-ada", "id-ben")


def test_nobody_agrees_for_another_or_without_being_asked(people: Database[Document]) -> None:
    follows = Follows(Store(people))
    follows.ask("id-ada", "ben")
    assert not follows.agree("id-cleo", "id-ada")
    assert not follows.agree("id-ada", "id-ben")
    assert not follows.agreed("id-ada", "id-ben")


def test_asking_again_does_not_undo_an_agreement(people: Database[Document]) -> None:
    follows = Follows(Store(people))
    follows.ask("id-ada", "ben")
    follows.agree("id-ben", "id-ada")
    follows.ask("id-ada", "ben")
    assert follows.agreed("id-ada", "id-ben")


def test_an_unknown_name_is_answered_as_a_known_one(people: Database[Document]) -> None:
    follows = Follows(Store(people))
    follows.ask("id-ada", "nobody at all")
    with pytest.raises(SharingError):
        follows.ask("id-ada", "ada")


def test_the_feed_shows_only_activity_that_listeners_share(people: Database[Document]) -> None:
    now = datetime.now(UTC)
    people.opinions.insert_many(
        {
            "_id": f"{who}:t1",
            "user_id": who,
            "track_id": "t1",
            "opinion": "like",
            "at": now - timedelta(hours=1),
        }
        for who in ("id-ben", "id-cleo")
    )
    people.listening.insert_one(
        {
            "_id": "x",
            "user_id": "id-ben",
            "start": now - timedelta(hours=2),
            "rows": [{"track_id": "t2", "completions": 2}, {"track_id": "t3", "completions": 0}],
        }
    )
    follows = Follows(Store(people))
    follows.ask("id-ada", "ben")
    PrivacyChoices(Store(people)).show_activity("id-ben", shown=True)
    assert feed(Store(people), "id-ada") == []
    follows.agree("id-ben", "id-ada")
    assert [(one.what, one.track_id, one.times) for one in feed(Store(people), "id-ada")] == [
        ("liked", "t1", 1),
        ("listened", "t2", 2),
    ]
    assert feed(Store(people), "id-cleo") == []
    PrivacyChoices(Store(people)).show_activity("id-ben", shown=False)
    assert feed(Store(people), "id-ada") == []
    PrivacyChoices(Store(people)).show_activity("id-ben", shown=True)
    assert feed(Store(people), "id-ada", now=now + FRESH) == []


def test_tastes_are_compared_only_between_those_who_agreed(people: Database[Document]) -> None:
    for who, vector in (("id-ada", [1.0, 0.0]), ("id-ben", [0.6, 0.8])):
        people.tastes.insert_one({"_id": who, "vector": pack(np.array(vector)), "space": "s"})
    assert similarity(Store(people), "id-ada", "id-ben") is None
    follows = Follows(Store(people))
    follows.ask("id-ada", "ben")
    assert similarity(Store(people), "id-ada", "id-ben") is None
    follows.agree("id-ben", "id-ada")
    assert similarity(Store(people), "id-ada", "id-ben") == pytest.approx(0.6)
    people.tastes.update_one({"_id": "id-ben"}, {"$set": {"space": "another"}})
    assert similarity(Store(people), "id-ada", "id-ben") is None


def test_match_is_the_cosine_and_unknown_without_a_taste() -> None:
    one, other = np.array([1.0, 0.0]), np.array([0.0, 1.0])
    assert match(one, one) == 1
    assert match(one, other) == 0
    assert match(one, -one) == 0
    assert match(one, np.zeros(2)) is None


def test_a_blend_serves_both() -> None:
    blues, waltz = SHELF.vectors[0], SHELF.vectors[17]
    found = blend(blues, waltz, bundle=SHELF, items=6, ranking=RANKING)
    least = [float(np.minimum(SHELF.vectors[r] @ blues, SHELF.vectors[r] @ waltz)) for r in SHELF.rows(found)]
    everything = np.minimum(SHELF.vectors @ blues, SHELF.vectors @ waltz)
    assert least[0] == pytest.approx(everything.max(), abs=1e-6)
    assert len(set(found)) == 6
    again = blend(blues, waltz, bundle=SHELF, items=6, ranking=RANKING, without=found[:2])
    assert not set(found[:2]) & set(again)


def test_music_for_both_waits_for_tastes_in_the_space_of_the_index(
    people: Database[Document], tmp_path: Path
) -> None:
    bundle = load_bundle(tmp_path / write(tmp_path, space="new").version)
    people.tracks.insert_many({"_id": one, "state": "present", "title": one} for one in bundle.ids(range(60)))
    follows = Follows(Store(people))
    for one, other, name in (("id-ada", "id-ben", "ben"), ("id-ben", "id-ada", "ada")):
        follows.ask(one, name)
        follows.agree(other, one)
    for space, found in (("former", 0), ("new", 6)):
        for row, user in enumerate(("id-ada", "id-ben")):
            taste = {"vector": pack(bundle.vectors[row]), "space": space}
            people.tastes.update_one({"_id": user}, {"$set": taste}, upsert=True)
        assert similarity(Store(people), "id-ada", "id-ben") is not None
        items = blended(Store(people), "id-ada", "id-ben", bundle=bundle, ranking=RANKING, items=6)
        assert len(items) == found
