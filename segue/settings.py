"""Typed settings: conf/default.toml, then the user's own file (SEGUE_CONF), then SEGUE_<SECTION>__<KEY>.

Loaded once by an entry point and passed down; nothing in the domain reads the environment by itself.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterator, Sequence
from datetime import timedelta
from pathlib import Path
from tomllib import TOMLDecodeError
from typing import Annotated, Any

from pydantic import BeforeValidator, Field, ValidationError, field_validator, model_validator
from pydantic_core import ErrorDetails
from pydantic_settings import (
    BaseSettings,
    EnvSettingsSource,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
    SettingsError,
    TomlConfigSettingsSource,
)

from segue.connections import KafkaSettings, MongoSettings, Section
from segue.errors import SegueError
from segue.places import CONF, absolute
from segue.renamed_settings import with_new_names


def _duration(value: object) -> object:
    """Spark's notation ("30 minutes") as a timedelta, so that one setting serves Spark and Python."""
    if not isinstance(value, str):
        return value
    match = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*(millisecond|second|minute|hour|day|week)s?\s*", value)
    if match is None:
        raise ValueError("a duration is a number and a unit, such as '30 minutes' or '7 days'")
    return timedelta(**{f"{match[2]}s": float(match[1])})


def _path(value: object) -> object:
    """A relative path counts from the project's folder; an address with a scheme is left alone."""
    if isinstance(value, str) and "://" not in value:
        return str(absolute(value))
    return value


def _pairs(value: object) -> object:
    """A table as pairs, so that settings can be compared and hashed."""
    return tuple(value.items()) if isinstance(value, dict) else value


Variant = Annotated[str, Field(pattern="^[a-z0-9-]{1,32}$")]
"""The name of what listeners of an experiment are served (:mod:`segue.ranking.variants`)."""
Shares = Annotated[tuple[tuple[Variant, Annotated[float, Field(gt=0)]], ...], BeforeValidator(_pairs)]
"""Variants with their shares, in the order of the settings."""
Changes = Annotated[
    tuple[tuple[Variant, Annotated[tuple[tuple[str, float], ...], BeforeValidator(_pairs)]], ...],
    BeforeValidator(_pairs),
]
"""By variant, what it changes. Pairs, not tables: settings are compared and kept by their hash."""
Duration = Annotated[timedelta, BeforeValidator(_duration)]
LocalPath = Annotated[str, BeforeValidator(_path)]


class SparkSettings(Section):
    master: str
    driver_memory: str
    ui_port: int
    checkpoint: LocalPath
    options: tuple[str, ...]
    ship: bool

    @property
    def extra(self) -> Iterator[tuple[str, str]]:
        """The options as pairs of key and value."""
        return ((key, value) for key, _, value in (option.partition("=") for option in self.options))

    @model_validator(mode="after")
    def _options_are_pairs(self) -> SparkSettings:
        for option in self.options:
            if not re.match(r"spark\.[^=\s]+=", option):
                raise ValueError(f"{option!r} is not like spark.executor.memory=2g")
        return self


class AudioSettings(Section):
    sample_rate: int = Field(ge=4000)
    mfcc: int = Field(ge=1, le=128)
    fft: int = Field(ge=256)
    hop: int = Field(ge=64)
    max_seconds: float = Field(gt=0)
    min_seconds: float = Field(gt=0)
    threads: int = Field(ge=1)
    time_limit: float = Field(gt=0)


class SpaceSettings(Section):
    """The section of a space (:mod:`segue.embeddings.registry`), a field of `embedding` or of `models`.

    The field has the space's name.
    """


class AudioEmbeddingSettings(SpaceSettings):
    components: int = Field(ge=2)


class GenreEmbeddingSettings(SpaceSettings):
    min_tracks: int = Field(ge=2)


class EmbeddingSettings(Section):
    """A section for each space of :mod:`segue.embeddings.registry`; that of sessions is models.sessions."""

    audio: AudioEmbeddingSettings
    genres: GenreEmbeddingSettings


class BackendSettings(Section):
    """The section of a neighbour backend (:mod:`segue.index.backends`); `Index` has a field for each."""


class AnnoySettings(BackendSettings):
    trees: int = Field(ge=1)
    search_k: int


class VoyagerSettings(BackendSettings):
    ef: int


class ExactSettings(BackendSettings):
    """Exact search has no settings."""


class IndexSettings(Section):
    folder: LocalPath
    worker_folder: str = Field(min_length=1)
    space: str
    """"auto", or a name of :mod:`segue.embeddings.registry`."""
    backend: str
    annoy: AnnoySettings
    voyager: VoyagerSettings
    exact: ExactSettings = ExactSettings()
    recall_queries: int = Field(ge=1)
    keep: int = Field(ge=1)
    cold_start: int = Field(ge=1)

    @property
    def chosen(self) -> BackendSettings:
        """The section of the backend that is chosen."""
        section: BackendSettings = getattr(self, self.backend)
        return section

    @field_validator("space")
    @classmethod
    def _space_is_known(cls, name: str) -> str:
        spaces = (*_sections(EmbeddingSettings, SpaceSettings), *_sections(ModelSettings, SpaceSettings))
        return _one_of(("auto", *spaces), name)

    @field_validator("backend")
    @classmethod
    def _backend_is_known(cls, name: str) -> str:
        return _one_of(_sections(cls, BackendSettings), name)


def _sections(of: type[Section], kind: type[Section]) -> list[str]:
    """The names of the fields that are sections of a kind."""
    return [
        key
        for key, field in of.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, kind)
    ]


def _one_of(known: Sequence[str], name: str) -> str:
    if name not in known:
        raise ValueError(f"it must be one of {', '.join(known)}")
    return name


class StreamSettings(Section):
    window: Duration
    watermark: Duration
    lateness: Duration
    future: Duration
    max_play_bytes: int = Field(ge=1024)
    trigger: Duration
    max_events_per_trigger: int = Field(ge=1)
    window_signals: int = Field(ge=1)
    driver_listeners: int = Field(ge=0)
    rejected_trigger: Duration
    outage: Duration
    fetch_max_wait_ms: int = Field(ge=1)
    metrics_port: int
    progress_hours: int = Field(ge=1)
    progress_days: int = Field(ge=1)


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
    items: int = Field(ge=1)
    candidates: int = Field(ge=1)
    per_artist: int = Field(ge=1)
    artist_window: int = Field(ge=1)
    feedback_plays: int = Field(ge=1)
    feedback_skips: float = Field(ge=0)
    feedback_likes: float = Field(ge=0)
    session_weight: float = Field(ge=0)
    artist_weight: float = Field(ge=0)
    session_tracks: int = Field(ge=1)
    session_decay: float = Field(gt=0, le=1)
    session_candidates: int = Field(ge=1)
    exploration: float = Field(ge=0, le=0.5)


class SessionSpaceSettings(SpaceSettings):
    """How :mod:`segue.embeddings.skip_gram` trains."""

    min_plays: int = Field(ge=2)
    dimension: int = Field(ge=2)
    hidden: int = Field(ge=1)
    learning_rate: float = Field(gt=0)
    batch: int = Field(ge=2)
    negatives: int = Field(ge=1)
    epochs: int = Field(ge=1)
    patience: int = Field(ge=1)
    window: int = Field(ge=1)
    cold_share: float = Field(ge=0, lt=1)
    noise: float = Field(ge=0)
    weight_decay: float = Field(ge=0)
    sharpness: float = Field(gt=0)
    seed: int


class AlsSettings(Section):
    """Implicit alternating least squares."""

    enabled: bool
    factors: int = Field(ge=1)
    iterations: int = Field(ge=1)
    regularisation: float = Field(gt=0)
    alpha: float = Field(gt=0)
    seed: int


class ModelSettings(Section):
    folder: LocalPath
    listener_steps: int = Field(ge=2)
    reach: int = Field(ge=1, le=50)
    back: float = Field(ge=0, le=1)
    listener_cap: float = Field(gt=0)
    min_listeners: int = Field(ge=1)
    shrink: float = Field(ge=0)
    neighbours: int = Field(ge=1)
    keep: int = Field(ge=1)
    sessions: SessionSpaceSettings
    als: AlsSettings


class ExperimentSettings(Section):
    variants: Shares
    ranking: Changes
    """By variant what it changes in `[ranking]`."""
    salt: str
    min_listeners: int = Field(ge=2)


class MoodSettings(Section):
    strength: float = Field(ge=0, le=1)
    candidates: int = Field(ge=1)


class PlaylistSettings(Section):
    items: int = Field(ge=3, le=100)
    familiar: float = Field(ge=0, le=1)


class EngagementSettings(Section):
    enabled: bool
    window: Duration
    trigger: Duration
    window_events: int = Field(ge=1)
    session_gap: Duration
    feedback_every: Duration
    feedback_span: Duration

    @model_validator(mode="after")
    def _gaps_show_between_windows(self) -> EngagementSettings:
        if self.window > self.session_gap:
            raise ValueError("engagement.window must not be longer than engagement.session_gap")
        if self.window > timedelta(days=1):
            raise ValueError("engagement.window must not be longer than a day")
        return self


class RetentionSettings(Section):
    plays: Duration
    rejected: Duration
    listening: Duration


class DashboardSettings(Section):
    port: int
    refresh: Duration
    operators: tuple[str, ...]
    open_on_this_machine: bool
    public_url: str
    log_in_file: str


class _Files(TomlConfigSettingsSource):
    """TOML files, which may use former names of settings."""

    def _read_file(self, file_path: Any) -> dict[str, Any]:
        return with_new_names(super()._read_file(file_path), source=str(file_path))


class _Environment(EnvSettingsSource):
    """SEGUE_ variables, which may use former names of settings."""

    def __call__(self) -> dict[str, Any]:
        return with_new_names(super().__call__(), source="environment")


class Settings(BaseSettings):
    """Every setting of Segue; conf/default.toml holds the defaults and says what each means."""

    model_config = SettingsConfigDict(
        env_prefix="SEGUE_", env_nested_delimiter="__", extra="forbid", frozen=True
    )

    kafka: KafkaSettings
    mongo: MongoSettings
    spark: SparkSettings
    audio: AudioSettings
    embedding: EmbeddingSettings
    index: IndexSettings
    stream: StreamSettings
    signals: SignalSettings
    taste: TasteSettings
    ranking: RankingSettings
    moods: MoodSettings
    playlists: PlaylistSettings
    models: ModelSettings
    experiments: ExperimentSettings
    engagement: EngagementSettings
    retention: RetentionSettings
    dashboard: DashboardSettings

    @model_validator(mode="after")
    def _variants_are_known(self) -> Settings:
        own = dict(self.experiments.ranking)
        for name, _ in self.experiments.variants:
            if name not in ("audio", "hybrid", *own):
                raise ValueError(
                    f"experiments.variants: {name} is neither audio, hybrid nor in experiments.ranking"
                )
        for name, changes in own.items():
            if name in ("audio", "hybrid"):
                raise ValueError(
                    f"experiments.ranking: {name} is what it is; give the variant a name of its own"
                )
            try:
                RankingSettings.model_validate(self.ranking.model_dump() | dict(changes))
            except ValidationError as error:
                first = error.errors()[0]
                raise ValueError(f"experiments.ranking.{name}.{first['loc'][0]}: {first['msg']}") from None
        return self

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        files = [CONF / "default.toml"]
        if own := os.environ.get("SEGUE_CONF"):
            files.append(Path(own))
        return (
            init_settings,
            _Environment(settings_cls),
            _Files(settings_cls, toml_file=files, deep_merge=True),
        )


NOT_SETTINGS = frozenset({"SEGUE_CONF", "SEGUE_HOME", "SEGUE_ROOT"})
"""SEGUE_ variables that say where to look rather than what to do."""


def load_settings() -> Settings:
    """Read and check all settings.

    Raises
    ------
    SegueError
        A value does not fit, or a key or a SEGUE_ variable is not a setting; the text names it.
    """
    own = os.environ.get("SEGUE_CONF")
    if own and not Path(own).is_file():
        raise SegueError(f"SEGUE_CONF names {own}, and there is no such file")
    for name in os.environ:
        if name.startswith("SEGUE_") and name not in NOT_SETTINGS:
            section = name.removeprefix("SEGUE_").partition("__")[0].lower()
            if section not in Settings.model_fields:
                raise SegueError(f"{name} is not a setting: see conf/default.toml for all of them")
    try:
        return Settings()  # type: ignore[call-arg]  # the sources give every field
    except ValidationError as error:
        first = error.errors()[0]
        message = first["msg"].removeprefix("Value error, ")
        # What several sections have to say together names them itself.
        which = f"setting {_wrong(first)}: " if first["loc"] else ""
        raise SegueError(f"{which}{message}; see conf/default.toml") from None
    except SettingsError as error:
        raise SegueError(f"{error}: see conf/default.toml") from None
    except TOMLDecodeError as error:
        raise SegueError(f"{own or 'conf/default.toml'} is not TOML: {error}") from None


_MAY_HOLD_SECRETS = frozenset({"password", "uri"})


def _wrong(error: ErrorDetails) -> str:
    """The setting's name and value; only the name where the value may hold a secret.

    That is, beside the fields made for one, a whole section, and a misspelt name that could mean anything.
    """
    place = ".".join(str(part) for part in error["loc"])
    secret = place.rpartition(".")[2] in _MAY_HOLD_SECRETS
    if secret or error["type"] == "extra_forbidden" or isinstance(error["input"], dict):
        return place
    return f"{place} = {error['input']!r}"
