"""The rights of the jobs' users, as a whole: a change of any of them has to be made here too."""

from __future__ import annotations

from segue.deploy.access import job_access
from segue.storage.access import KafkaAccess
from segue.storage.mongo_users import privileges
from segue.storage.store import Job, Right

EXPECTED: dict[Job, dict[Right, set[str]]] = {
    Job.STREAM: {
        Right.READ: {
            "admitted_listeners",
            "corrections",
            "tracks",
            "embeddings",
            "bundles.files",
            "bundles.chunks",
        },
        Right.WRITE: {
            "damaged_documents",
            "tastes",
            "recommendations",
            "unknown_tracks",
            "listening",
            "listening_stats",
            "listening_days",
            "listening_windows",
            "listening_sessions",
            "changed_imports",
            "imported_days",
            "imported_songs",
            "imported_tastes",
            "memories",
            "stream_progress",
            "stream_minutes",
            "models",
            "forgotten",
        },
        Right.INDEX: {
            "audit_log",
            "damaged_documents",
            "listening",
            "listening_stats",
            "listening_days",
            "listening_windows",
            "listening_sessions",
            "stream_progress",
            "stream_minutes",
        },
    },
    Job.DASHBOARD: {
        Right.READ: {
            "albums",
            "artists",
            "tracks",
            "covers",
            "lyrics",
            "features",
            "embeddings",
            "moods",
            "models",
            "bundles.files",
            "bundles.chunks",
            "trained.files",
            "trained.chunks",
            "listening_stats",
            "listening_days",
            "listening_windows",
            "library_status",
            "stream_progress",
            "stream_minutes",
        },
        Right.WRITE: {
            "admitted_listeners",
            "damaged_documents",
            "accounts",
            "sessions",
            "handovers",
            "operator_links",
            "mail_links",
            "login_failures",
            "starts",
            "opinions",
            "api_keys",
            "scrobble_connections",
            "scrobbles",
            "app_passwords",
            "bookmarks",
            "changed_imports",
            "corrections",
            "imported_days",
            "imported_songs",
            "imports",
            "marks",
            "playbacks",
            "playlists",
            "day_lists",
            "queues",
            "mood_dials",
            "share_links",
            "follows",
            "preferences",
            "privacy",
            "sent_plays",
            "forgotten",
        },
        Right.ERASE: {
            "tastes",
            "imported_tastes",
            "memories",
            "recommendations",
            "listening",
            "listening_sessions",
        },
        Right.APPEND: {"audit_log"},
        Right.INDEX: {
            "albums",
            "artists",
            "tracks",
            "accounts",
            "sessions",
            "handovers",
            "operator_links",
            "mail_links",
            "login_failures",
            "opinions",
            "api_keys",
            "scrobble_connections",
            "scrobbles",
            "app_passwords",
            "bookmarks",
            "imported_days",
            "imported_songs",
            "imports",
            "marks",
            "playbacks",
            "playlists",
            "day_lists",
            "share_links",
            "follows",
            "sent_plays",
            "forgotten",
            "recommendations",
        },
    },
    Job.CATALOGUE: {
        Right.APPEND: {"audit_log"},
        Right.READ: {"opinions", "playlists", "trained.files", "trained.chunks"},
        Right.WRITE: {
            "albums",
            "artists",
            "damaged_documents",
            "library_status",
            "tracks",
            "covers",
            "changed_imports",
            "imported_songs",
            "lyrics",
            "features",
            "embeddings",
            "moods",
            "rejected_tracks",
            "models",
            "bundles.files",
            "bundles.chunks",
        },
        Right.INDEX: {
            "albums",
            "artists",
            "bundles.files",
            "bundles.chunks",
            "embeddings",
            "features",
            "moods",
            "rejected_tracks",
        },
    },
    Job.OPERATOR: {
        Right.READ: {
            "albums",
            "artists",
            "tracks",
            "features",
            "rejected_tracks",
            "library_status",
            "stream_progress",
            "unknown_tracks",
        },
        Right.WRITE: {
            "admitted_listeners",
            "damaged_documents",
            "accounts",
            "audit_log",
            "sessions",
            "starts",
            "opinions",
            "api_keys",
            "scrobble_connections",
            "scrobbles",
            "app_passwords",
            "bookmarks",
            "changed_imports",
            "corrections",
            "imported_tastes",
            "memories",
            "imported_days",
            "imported_songs",
            "imports",
            "marks",
            "playbacks",
            "playlists",
            "queues",
            "mood_dials",
            "share_links",
            "follows",
            "preferences",
            "privacy",
            "forgotten",
            "tastes",
            "recommendations",
            "listening",
            "listening_stats",
            "listening_days",
            "listening_windows",
            "listening_sessions",
            "login_failures",
            "sent_plays",
            "handovers",
            "operator_links",
            "mail_links",
            "day_lists",
            "models",
            "trained.files",
            "trained.chunks",
            "embeddings",
        },
        Right.INDEX: {
            "audit_log",
            "damaged_documents",
            "forgotten",
            "listening",
            "listening_stats",
            "listening_days",
            "listening_windows",
            "listening_sessions",
            "trained.files",
            "trained.chunks",
        },
    },
}


def test_each_job_has_the_rights_in_mongodb_that_it_needs() -> None:
    access = job_access()
    assert access.keys() == EXPECTED.keys()
    for job, expected in EXPECTED.items():
        rights = access[job].mongo.rights
        assert {right: {name for name in rights if rights[name] & right} for right in Right} == {
            right: expected.get(right, set()) for right in Right
        }, job
    assert {job for job in Job if access[job].mongo.lists} == {Job.DASHBOARD, Job.OPERATOR}


def test_each_job_has_the_rights_in_kafka_that_it_needs() -> None:
    assert {job: access.kafka for job, access in job_access().items()} == {
        Job.STREAM: KafkaAccess(plays=("read",), rejected=("read", "write")),
        Job.DASHBOARD: KafkaAccess(plays=("read", "write"), groups=("scrobbles",)),
        Job.CATALOGUE: KafkaAccess(),
        Job.OPERATOR: KafkaAccess(plays=("read", "write", "keep"), rejected=("read", "keep")),
    }


def test_rights_are_privileges_of_a_role() -> None:
    by_collection = {
        one["resource"]["collection"]: one["actions"]
        for one in privileges("segue", job_access()[Job.DASHBOARD].mongo)
    }
    assert by_collection["tracks"] == ["collMod", "createIndex", "find", "listIndexes"]
    assert by_collection["tastes"] == ["find", "remove"]
    assert by_collection["starts"] == ["find", "insert", "remove", "update"]
    assert by_collection[""] == ["listCollections"]
    # Every job reads it at its start, to see that it may read.
    for job in Job:
        names = {one["resource"]["collection"] for one in privileges("segue", job_access()[job].mongo)}
        assert "models" in names
