"""Settings of connected servers."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from segue.settings.values import LocalPath, Positive, Section, Size, TakesEffect


class ServerSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard, the API and library watch"

    timeout: Positive
    requests_per_second: float = Field(gt=0, le=1000)
    catalogue_interval: Annotated[Positive, TakesEffect("restart library watch")]
    full_list_interval: Annotated[Positive, TakesEffect("restart library watch")]
    playing_interval: Annotated[Positive, TakesEffect("restart the dashboard and the API")]
    playlist_interval: Annotated[Positive, TakesEffect("restart the dashboard and the API")]
    folder: LocalPath
    cache_size: Size = Field(ge=1)
