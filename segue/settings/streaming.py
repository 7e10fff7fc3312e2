"""Settings of the streaming jobs: Spark, the queries over plays, engagement, and retention."""

from __future__ import annotations

from datetime import timedelta
from typing import Annotated, ClassVar, Literal

from pydantic import Field, model_validator

from segue.settings.values import (
    LONGEST_EXPIRY,
    Duration,
    Expiry,
    LocalPath,
    NotNegative,
    Port,
    Positive,
    Section,
    Size,
    SparkConf,
    TakesEffect,
    Unit,
    matching,
)

_MASTER = r"local(\[(\d+|\*)(\s*,\s*\d+)?\])?|local-cluster\[.+\]|spark://.+|k8s://.+|yarn"
"""The master URLs that Spark itself knows."""


class SparkSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream; commands read it when they start"

    master: Annotated[
        str, matching(_MASTER, 'it must be a master URL such as "local[2]", "spark://host:7077" or "yarn"')
    ]
    driver_memory: Size = Field(ge=2**29)
    ui_port: Port
    checkpoint_location: LocalPath
    state_store: Literal["auto", "heap", "rocksdb"]
    package_workers: bool
    conf: SparkConf


class StreamSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream"

    window: Positive
    watermark: NotNegative
    allowed_lateness: NotNegative
    max_delay: NotNegative
    max_clock_skew: NotNegative
    max_play_size: Size = Field(ge=1024)
    trigger_interval: NotNegative
    max_offsets_per_trigger: Annotated[int, Unit("records")] = Field(ge=1)
    max_signals_per_window: Annotated[int, Unit("signals")] = Field(ge=1)
    max_driver_listeners: Annotated[int, Unit("listeners")] = Field(ge=0)
    rejected_trigger_interval: NotNegative
    max_rejected_per_second: Annotated[int, Unit("records per second")] = Field(ge=0)
    mongo_retry_timeout: NotNegative
    lost_records: Literal["end", "continue"]
    fetch_max_wait: Duration = Field(ge=timedelta(milliseconds=1), le=timedelta(seconds=10))
    stall_timeout: Positive
    metrics_port: Port
    progress_retention: Duration = Field(ge=timedelta(hours=1), le=LONGEST_EXPIRY)
    progress_summary_retention: Duration = Field(ge=timedelta(days=1), le=LONGEST_EXPIRY)


class EngagementSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    enabled: bool
    window: Positive
    trigger_interval: NotNegative
    max_events_per_window: Annotated[int, Unit("events")] = Field(ge=1)
    session_gap: Positive
    feedback_interval: NotNegative
    feedback_window: Positive
    early_skip: Positive
    complete_share: float = Field(gt=0, le=1)
    popular_window: Annotated[Positive, TakesEffect("restart the dashboard")]
    rising_window: Annotated[Positive, TakesEffect("restart the dashboard")]

    @model_validator(mode="after")
    def _gaps_show_between_windows(self) -> EngagementSettings:
        if self.window > self.session_gap:
            raise ValueError("engagement.window must not be longer than engagement.session_gap")
        if self.window > timedelta(days=1):
            raise ValueError("engagement.window must not be longer than a day")
        return self


class RetentionSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    plays: Positive
    rejected: Positive
    listening: Expiry
    statistics: Positive
    daily_statistics: Expiry
    audit: Expiry
