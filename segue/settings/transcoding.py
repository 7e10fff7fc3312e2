"""Settings of the conversion of recordings for players that cannot play them."""

from __future__ import annotations

from typing import Annotated, ClassVar, Literal

from pydantic import Field, field_validator

from segue.settings.values import LocalPath, Positive, Section, Size, Unit


class TranscodingSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard and the API"

    formats: tuple[Literal["opus", "mp3", "aac", "flac"], ...] = Field(min_length=1)
    bit_rate: Annotated[int, Unit("kbit/s")] = Field(ge=16, le=320)
    processes: int = Field(ge=1, le=64)
    max_waiting: int = Field(ge=0, le=10_000)
    max_per_listener: int = Field(ge=1, le=10_000)
    folder: LocalPath
    max_cache_size: Size = Field(ge=1)
    timeout: Positive

    @property
    def lossy(self) -> tuple[str, ...]:
        """The formats without flac: a browser gets no length of a FLAC file that is still being made."""
        return tuple(name for name in self.formats if name != "flac")

    @field_validator("formats")
    @classmethod
    def _each_once(cls, names: tuple[str, ...]) -> tuple[str, ...]:
        if len(set(names)) < len(names):
            raise ValueError("each format may be named once")
        if set(names) == {"flac"}:
            raise ValueError("flac has no lower bit rate: name another format, too")
        return names
