"""The data that pages hand over to components in the browser."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class BarData(BaseModel):
    """The data of the player bar."""

    model_config = ConfigDict(extra="forbid")
    tag: str = Field(description="A key for the listener's data in the browser's storage.")
    signals: tuple[str, ...] = Field(description="Event types that change the recommendations.")
    opinions: tuple[str, ...] = Field(description="Event types that a private session keeps, too.")
    keptMs: int = Field(description="Age in milliseconds at which events that were never sent are dropped.")  # noqa: N815
