"""Settings of the library: audio features, embeddings, models learned from plays, and the index."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import ClassVar

from pydantic import Field, field_validator

from segue.settings.values import Duration, LocalPath, Section


class AudioSettings(Section):
    stored_names: ClassVar[Mapping[str, str]] = {
        "n_mfcc": "mfcc",
        "n_fft": "fft",
        "hop_length": "hop",
        "max_duration": "max_seconds",
        "min_duration": "min_seconds",
    }

    sample_rate: int = Field(ge=4000)
    n_mfcc: int = Field(ge=1, le=128)
    n_fft: int = Field(ge=256)
    hop_length: int = Field(ge=64)
    max_duration: Duration
    min_duration: Duration
    threads_per_worker: int = Field(ge=1)
    decode_timeout: Duration


class SpaceSettings(Section):
    """The section of a space (:mod:`segue.embeddings.registry`), a field of `embedding` or of `models`.

    The field has the space's name.
    """


class AudioEmbeddingSettings(SpaceSettings):
    n_components: int = Field(ge=2)


class GenreEmbeddingSettings(SpaceSettings):
    min_tracks_per_genre: int = Field(ge=2)


class EmbeddingSettings(Section):
    """A section for each space of :mod:`segue.embeddings.registry`; that of sessions is models.sessions."""

    audio: AudioEmbeddingSettings
    genres: GenreEmbeddingSettings


class RuleSettings(Section):
    """The transition rules (:mod:`segue.spark.transition_rules`)."""

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
    """How :mod:`segue.embeddings.skip_gram` trains."""

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
    dimension: int = Field(ge=2)
    hidden_units: int = Field(ge=1)
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
    seed: int


class AlsSettings(Section):
    """Implicit alternating least squares."""

    stored_names: ClassVar[Mapping[str, str]] = {"regularization": "regularisation"}

    enabled: bool
    factors: int = Field(ge=1)
    iterations: int = Field(ge=1)
    regularization: float = Field(gt=0)
    alpha: float = Field(gt=0)
    seed: int


class ModelSettings(Section):
    folder: LocalPath
    max_steps_per_listener: int = Field(ge=2)
    keep_versions: int = Field(ge=1)
    rules: RuleSettings
    sessions: SessionSpaceSettings
    als: AlsSettings


class BackendSettings(Section):
    """The section of a neighbour backend (:mod:`segue.index.backends`); `Index` has a field for each."""


class AnnoySettings(BackendSettings):
    stored_names: ClassVar[Mapping[str, str]] = {"n_trees": "trees"}

    n_trees: int = Field(ge=1)
    search_k: int


class VoyagerSettings(BackendSettings):
    stored_names: ClassVar[Mapping[str, str]] = {"query_ef": "ef"}

    query_ef: int


class ExactSettings(BackendSettings):
    """Exact search has no settings."""


class IndexSettings(Section):
    folder: LocalPath
    worker_folder: str = Field(min_length=1)
    space: str
    """"auto", or a name of :mod:`segue.embeddings.registry`."""
    backend: str
    recall_queries: int = Field(ge=1)
    keep_versions: int = Field(ge=1)
    cold_start_size: int = Field(ge=1)
    annoy: AnnoySettings
    voyager: VoyagerSettings
    exact: ExactSettings = ExactSettings()

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
