"""The versions of models: which is in use, which are kept, in which order."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from segue.models.versions import Models
from segue.storage.store import Store

NOW = datetime(2026, 1, 1, tzinfo=UTC)


def test_one_version_is_active_at_a_time(store: Store) -> None:
    models = Models(store)
    assert models.active_version("index") is None
    models.activate("index", "v1")
    models.activate("index", "v2")
    assert models.active_version("index") == "v2"


def test_fields_are_those_of_one_version_and_the_active_one(store: Store) -> None:
    models = Models(store)
    models.put("index", "v1", {"manifest": {"count": 3, "space": "s"}, "path": "here"})
    assert models.active_fields("index") is None
    assert models.fields("index", "v2") is None
    models.activate("index", "v1")
    found = models.active_fields("index", "manifest.count")
    assert found is not None and found["manifest"] == {"count": 3}
    assert models.has("index", "v1") and not models.has("feedback", "v1")


def test_versions_are_listed_newest_first_by_kind(store: Store) -> None:
    models = Models(store)
    for age, version in enumerate(("new", "old", "oldest")):
        models.put("als", version, {}, created_at=NOW - timedelta(days=age))
    models.put("following", "other", {}, created_at=NOW)
    models.activate("als", "old")
    assert models.versions("als") == ["new", "old", "oldest"]
    assert models.versions("als", before=NOW) == ["old", "oldest"]
    assert models.created("als")["oldest"] == NOW - timedelta(days=2)
    assert set(models.versions("als", "following")) == {"new", "old", "oldest", "other"}


def test_a_repeated_version_keeps_the_time_when_it_was_made(store: Store) -> None:
    models = Models(store)
    models.put("audio-space", "v1", {"tracks": 1})
    made = models.created("audio-space")["v1"]
    models.put("audio-space", "v1", {"tracks": 2})
    assert models.created("audio-space")["v1"] == made
    assert (models.fields("audio-space", "v1") or {})["tracks"] == 2


def test_versions_of_one_kind_are_removed_and_the_active_one_stays(store: Store) -> None:
    models = Models(store)
    for version in ("a", "b", "c"):
        models.put("als", version, {})
        models.put("index", version, {})
    models.activate("als", "c")
    models.remove("als", ["a"])
    models.remove_all_but("als", ["c"])
    assert models.versions("als") == ["c"] and models.active_version("als") == "c"
    assert set(models.versions("index")) == {"a", "b", "c"}
