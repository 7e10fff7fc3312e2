"""Settings for operating: the log and traces."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from segue.settings.values import Section


class LogSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard; commands read it when they start"

    format: Literal["text", "json"]
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]


class TracingSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    endpoint: str
    share: float = Field(gt=0, le=1)
