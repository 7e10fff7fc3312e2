"""Settings of the API for developers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from segue.settings.values import Section


class ApiSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard and the API"

    requests_per_minute: int = Field(ge=1)
    streams_per_listener: int = Field(ge=1)
    allowed_origins: tuple[Annotated[str, Field(pattern=r"^https?://[A-Za-z0-9.:\[\]-]+$")], ...]
