"""Make the files of tests/upgrade/data with an earlier version of Segue; data/README.md says how to run it.

It runs on the earlier version's code and imports its modules, so the type checker leaves it out.
"""

from __future__ import annotations

import gzip
import io
import json
import os
import random
import re
import shutil
import subprocess
import sys
import tarfile
import time
import uuid
from datetime import UTC, date, datetime
from pathlib import Path

import bson
from dashboard.finding.starts import Picks, keep_picks
from dashboard.people.accounts import Accounts
from dashboard.people.sessions import Sessions
from dashboard.people.throttle import Throttle
from mutagen.id3 import ID3
from pymongo import UpdateOne
from segue.playlists.day import DayLists

from batch_jobs import build_index, ingest_catalog
from segue.demo.library import TRACKS, compose_library
from segue.engagement.definitions import fingerprint
from segue.local.kafka import Broker
from segue.local.mongod import Mongod
from segue.playlists.playlists import Playlists
from segue.plays.delivery import PlayProducer
from segue.privacy import leaving
from segue.settings import load_settings
from segue.social import activity
from segue.social.follows import Follows
from segue.social.links import ShareLinks
from segue.storage.kafka import ensure_topics, read_rejected
from segue.storage.kafka_topics import records_of
from segue.storage.mongo import connect

STYLES = ("Waltz", "Metal", "Folk")
CHANGED = {
    ("spark", "ui_port"): "0",
    ("embedding", "genre_tracks"): "3",
    ("index", "trees"): "5",
    ("index", "recall_queries"): "10",
    ("stream", "metrics_port"): "0",
    # The test sends these records again, whenever it runs; they are late by then.
    ("stream", "lateness"): '"20000 days"',
    ("stream", "rejected_trigger"): '"0 seconds"',
    ("models", "factors"): "4",
    ("models", "iterations"): "2",
    ("models.sessions", "min_plays"): "10",
    ("models.sessions", "dimension"): "8",
    ("models.sessions", "hidden"): "8",
    ("models.sessions", "epochs"): "2",
    ("engagement", "trigger"): '"0 seconds"',
    ("engagement", "feedback_every"): '"0 seconds"',
    ("engagement", "feedback_span"): '"20000 days"',
    ("ranking", "feedback_plays"): "3",
    ("retention", "plays"): '"20000 days"',
    ("retention", "rejected"): '"20000 days"',
    ("retention", "listening"): '"20000 days"',
    ("kafka", "plays_topic"): '"plays-upgrade"',
    ("kafka", "rejected_topic"): '"plays-upgrade.rejected"',
}
"""Small models, no waiting, and nothing that expires before the test reads it."""
ADA, BEN, EVE, NEW = "user-ada", "user-ben", "guest-eve", "guest-new"
MINUTE = 60_000


def main() -> None:
    old, out = Path(sys.argv[1]), Path(sys.argv[2])
    work = Path("/tmp/segue-upgrade-data")
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    (out / "settings.toml").write_text(changed((old / "conf/default.toml").read_text()))
    mongod, broker = Mongod(work / "mongo"), Broker(work / "kafka")
    os.environ |= {
        "SEGUE_CONF": str(out / "settings.toml"),
        "SEGUE_MONGO__URI": mongod.start(),
        "SEGUE_MONGO__DATABASE": "before",
        "SEGUE_KAFKA__BOOTSTRAP": broker.start(),
        "SEGUE_SPARK__CHECKPOINT": str(work / "checkpoints"),
        "SEGUE_INDEX__FOLDER": str(work / "index"),
        "SEGUE_MODELS__FOLDER": str(work / "models"),
    }
    try:
        make(old, out, work)
    finally:
        broker.stop()
        mongod.stop()


def changed(text: str) -> str:
    """The settings file with the values of CHANGED."""
    wanted, section, lines = dict(CHANGED), "", []
    for line in text.splitlines():
        if head := re.match(r"\[([\w.]+)\]", line):
            section = head[1]
        if (key := re.match(r"(\w+) = ", line)) and (section, key[1]) in wanted:
            lines.append(f"{key[1]} = {wanted.pop((section, key[1]))}")
        else:
            lines.append(line)
    assert not wanted, wanted
    return "\n".join(lines) + "\n"


def make(old: Path, out: Path, work: Path) -> None:  # noqa: PLR0915  # one step after the other
    settings = load_settings()
    database = connect(settings.mongo)
    ensure_topics(settings.kafka)

    def job(module: str, *arguments: str, **environment: str) -> None:
        variables = {**os.environ, **environment}
        subprocess.run([sys.executable, "-m", module, *arguments], cwd=old, env=variables, check=True)

    def learn() -> None:
        few = '["spark.sql.shuffle.partitions=2"]'
        job("batch_jobs.train_models", "train", SEGUE_SPARK__OPTIONS=few)
        job("batch_jobs.train_embeddings", "--genres")
        job("batch_jobs.build_index")

    music = Path("/tmp/segue-upgrade-music")
    chosen = [track for track in TRACKS if track.style in STYLES and track.place < 6]
    compose_library(music, tracks=chosen)
    for number, file in enumerate(sorted((music).rglob("*.mp3"))):
        if number:  # pictures are large, and one of them says all
            tags = ID3(file)
            tags.delall("APIC")
            tags.save()
    (music / "picture.mp3").write_bytes(b"\xff\xd8\xff\xe0" + b"not music" * 100)
    ingest_catalog.run(database, music, quiet=True)
    job("batch_jobs.extract_features")
    job("batch_jobs.train_embeddings", "--genres")
    job("batch_jobs.build_index")
    people(database, settings)

    catalogue = list(database.tracks.find({"state": "present"}).sort("_id"))
    # Windows of half an hour begin at multiples of it; the plays end in the middle of one.
    window = 30 * MINUTE
    now = time.time_ns() // 1_000_000 // window * window - window // 2
    with PlayProducer(settings.kafka) as producer:
        for play in evening(catalogue, end=now - 2 * window, seed=1):
            producer.send(play)
        producer.send_bytes(b'{"event_id": "cut off', key=b"nobody")
        producer.send_bytes(b"\xff\xfe not text", key=b"nobody")
    job("streaming_jobs.recommend", "--drain")
    learn()
    leaving.leave(database, settings, "user-gone")
    with PlayProducer(settings.kafka) as producer:
        sent = list(evening(catalogue, end=now, seed=2))
        for play in [*sent, *sent[-5:]]:
            producer.send(play)
    job("streaming_jobs.recommend", "--drain")
    # Once more, so that the models are those of all plays there are, and nothing has to be learned again.
    learn()

    dump(database, out / "database.bson.gz")
    pack(work / "checkpoints", out / "checkpoints.tar.xz")
    version = database.models.find_one({"_id": "active:index"})["version"]
    pack(work / "index", out / "index.tar.xz", only=version)
    before = [record_line(record) for record in sorted_records(settings)]
    rejected_before = sorted([one.partition, one.offset, one.reason] for one in read_rejected(settings.kafka))

    # What this version would make of the plays that come after the upgrade, from the same checkpoint.
    after = [
        *({**play, "user_id": NEW} for play in list(evening(catalogue, end=now + 3 * MINUTE, seed=3))[:25]),
        *(play for play in evening(catalogue, end=now + 5 * MINUTE, seed=4) if play["user_id"] != EVE),
        sent[-1],
    ]
    with PlayProducer(settings.kafka) as producer:
        for play in after:
            producer.send(play)
        producer.send_bytes(b"{}", key=b"nobody")
        producer.flush()
    job("streaming_jobs.recommend", "--drain")
    stored = ("tastes", "recommendations", "listening", "listening_sessions", "listening_stats")
    dump(database, out / "expected.bson.gz", only=stored)
    records = [record_line(record) for record in sorted_records(settings)]
    unchanged = build_index.run(database, settings.index)
    active = {one["_id"]: one["version"] for one in database.models.find({"_id": {"$regex": "^active:"}})}
    facts = {
        "active": active,
        "index": {"version": unchanged.manifest.version, "unchanged": unchanged.unchanged},
        "definitions": fingerprint(settings.engagement.window),
        "features": database.features.distinct("version"),
        "moods": database.moods.distinct("version"),
        "spaces": database.embeddings.distinct("space"),
        "rejected_before": rejected_before,
        "rejected_after": sorted([r.partition, r.offset, r.reason] for r in read_rejected(settings.kafka)),
        "sent_before": len(before),
    }
    (out / "facts.json").write_text(json.dumps(facts, indent=1, sort_keys=True) + "\n")
    text = "".join(json.dumps(line) + "\n" for line in [*before, *(r for r in records if r not in before)])
    write_gzip(out / "records.jsonl.gz", text.encode())


def people(database, settings) -> None:
    """Accounts and their data."""
    accounts = Accounts(database, throttle=Throttle(database))
    for name, user in (("Ada", ADA), ("Ben", BEN), ("Gone", "user-gone")):
        accounts.sign_up(name, f"{name}'s password", guest_id=user, address="127.0.0.1")
    Sessions(database).open(user_id=ADA, name="Ada")
    Sessions(database).open()
    tracks = [one["_id"] for one in database.tracks.find({"state": "present"}).sort("_id")]
    playlist = Playlists(database).create(ADA, "Evening", tracks=tracks[:4])
    Playlists(database).create(BEN, "Morning")
    follows = Follows(database)
    follows.ask(BEN, "Ada")
    follows.agree(ADA, BEN)
    follows.ask(ADA, "Ben")
    links = ShareLinks(database)
    links.create(ADA, kind="playlist", key=playlist.playlist_id, title="Evening", playable=True)
    activity.show_activity(database, ADA, shown=True)
    keep_picks(database, EVE, Picks(genres=("Folk",), artists=()))
    DayLists(database).keep(ADA, "mix", date(2030, 1, 1), tracks[:3])
    at = datetime.now(UTC)
    database.opinions.bulk_write(
        [
            UpdateOne(
                {"_id": f"{ADA}:{track}"},
                {"$set": {"user_id": ADA, "track_id": track, "opinion": opinion, "at": at}},
                upsert=True,
            )
            for track, opinion in zip(tracks, ("like", "dislike", "like"), strict=False)
        ]
    )
    notches = {"energy": 1, "tone": -1}
    database.mood_dials.update_one({"_id": ADA}, {"$set": {"notches": notches, "at": at}}, upsert=True)


def evening(catalogue, *, end: int, seed: int):
    """Plays of three listeners until `end`: most of one style each, some skipped, some liked."""
    rng = random.Random(seed)
    for user, style in ((ADA, "Waltz"), (BEN, "Metal"), (EVE, "Folk"), ("user-gone", "Folk")):
        if user == "user-gone" and seed > 1:
            continue
        own = [one for one in catalogue if style in one["genres"]]
        other = [one for one in catalogue if style not in one["genres"]]
        at = end - 40 * MINUTE - rng.randrange(MINUTE)
        for number in range(20):
            liked = number % 4 != 3
            track = rng.choice(own[:4] if liked else other)
            duration = int(track["duration_ms"])
            heard = duration if liked else 4000
            more = {"recommendation_id": "r1", "rank": 1 + number % 3, "model": "audio"} if number % 2 else {}

            def play(kind, ms_played, *, at, more=more, track=track, duration=duration, user=user):
                return {
                    "event_id": str(uuid.UUID(int=rng.getrandbits(128))),
                    "user_id": user,
                    "track_id": track["_id"],
                    "type": kind,
                    "ms_played": ms_played,
                    "position_ms": ms_played,
                    "duration_ms": duration,
                    "occurred_at": at,
                    "session_id": f"s-{user}",
                    "source": rng.choice(["home", "search", "radio"]),
                    **more,
                }

            if more:
                yield play("impression", 0, at=at)
            at += 1000
            yield play("play", 0, at=at)
            at += 3 * MINUTE // 2 + rng.randrange(MINUTE // 2)
            at = min(at, end)
            if number == 2:
                yield play("like", heard // 2, at=at)
            yield play("complete" if liked else "skip", heard, at=at)


def sorted_records(settings):
    found = records_of(settings.kafka, settings.kafka.plays_topic)
    return sorted(found, key=lambda record: (record.partition, record.offset))


def record_line(record) -> dict[str, object]:
    return {
        "partition": record.partition,
        "offset": record.offset,
        "timestamp": record.timestamp,
        "key": None if record.key is None else record.key.decode(),
        "value": None if record.value is None else record.value.decode("latin-1"),
    }


def dump(database, file: Path, *, only: tuple[str, ...] = ()) -> None:
    """BSON documents: {"c": collection, "d": document} of each, then {"indexes": {collection: ...}}."""
    names = sorted(only or database.list_collection_names())
    buffer = io.BytesIO()
    for name in names:
        for document in database[name].find().sort("_id"):
            buffer.write(bson.encode({"c": name, "d": document}))
    indexes = {name: list(database[name].list_indexes()) for name in names}
    buffer.write(bson.encode({"indexes": indexes}))
    write_gzip(file, buffer.getvalue())


def write_gzip(file: Path, data: bytes) -> None:
    file.write_bytes(gzip.compress(data, 9, mtime=0))


def pack(folder: Path, file: Path, *, only: str | None = None) -> None:
    with tarfile.open(file, "w:xz") as archive:
        for path in sorted(folder.rglob("*")):
            place = path.relative_to(folder)
            hidden_checksum = path.name.startswith(".") and path.suffix == ".crc"
            if path.is_file() and not hidden_checksum and (only is None or place.parts[0] == only):
                archive.add(path, str(place))


if __name__ == "__main__":
    main()
