"""Settings of the library: audio features, embeddings, models learned from plays, and the index."""

from __future__ import annotations

import codecs
from collections.abc import Mapping
from datetime import timedelta
from typing import Annotated, ClassVar

from pydantic import Field, ValidationInfo, field_validator

from segue.settings.values import (
    Audiences,
    Duration,
    Folders,
    LocalPath,
    Positive,
    Section,
    TakesEffect,
    Unit,
)

_WATCHED = TakesEffect("with the next run of library update; restart library watch")
_INGESTED = TakesEffect("with the next run of library ingest or library update; restart library watch")
_DESCRIBED = TakesEffect("with the next run of library features or library update; restart library watch")
_INDEXED = TakesEffect("with the next run of index build or library update")


class AudioSettings(Section):
    takes_effect: ClassVar[str] = "with the next run of library features, embeddings train and index build"

    stored_names: ClassVar[Mapping[str, str]] = {
        "n_mfcc": "mfcc",
        "n_fft": "fft",
        "hop_length": "hop",
        "max_duration": "max_seconds",
        "min_duration": "min_seconds",
    }

    sample_rate: Annotated[int, Unit("Hz")] = Field(ge=4000, le=192_000)
    n_mfcc: int = Field(ge=1, le=128)
    n_fft: Annotated[int, Unit("samples")] = Field(ge=256, le=65_536)
    hop_length: Annotated[int, Unit("samples")] = Field(ge=64, le=65_536)
    max_duration: Positive
    min_duration: Positive
    threads_per_worker: Annotated[int, _DESCRIBED] = Field(ge=1)
    decode_timeout: Annotated[Positive, _DESCRIBED]


class LibrarySettings(Section):
    takes_effect: ClassVar[str] = "with the next run of library ingest --all"

    tag_encoding: str
    undivided_artists: tuple[str, ...]
    folders: Annotated[Folders, _WATCHED]
    accounts: Annotated[Audiences, TakesEffect("restart the stream and the dashboard")]
    settle_time: Annotated[Positive, _WATCHED]
    poll_interval: Annotated[Positive, _WATCHED]
    full_scan_interval: Annotated[Positive, _WATCHED]
    tracks_per_round: Annotated[int, _WATCHED] = Field(ge=1)
    refit_share: Annotated[float, _WATCHED] = Field(gt=0, le=1)
    retrain_plays: Annotated[int, _WATCHED] = Field(ge=0)
    largest_loss: Annotated[float, _INGESTED] = Field(gt=0, le=1)
    keep_missing: Annotated[Positive, _INGESTED]

    @field_validator("tag_encoding")
    @classmethod
    def _encoding_exists(cls, name: str) -> str:
        if name != "auto":
            try:
                codecs.lookup(name)
            except LookupError:
                raise ValueError(
                    f"{name} is not an encoding: give auto, cp1251, gb18030, shift_jis, ..."
                ) from None
        return name


class SpaceSettings(Section):
    """The section of a space (:mod:`segue.embeddings.registry`), a field of `embedding` or of `models`.

    The field has the space's name.
    """


class AudioEmbeddingSettings(SpaceSettings):
    takes_effect: ClassVar[str] = "with the next run of embeddings train --refit and index build"

    n_components: int = Field(ge=2)


class GenreEmbeddingSettings(SpaceSettings):
    takes_effect: ClassVar[str] = "with the next run of embeddings train --fit genres and index build"

    min_tracks_per_genre: int = Field(ge=2)


class EmbeddingSettings(Section):
    """A section for each space of :mod:`segue.embeddings.registry`, except sessions (models.sessions)."""

    audio: AudioEmbeddingSettings
    genres: GenreEmbeddingSettings


class RuleSettings(Section):
    """The transition rules (:mod:`segue.spark.transition_rules`)."""

    takes_effect: ClassVar[str] = "with the next run of models train and index build"

    stored_names: ClassVar[Mapping[str, str]] = {
        "max_gap": "reach",
        "backward_weight": "back",
        "max_weight_per_listener": "listener_cap",
        "shrinkage": "shrink",
        "rules_per_track": "neighbours",
    }

    max_gap: int = Field(ge=1, le=50)
    backward_weight: float = Field(ge=0, le=1)
    max_weight_per_listener: float = Field(gt=0)
    min_listeners: int = Field(ge=1)
    shrinkage: float = Field(ge=0)
    rules_per_track: int = Field(ge=1)


class SessionSpaceSettings(SpaceSettings):
    """The training of :mod:`segue.embeddings.skip_gram`."""

    takes_effect: ClassVar[str] = "with the next run of models train and index build"

    stored_names: ClassVar[Mapping[str, str]] = {
        "hidden_units": "hidden",
        "batch_size": "batch",
        "negative_samples": "negatives",
        "context_size": "window",
        "id_dropout": "cold_share",
        "feature_noise": "noise",
        "logit_scale": "sharpness",
    }

    min_plays: int = Field(ge=2)
    dimension: int = Field(ge=2, le=4096)
    hidden_units: int = Field(ge=1, le=65_536)
    learning_rate: float = Field(gt=0)
    batch_size: int = Field(ge=2)
    negative_samples: int = Field(ge=1)
    epochs: int = Field(ge=1)
    patience: int = Field(ge=1)
    context_size: int = Field(ge=1)
    id_dropout: float = Field(ge=0, lt=1)
    feature_noise: float = Field(ge=0)
    weight_decay: float = Field(ge=0)
    logit_scale: float = Field(gt=0)
    seed: int = Field(ge=0)


class AlsSettings(Section):
    """Implicit alternating least squares."""

    takes_effect: ClassVar[str] = "with the next run of models train"

    stored_names: ClassVar[Mapping[str, str]] = {"regularization": "regularisation"}

    enabled: bool
    factors: int = Field(ge=1)
    iterations: int = Field(ge=1)
    regularization: float = Field(gt=0)
    alpha: float = Field(gt=0)
    seed: int = Field(ge=0)


class ModelSettings(Section):
    takes_effect: ClassVar[str] = "with the next run of models train"

    folder: LocalPath
    max_steps_per_listener: int = Field(ge=2)
    keep_versions: int = Field(ge=1)
    rules: RuleSettings
    sessions: SessionSpaceSettings
    als: AlsSettings


class BackendSettings(Section):
    """The section of a neighbour backend (:mod:`segue.index.backends`); `Index` has a field for each."""


class AnnoySettings(BackendSettings):
    takes_effect: ClassVar[str] = "with the next run of index build"

    stored_names: ClassVar[Mapping[str, str]] = {"n_trees": "trees"}

    n_trees: int = Field(ge=1)
    search_k: int = Field(ge=-1)


class VoyagerSettings(BackendSettings):
    takes_effect: ClassVar[str] = "with the next run of index build"

    stored_names: ClassVar[Mapping[str, str]] = {"query_ef": "ef"}

    query_ef: int = Field(ge=-1)


class ExactSettings(BackendSettings):
    """Exact search has no settings."""


class IndexSettings(Section):
    takes_effect: ClassVar[str] = "with the next run of index build"

    folder: Annotated[LocalPath, TakesEffect("restart the stream and the dashboard; run index build")]
    worker_folder: Annotated[str, TakesEffect("restart the stream")] = Field(min_length=1)
    space: str
    """"auto", or a name of :mod:`segue.embeddings.registry`."""
    backend: str
    min_duration: Annotated[Duration, _INDEXED] = Field(ge=timedelta(0))
    recall_queries: int = Field(ge=1)
    rebuild_share: Annotated[float, TakesEffect("with the next run of library update")] = Field(ge=0, le=1)
    keep_versions: int = Field(ge=1)
    cold_start_size: int = Field(ge=1)
    annoy: AnnoySettings
    voyager: VoyagerSettings
    exact: ExactSettings = ExactSettings()

    @property
    def chosen(self) -> BackendSettings:
        """The section of the chosen backend."""
        section: BackendSettings = getattr(self, self.backend)
        return section

    @classmethod
    def choices(cls, key: str) -> tuple[str, ...]:
        if key == "space":
            learned = _sections(ModelSettings, SpaceSettings)
            return ("auto", *_sections(EmbeddingSettings, SpaceSettings), *learned)
        return tuple(_sections(cls, BackendSettings)) if key == "backend" else ()

    @field_validator("space", "backend")
    @classmethod
    def _is_known(cls, name: str, info: ValidationInfo) -> str:
        known = cls.choices(info.field_name or "")
        if name not in known:
            raise ValueError(f"it must be one of {', '.join(known)}")
        return name


def _sections(of: type[Section], kind: type[Section]) -> list[str]:
    """The names of the fields that are sections of a kind."""
    return [
        key
        for key, field in of.model_fields.items()
        if isinstance(field.annotation, type) and issubclass(field.annotation, kind)
    ]
