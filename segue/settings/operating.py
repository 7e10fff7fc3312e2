"""Settings for operating: the log."""

from __future__ import annotations

from typing import ClassVar, Literal

from segue.settings.values import Section


class LogSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard; commands read it when they start"

    format: Literal["text", "json"]
    level: Literal["DEBUG", "INFO", "WARNING", "ERROR"]
