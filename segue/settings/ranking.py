"""Settings of recommendations: signals, taste, long memory, ranking, moods, playlists and experiments."""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field

from segue.settings.values import Changes, NotNegative, Order, Positive, Section, Shares, Unit

Weight = Annotated[float, Field(ge=-10, le=10)]


class SignalSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    play: Weight
    complete: Weight
    like: Weight
    dislike: Weight
    skip_early: Weight
    skip_late: Weight
    leave_early: Weight
    leave_late: Weight


class TasteSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    half_life: Positive
    half_life_tracks: Annotated[float, Unit("tracks")] = Field(gt=0)
    max_signals: Annotated[int, Unit("signals")] = Field(ge=1)
    repeat_after: NotNegative


class RankingSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    model: Order
    list_length: Annotated[int, Unit("tracks")] = Field(ge=1)
    candidates: Annotated[int, Unit("tracks")] = Field(ge=1)
    max_per_artist: int = Field(ge=1)
    staying_per_artist: int = Field(ge=1)
    artist_window: Annotated[int, Unit("tracks")] = Field(ge=1)
    repeat_share: float = Field(ge=0, le=1)
    feedback_min_plays: int = Field(ge=1)
    feedback_skip_weight: float = Field(ge=0)
    feedback_like_weight: float = Field(ge=0)
    transition_weight: float = Field(ge=0)
    artist_weight: float = Field(ge=0)
    recent_tracks: Annotated[int, Unit("tracks")] = Field(ge=1)
    recent_decay: float = Field(gt=0, le=1)
    transition_candidates: Annotated[int, Unit("tracks")] = Field(ge=1)
    memory_weight: float = Field(ge=0)
    memory_songs: Annotated[int, Unit("tracks")] = Field(ge=0)
    memory_absence: NotNegative
    exploration_share: float = Field(ge=0, le=0.5)


class MemorySettings(Section):
    takes_effect: ClassVar[str] = "restart the stream"

    half_life: Positive
    tracks: Annotated[int, Unit("tracks")] = Field(ge=1, le=2000)


class MoodSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard"

    mood_weight: float = Field(ge=0, le=1)
    candidates: int = Field(ge=1)


class PlaylistSettings(Section):
    takes_effect: ClassVar[str] = "restart the dashboard"

    list_length: Annotated[int, Unit("tracks")] = Field(ge=3, le=100)
    familiar_share: float = Field(ge=0, le=1)


class ExperimentSettings(Section):
    takes_effect: ClassVar[str] = "restart the stream and the dashboard"

    variants: Shares
    ranking: Changes
    """The changes of `[ranking]` by variant."""
    salt: str
    min_listeners_per_variant: int = Field(ge=2)
