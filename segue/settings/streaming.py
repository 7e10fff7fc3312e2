"""Settings of the streaming jobs: Spark, the queries over plays, engagement, and how long data is kept."""

from __future__ import annotations

from datetime import timedelta

from pydantic import Field, model_validator

from segue.settings.values import Duration, LocalPath, Section, Size, SparkConf


class SparkSettings(Section):
    master: str
    driver_memory: Size
    ui_port: int
    checkpoint_location: LocalPath
    package_workers: bool
    conf: SparkConf


class StreamSettings(Section):
    window: Duration
    watermark: Duration
    allowed_lateness: Duration
    max_clock_skew: Duration
    max_play_size: Size = Field(ge=1024)
    trigger_interval: Duration
    max_offsets_per_trigger: int = Field(ge=1)
    max_signals_per_window: int = Field(ge=1)
    max_driver_listeners: int = Field(ge=0)
    rejected_trigger_interval: Duration
    mongo_retry_timeout: Duration
    fetch_max_wait: Duration = Field(ge=timedelta(milliseconds=1))
    metrics_port: int
    progress_retention: Duration = Field(ge=timedelta(hours=1))
    progress_summary_retention: Duration = Field(ge=timedelta(days=1))


class EngagementSettings(Section):
    enabled: bool
    window: Duration
    trigger_interval: Duration
    max_events_per_window: int = Field(ge=1)
    session_gap: Duration
    feedback_interval: Duration
    feedback_window: Duration

    @model_validator(mode="after")
    def _gaps_show_between_windows(self) -> EngagementSettings:
        if self.window > self.session_gap:
            raise ValueError("engagement.window must not be longer than engagement.session_gap")
        if self.window > timedelta(days=1):
            raise ValueError("engagement.window must not be longer than a day")
        return self


class RetentionSettings(Section):
    plays: Duration
    rejected: Duration
    listening: Duration
