"""Settings of the OpenSubsonic API."""

from __future__ import annotations

from typing import ClassVar, Literal

from pydantic import Field

from segue.settings.values import LocalPath, Port, Section


class OpenSubsonicSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard and the API"

    key_file: LocalPath
    format: Literal["opus", "mp3", "aac"]
    host: str = Field(min_length=1)
    port: Port
    processes: int = Field(ge=1, le=64)
