"""Lists as served: without heard tracks, with the artist limit, with all sources; and forms of taste."""

from __future__ import annotations

import numpy as np
import pytest
from scipy import sparse

from segue.recommenders.played import AlsRecommender
from segue.recommenders.served import AsServed, ServedRecommender, SessionKnowledge
from segue.recommenders.session_models import SessionModel
from segue.recommenders.tastes import NearTaste, average, centroids, nearest
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import Queries, prefixes
from segue.settings import load_settings
from tests.recommenders.test_session_models import answer, log

SETTINGS = load_settings()
SMALL = {
    "dimension": 4,
    "hidden_units": 4,
    "batch_size": 32,
    "epochs": 2,
    "context_size": 2,
    "negative_samples": 2,
}
MODELS = SETTINGS.models.model_copy(
    update={
        "rules": SETTINGS.models.rules.model_copy(
            update={"backward_weight": 0.0, "shrinkage": 1.0, "max_gap": 2}
        ),
        "sessions": SETTINGS.models.sessions.model_copy(update=SMALL),
    }
)
RANKING = SETTINGS.ranking.model_copy(
    update={"transition_weight": 2.0, "artist_weight": 0.0, "recent_decay": 0.5, "max_per_artist": 20}
)


class Fixed:
    """A model that gives every query the same scores."""

    def __init__(self, scores: list[float]) -> None:
        self.row = sparse.csr_matrix(np.array([scores], dtype=np.float32))

    def fit(self, history: SessionLog) -> SessionModel:
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        return sparse.csr_matrix(np.ones((len(queries), 1), dtype=np.float32)) @ self.row


def test_rules_are_weighted_shrunk_and_fade_with_each_track_heard_since() -> None:
    history = log("abc", "ab")
    # a -> b by two listeners: weight 2 of 2, evidence 2/3; a -> c by one: .5 of 2, evidence 1/2.
    assert answer(SessionKnowledge(MODELS, RANKING), history, "a") == {
        "b": pytest.approx(2 * 2 / 3),
        "c": pytest.approx(2 * 0.25 / 2),
    }
    # b -> c is b's strongest, by one listener; the rules of a count half, one track later.
    assert answer(SessionKnowledge(MODELS, RANKING), history, "ab") == {
        "b": pytest.approx(2 / 3),
        "c": pytest.approx(2 * (1 / 2 + 0.5 * 0.25 / 2)),
    }


def test_an_artist_goes_on_by_its_listeners_however_often_it_was_heard() -> None:
    history = log("ax", "by", "bz", artists={"a": "one", "b": "one"})
    models = MODELS.model_copy(update={"rules": MODELS.rules.model_copy(update={"min_listeners": 1})})
    ranking = RANKING.model_copy(update={"artist_weight": 3.0})
    found = answer(SessionKnowledge(models, ranking), history, "a")
    # a is one listener's, b two listeners', and half a listener is added to each.
    assert found["b"] == pytest.approx(3.0)
    assert found["a"] == pytest.approx(3.0 * np.sqrt(1.5 / 2.5))
    twice = answer(SessionKnowledge(models, ranking), history, "ba")
    assert twice["b"] == pytest.approx(3.0 * (1 + 0.5))


def test_a_served_list_has_nothing_heard_and_no_artist_too_often() -> None:
    history = log("abcdef", artists=dict.fromkeys("abcde", "one"))
    two = RANKING.model_copy(update={"max_per_artist": 2, "artist_window": 10, "list_length": 4})
    model = AsServed(Fixed([0.9, 0.8, 0.7, 0.6, 0.5, 0.1]), two).fit(history)
    found = model.scores(prefixes(history)).toarray()
    lists = [[str(history.item_ids[i]) for i in np.argsort(-row) if row[i] > 0] for row in found]
    # Two songs of the artist at most, as long as there are others to fill the list.
    assert lists[0] == ["b", "c", "f", "d"]
    assert lists[1] == ["c", "d", "f", "e"]
    assert lists[4] == ["f"]


def test_the_hybrid_adds_session_scores_to_the_similarity() -> None:
    history = log("abcab", "abdab", "acbda")
    model = ServedRecommender(MODELS, RANKING, SETTINGS.taste).fit(history)
    queries = prefixes(history)
    cosines, added = model.near.cosines(queries), model.knowledge.scores(queries).toarray()
    # Tracks from sessions are in the list however dissimilar they are.
    expected = np.where(added > 0, cosines + added, np.maximum(cosines, 0))
    np.testing.assert_allclose(model.scores(queries).toarray(), expected, rtol=1e-5, atol=1e-7)


def test_one_taste_is_between_the_heard_tracks_and_several_tastes_are_at_them() -> None:
    vectors = np.array([[1, 0], [0, 1], [np.sqrt(0.5), np.sqrt(0.5)]], dtype=np.float32)
    heard = sparse.csr_matrix(np.array([[1.0, 1.0, 0.0], [1.0, 0.0, 0.0]], dtype=np.float32))
    np.testing.assert_allclose(average(vectors, heard)[0], [0.7071, 0.7071, 1.0], atol=1e-4)
    np.testing.assert_allclose(centroids(2)(vectors, heard)[0], [1.0, 1.0, 0.7071], atol=1e-4)
    np.testing.assert_allclose(centroids(2)(vectors, heard)[1], average(vectors, heard)[1], atol=1e-6)
    near = centroids(1)(vectors, heard)
    np.testing.assert_allclose(near, average(vectors, heard), atol=1e-6)


def test_clusters_keep_similar_tracks_together_and_count_by_weight() -> None:
    angles = np.radians([0, 10, 90])
    vectors = np.column_stack([np.cos(angles), np.sin(angles)]).astype(np.float32)
    heard = sparse.csr_matrix(np.array([[3.0, 1.0, 1.0]], dtype=np.float32))
    first = 3 * vectors[0] + vectors[1]
    expected = np.maximum(vectors @ (first / np.linalg.norm(first)), vectors @ vectors[2])
    np.testing.assert_allclose(centroids(2)(vectors, heard)[0], expected, atol=1e-6)


@pytest.mark.parametrize(("half_life", "weights"), [(None, [1, 1]), (1.0, [0.5, 1]), (0, [0, 1])])
def test_the_later_plays_count_for_more(half_life: float | None, weights: list[float]) -> None:
    history = log("abcab", "abdab")
    model = NearTaste(MODELS.sessions, half_life=half_life).fit(history)
    queries = prefixes(log("ab", "abcd"))
    taste = weights[0] * model.vectors[0] + weights[1] * model.vectors[1]
    expected = model.vectors @ (taste / np.linalg.norm(taste))
    np.testing.assert_allclose(model.cosines(queries)[2], expected, atol=1e-5)


def test_the_nearest_are_those_with_the_largest_cosines_above_nothing() -> None:
    found = nearest(np.array([[0.1, 0.9, 0.5], [-0.5, -0.1, 0.3]], dtype=np.float32), 2).toarray()
    np.testing.assert_allclose(found, [[0, 0.9, 0.5], [0, 0, 0.3]])


def test_als_recommends_tracks_of_similar_listeners_and_nothing_to_new_ones() -> None:
    sessions = ["abc", "ab", "abc", "xyz", "xy", "xyz"]
    history = log(*sessions, users="012345")
    als = MODELS.als.model_copy(update={"factors": 4})
    found = answer(AlsRecommender(als), history, "a", user=1)
    assert max("cz", key=lambda item: found.get(item, 0)) == "c"
    alone = history.take(history.users != 1)
    assert answer(AlsRecommender(als), alone, "a", user=1) == {}
