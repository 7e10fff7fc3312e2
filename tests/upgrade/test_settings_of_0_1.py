"""Each setting of release 0.1 works under its former name and in its former notation."""

from __future__ import annotations

import json
import logging
import tomllib
from collections.abc import Iterator, Mapping
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from segue.places import absolute
from segue.renamed_settings import RENAMED
from segue.settings import Settings, load_settings

DEFAULTS = Path(__file__).with_name("data") / "default-0.1.toml"
"""conf/default.toml of release 0.1."""
NEED_OTHERS: dict[str, dict[str, Any]] = {
    "kafka.security": {"kafka.bootstrap": "own:9092"},
    "kafka.user": {"kafka.security": "sasl_ssl", "kafka.password": "x", "kafka.bootstrap": "own:9092"},
    "kafka.password": {"kafka.security": "sasl_ssl", "kafka.user": "x", "kafka.bootstrap": "own:9092"},
    "kafka.ca_file": {"kafka.security": "ssl", "kafka.bootstrap": "own:9092"},
    "kafka.client_file": {"kafka.security": "ssl", "kafka.bootstrap": "own:9092"},
    "mongo.user": {"mongo.password": "x", "mongo.uri": "mongodb://own"},
    "mongo.password": {"mongo.user": "x", "mongo.uri": "mongodb://own"},
    "mongo.tls": {"mongo.uri": "mongodb://own"},
    "mongo.ca_file": {"mongo.tls": True, "mongo.uri": "mongodb://own"},
    "mongo.client_file": {"mongo.tls": True, "mongo.uri": "mongodb://own"},
    "engagement.window": {"engagement.session_gap": "3 hours"},
}
"""By setting, those without which another value of it is refused."""
OTHER_VALUES: dict[str, Any] = {
    "kafka.security": "ssl",
    "kafka.mechanism": "PLAIN",
    "kafka.ca_file": "conf/default.toml",
    "kafka.client_file": "conf/default.toml",
    "mongo.ca_file": "conf/default.toml",
    "mongo.client_file": "conf/default.toml",
    "kafka.bootstrap": "broker:9092",
    "mongo.uri": "mongodb://host",
    "spark.master": "local[3]",
    "spark.driver_memory": "3g",
    "spark.options": ["spark.executor.memory=2g", "spark.a=b=c"],
    "index.space": "audio",
    "index.backend": "voyager",
    "experiments.variants": {"audio": 50, "hybrid": 50},
    "experiments.ranking": {"bold": {"exploration": 0.3, "per_artist": 3}},
    "dashboard.operators": ["Ada"],
}
"""Where another value cannot be made from the default."""
EXPECTED: dict[str, Any] = {
    "spark.driver_memory": 3 * 2**30,
    "spark.options": (("spark.executor.memory", "2g"), ("spark.a", "b=c")),
    "experiments.variants": (("audio", 50.0), ("hybrid", 50.0)),
    "experiments.ranking": (
        ("bold", (("max_per_artist", 3.0), ("exploration_share", 0.3), ("staying_per_artist", 3.0))),
    ),
    "mongo.tls": "on",
    "mongo.timeout_ms": timedelta(milliseconds=5001),
    "audio.max_seconds": timedelta(seconds=121),
    "audio.min_seconds": timedelta(seconds=4),
    "audio.time_limit": timedelta(seconds=121),
    "stream.max_play_bytes": 65537,
    "stream.fetch_max_wait_ms": timedelta(milliseconds=6),
    "stream.progress_hours": timedelta(hours=7),
    "stream.progress_days": timedelta(days=31),
}
"""By former name, the value of today where it is not the same."""
FOLDERS = ("spark.checkpoint", "index.folder", "models.folder")


def leaves(table: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, Any]]:
    for key, value in table.items():
        if isinstance(value, dict) and value:
            yield from leaves(value, f"{prefix}{key}.")
        else:
            yield f"{prefix}{key}", value


FORMER = dict(leaves(tomllib.loads(DEFAULTS.read_text())))


def other(name: str) -> Any:
    """Another value than the default, in the notation of release 0.1."""
    value = FORMER[name]
    if name in OTHER_VALUES:
        return OTHER_VALUES[name]
    if isinstance(value, bool):
        return not value
    if isinstance(value, int):
        return value + 1
    if isinstance(value, float):
        return value * 0.5 or 0.25
    if value and value.split()[-1].rstrip("s") in ("second", "minute", "hour", "day"):
        return "3 hours"
    return f"{value}x"


def expected(name: str) -> Any:
    value = other(name)
    if name in EXPECTED:
        return EXPECTED[name]
    if name in FOLDERS:
        return str(absolute(value))
    if name.endswith("_file"):
        return str(absolute(value))
    if value == "3 hours":
        return timedelta(hours=3)
    return tuple(value) if isinstance(value, list) else value


def todays(settings: Settings, name: str) -> Iterator[Any]:
    """The values under the names of today."""
    names = RENAMED.get(name, name)
    for new in (names,) if isinstance(names, str) else names:
        value: Any = settings
        for part in new.split("."):
            value = getattr(value, part)
        yield value.get_secret_value() if hasattr(value, "get_secret_value") else value


def written(values: Mapping[str, Any]) -> str:
    """As a TOML file with dotted keys."""
    return "".join(f"{name} = {toml(value)}\n" for name, value in values.items())


def toml(value: Any) -> str:
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {toml(each)}" for key, each in value.items()) + "}"
    return json.dumps(value)


def test_the_defaults_of_0_1_are_those_of_today(monkeypatch: pytest.MonkeyPatch) -> None:
    today = load_settings()
    monkeypatch.setenv("SEGUE_CONF", str(DEFAULTS))
    former = load_settings()
    # One breadth of search was for every backend.
    voyager = today.index.voyager.model_copy(update={"query_ef": 3000})
    index = today.index.model_copy(update={"voyager": voyager})
    # Nobody is an operator unasked any more, except where a settings file of 0.1 says so.
    dashboard = today.dashboard.model_copy(update={"local_operator": True})
    # Who has these settings keeps the lists of 0.1: the order, what comes again, and the artist limit.
    kept = {"model": "sum", "repeat_share": 0.0, "staying_per_artist": today.ranking.max_per_artist}
    ranking = today.ranking.model_copy(update=kept)
    assert former == today.model_copy(update={"index": index, "dashboard": dashboard, "ranking": ranking})


@pytest.mark.parametrize("name", FORMER)
def test_a_setting_of_0_1_has_its_effect(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str
) -> None:
    needed = NEED_OTHERS.get(name, {})
    default, value = list(todays(load_settings(), name)), other(name)
    own = tmp_path / "own.toml"
    own.write_text(written({**needed, name: value}))
    with monkeypatch.context() as environment, caplog.at_level(logging.WARNING):
        environment.setenv("SEGUE_CONF", str(own))
        in_file = list(todays(load_settings(), name))
    assert all(found == expected(name) for found in in_file)
    assert in_file != default or name == "dashboard.open_on_this_machine", "off is the default of today"
    if name in RENAMED:
        assert sum(f"the setting {name} is now" in record.getMessage() for record in caplog.records) == 1
    with monkeypatch.context() as environment:
        for key, each in {**needed, name: value}.items():
            text = each if isinstance(each, str) else json.dumps(each)
            environment.setenv(f"SEGUE_{key.upper().replace('.', '__')}", text)
        assert list(todays(load_settings(), name)) == in_file


@pytest.mark.parametrize("weight", ["0", "0.0"])
def test_without_session_weight_0_1_used_no_artists_either(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, weight: str
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(f"[ranking]\nsession_weight = {weight}\n[experiments.ranking.plain]\nsession_weight = 0\n")
    with monkeypatch.context() as environment:
        environment.setenv("SEGUE_CONF", str(own))
        settings = load_settings()
    assert (settings.ranking.transition_weight, settings.ranking.artist_weight) == (0, 0)
    assert settings.experiments.ranking == (("plain", (("transition_weight", 0), ("artist_weight", 0))),)
    monkeypatch.setenv("SEGUE_RANKING__SESSION_WEIGHT", weight)
    assert load_settings().ranking.artist_weight == 0
    monkeypatch.delenv("SEGUE_RANKING__SESSION_WEIGHT")
    monkeypatch.setenv("SEGUE_RANKING__TRANSITION_WEIGHT", weight)
    assert load_settings().ranking.artist_weight == 2
