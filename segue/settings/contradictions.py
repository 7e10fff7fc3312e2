"""Settings that are valid one by one and contradict each other.

Loading accepts them, since files of earlier releases may have them. `settings check` refuses them, and the
stream and the doctor report them.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path

from segue.settings.checkpoint_location import MANAGER, SAFE_MANAGER, loses_files
from segue.settings.loading import Settings
from segue.settings.ranking import RankingSettings
from segue.settings.values import duration_text

_OVERRIDDEN = {
    "spark.master": "spark.master",
    "spark.driver.memory": "spark.driver_memory",
    "spark.ui.port": "spark.ui_port",
}
"""The setting of Segue for a property of Spark."""


_WIDEST_BIN = 200
"""Hz between two bins of a frame: the lowest band of the spectral contrast is as wide."""


@dataclass(frozen=True)
class Contradiction:
    """Settings that do not fit together."""

    keys: tuple[str, ...]
    """The settings, with that to be corrected first."""
    text: str
    """The reason and the remedy, in a line."""


def contradictions(settings: Settings) -> list[Contradiction]:
    """All contradictions between settings."""
    rules = (_stream, _spark, _sound, _ranking, _statistics, _pages)
    return [each for rule in rules for each in rule(settings)]


def _stream(settings: Settings) -> Iterator[Contradiction]:
    stream = settings.stream
    open_for = stream.allowed_lateness + stream.max_clock_skew
    if stream.watermark < open_for:
        yield Contradiction(
            ("stream.watermark", "stream.allowed_lateness", "stream.max_clock_skew"),
            "windows would leave the state before their last plays arrive: set stream.watermark to more than "
            f"{duration_text(open_for)}, the sum of stream.allowed_lateness and stream.max_clock_skew",
        )
    if settings.kafka.replication_factor > 1 and not settings.kafka.bootstrap_servers:
        yield Contradiction(
            ("kafka.replication_factor", "kafka.bootstrap_servers"),
            "the embedded Kafka has a single broker: set it to 1, or name your brokers in "
            "kafka.bootstrap_servers",
        )
    if settings.taste.max_signals < settings.ranking.recent_tracks:
        yield Contradiction(
            ("taste.max_signals", "ranking.recent_tracks"),
            f"ranking.recent_tracks ({settings.ranking.recent_tracks}) needs at least as many signals",
        )


def _spark(settings: Settings) -> Iterator[Contradiction]:
    spark, conf = settings.spark, dict(settings.spark.conf)
    for prop, name in _OVERRIDDEN.items():
        if prop in conf:
            yield Contradiction(
                (f"spark.conf.{prop}", "spark.conf"), f"set {name} instead, which it overrides"
            )
    if loses_files(spark.checkpoint_location, conf.get(MANAGER)):
        yield Contradiction(
            ("spark.checkpoint_location",),
            "an object store cannot rename a file in one step: use HDFS or a shared disk, or set "
            f'{MANAGER} = "{SAFE_MANAGER}" in [spark.conf]',
        )
    if spark.ui_port and spark.ui_port == settings.stream.metrics_port:
        yield Contradiction(
            ("stream.metrics_port", "spark.ui_port"),
            "it must differ from spark.ui_port, or be 0 for no metrics",
        )
    for name, port in (
        ("spark.ui_port", spark.ui_port),
        ("stream.metrics_port", settings.stream.metrics_port),
    ):
        if port and port == settings.dashboard.port:
            yield Contradiction(("dashboard.port", name), f"it must differ from {name}")


def _sound(settings: Settings) -> Iterator[Contradiction]:
    audio = settings.audio
    if audio.hop_length > audio.n_fft:
        yield Contradiction(
            ("audio.hop_length", "audio.n_fft"),
            f"frames of {audio.n_fft} samples (audio.n_fft) would leave out the sound between them",
        )
    if audio.sample_rate > _WIDEST_BIN * audio.n_fft:
        yield Contradiction(
            ("audio.n_fft", "audio.sample_rate"),
            f"a frame is too short for the sampling rate: set audio.n_fft to at least "
            f"{math.ceil(audio.sample_rate / _WIDEST_BIN)}",
        )


def _ranking(settings: Settings) -> Iterator[Contradiction]:
    yield from _list(settings.ranking, "ranking")
    for variant, changes in settings.experiments.ranking:
        changed = {name for name, _ in changes}
        ranking = RankingSettings.model_validate(settings.ranking.model_dump() | dict(changes))
        for each in _list(ranking, f"experiments.ranking.{variant}"):
            if changed & {key.rpartition(".")[2] for key in each.keys}:
                yield each
    longest = settings.ranking.list_length
    for name, size in (
        ("index.cold_start_size", settings.index.cold_start_size),
        ("moods.candidates", settings.moods.candidates),
    ):
        if size < longest:
            yield Contradiction(
                (name, "ranking.list_length"),
                f"{size} tracks do not fill a list of {longest} (ranking.list_length)",
            )
    if settings.experiments.variants and not settings.engagement.enabled:
        yield Contradiction(
            ("experiments.variants", "engagement.enabled"),
            "an experiment has no figures without statistics: set engagement.enabled = true",
        )


def _list(ranking: RankingSettings, section: str) -> Iterator[Contradiction]:
    keys = (f"{section}.candidates", f"{section}.list_length")
    if ranking.candidates < ranking.list_length:
        yield Contradiction(
            keys, f"{ranking.candidates} candidates do not fill a list of {ranking.list_length} tracks"
        )
    elif ranking.exploration_share and ranking.candidates <= ranking.list_length:
        yield Contradiction(
            (*keys, f"{section}.exploration_share"),
            f"exploration draws from the candidates beyond a list of {ranking.list_length}, and there "
            "are none: raise candidates, or set exploration_share = 0",
        )


def _statistics(settings: Settings) -> Iterator[Contradiction]:
    engagement, kept = settings.engagement, settings.retention.listening
    for name, needed in (
        ("feedback_window", engagement.feedback_window),
        ("popular_window", engagement.popular_window),
        ("rising_window", engagement.rising_window + timedelta(days=1)),
    ):
        if needed > kept:
            yield Contradiction(
                (f"engagement.{name}", "retention.listening"),
                f"it needs facts of {duration_text(needed)}, retention.listening is {duration_text(kept)}",
            )
    for name, length in (
        ("popular_window", engagement.popular_window),
        ("rising_window", engagement.rising_window),
    ):
        if length < engagement.window:
            yield Contradiction(
                (f"engagement.{name}", "engagement.window"),
                f"plays are counted by windows of {duration_text(engagement.window)} (engagement.window): "
                "it must be at least as long",
            )
    if engagement.feedback_interval > engagement.feedback_window:
        yield Contradiction(
            ("engagement.feedback_interval", "engagement.feedback_window"),
            "it must not be longer than engagement.feedback_window",
        )


def _pages(settings: Settings) -> Iterator[Contradiction]:
    base = settings.dashboard.base_url
    if base and not base.startswith(("http://", "https://")):
        yield Contradiction(
            ("dashboard.base_url",), 'share links would lead nowhere: write it as "https://music.example"'
        )
    if settings.mail.host and not base:
        yield Contradiction(
            ("mail.host", "dashboard.base_url"),
            "no mail is sent without dashboard.base_url: a link must not begin with whatever a visitor sends",
        )
    file = settings.dashboard.oidc_config_file
    if file and not Path(file).is_file():
        yield Contradiction(("dashboard.oidc_config_file",), f"there is no file {file}")
