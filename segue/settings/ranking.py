"""Settings of recommending: signals, taste, ranking, moods, playlists and experiments."""

from __future__ import annotations

from pydantic import Field

from segue.settings.values import Changes, Duration, Section, Shares


class SignalSettings(Section):
    play: float
    complete: float
    like: float
    dislike: float
    skip_early: float
    skip_late: float
    leave_early: float
    leave_late: float


class TasteSettings(Section):
    half_life: Duration
    half_life_tracks: float = Field(gt=0)
    max_signals: int = Field(ge=1)
    repeat_after: Duration


class RankingSettings(Section):
    list_length: int = Field(ge=1)
    candidates: int = Field(ge=1)
    max_per_artist: int = Field(ge=1)
    artist_window: int = Field(ge=1)
    feedback_min_plays: int = Field(ge=1)
    feedback_skip_weight: float = Field(ge=0)
    feedback_like_weight: float = Field(ge=0)
    transition_weight: float = Field(ge=0)
    artist_weight: float = Field(ge=0)
    recent_tracks: int = Field(ge=1)
    recent_decay: float = Field(gt=0, le=1)
    transition_candidates: int = Field(ge=1)
    exploration_share: float = Field(ge=0, le=0.5)


class MoodSettings(Section):
    mood_weight: float = Field(ge=0, le=1)
    candidates: int = Field(ge=1)


class PlaylistSettings(Section):
    list_length: int = Field(ge=3, le=100)
    familiar_share: float = Field(ge=0, le=1)


class ExperimentSettings(Section):
    variants: Shares
    ranking: Changes
    """By variant what it changes in `[ranking]`."""
    salt: str
    min_listeners_per_variant: int = Field(ge=2)
