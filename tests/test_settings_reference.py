"""Every setting is described, has a range where one makes sense, and says when a change applies."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from pydantic import BaseModel

from segue.places import CONF
from segue.settings import Settings, load_settings
from segue.settings import reference as settings_reference
from segue.settings.effective import plain, value_of
from segue.settings.reference import Key, reference, sections

KEYS = {key.name: key for key in reference()}
NEED_A_RANGE = {"whole number", "number", "duration", "size", "switch"}


def fields(section: type[BaseModel], prefix: str = "") -> Iterator[str]:
    for name, field in section.model_fields.items():
        nested = field.annotation
        if isinstance(nested, type) and issubclass(nested, BaseModel):
            yield from fields(nested, f"{prefix}{name}.")
        else:
            yield f"{prefix}{name}"


def test_the_reference_has_every_setting_once() -> None:
    assert sorted(key.name for key in reference()) == sorted(fields(Settings))


@pytest.mark.parametrize("key", KEYS.values(), ids=KEYS)
def test_a_setting_is_described(key: Key) -> None:
    assert len(key.description) > 15, "conf/default.toml needs a comment above it"
    assert key.description[0].isupper() and key.description.endswith((".", "…"))
    assert key.takes_effect, "its section, or the field, says when a change takes effect"
    assert key.allowed or key.type not in NEED_A_RANGE, "the field needs bounds"


@pytest.mark.parametrize(
    ("words", "key"),
    [
        (("Empty:",), key)
        for key in KEYS.values()
        if key.default in ('""', "[]") or (key.type == "table" and key.section == "experiments")
        if not key.secret or key.name == "mongo.uri"
    ]
    + [(("0:", "0 or -1:"), key) for key in KEYS.values() if key.default in ('"0 seconds"', "0")],
    ids=lambda value: value.name if isinstance(value, Key) else "",
)
def test_a_default_that_means_something_else_is_explained(words: tuple[str, ...], key: Key) -> None:
    assert any(word in key.description for word in words)


def test_sections_are_described_and_grouped_by_component() -> None:
    assert [section.name for section in sections() if not (section.description and section.group)] == []
    assert {section.group for section in sections()} == {
        "Servers",
        "Library: sound, embeddings, index",
        "Streaming",
        "Recommender",
        "Statistics",
        "Dashboard",
    }


def test_types_units_and_ranges_are_those_of_the_classes() -> None:
    found = {
        name: (KEYS[name].type, KEYS[name].unit, KEYS[name].allowed, KEYS[name].default)
        for name in ("audio.sample_rate", "stream.max_play_size", "stream.window", "index.space", "mongo.tls")
    }
    assert found == {
        "audio.sample_rate": ("whole number", "Hz", "4000 to 192000", "22050"),
        "stream.max_play_size": ("size", "", "at least 1 KiB", '"64 KiB"'),
        "stream.window": ("duration", "", "more than 0 seconds", '"30 minutes"'),
        "index.space": ("text", "", "auto, audio, genres, sessions", '"auto"'),
        "mongo.tls": ("switch", "", "auto, on, off", '"auto"'),
    }
    assert [key.name for key in reference() if key.secret] == [
        "kafka.password",
        "mongo.uri",
        "mongo.password",
        "mail.password",
        "scrobbling.lastfm_secret",
    ]


def test_a_size_and_a_duration_are_shown_as_they_are_written() -> None:
    settings = load_settings()
    for name in ("stream.max_play_size", "spark.driver_memory", "stream.fetch_max_wait", "taste.half_life"):
        key = KEYS[name]
        assert f'"{plain(value_of(settings, name), key)}"' == key.default


def test_a_key_that_only_its_class_has_is_known(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (CONF / "default.toml").read_text()
    for line in ('window = "30 minutes"', "[retention]"):
        assert f"\n{line}" in text
    without, _, _ = text.replace('\nwindow = "30 minutes"', "", 1).partition("\n[retention]")
    (tmp_path / "default.toml").write_text(without)
    monkeypatch.setattr(settings_reference, "CONF", tmp_path)
    sections.cache_clear()
    try:
        keys = {key.name: key for key in reference()}
    finally:
        sections.cache_clear()
    assert keys.keys() == KEYS.keys()
    for name in ("stream.window", "retention.plays"):
        assert (keys[name].type, keys[name].takes_effect) == (KEYS[name].type, KEYS[name].takes_effect)
