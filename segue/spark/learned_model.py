"""The interface of a model that is learned from listening sessions, by Spark or on the driver.

:mod:`segue.spark.learned_models` lists the models, and :mod:`segue.spark.training` stores them.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, ClassVar

from numpy.typing import NDArray
from pyspark.sql import DataFrame

from segue.embeddings.session_space_training import Begun
from segue.settings import Settings
from segue.storage.store import Store

Arrays = dict[str, NDArray[Any]]


@dataclass(frozen=True)
class Lesson:
    """The data that a version of a model is learned from."""

    steps: DataFrame
    """Step."""
    store: Store
    settings: Settings
    begun: Begun
    checkpoint: Path
    progress: Callable[[str], None]
    """Shows the progress of the training in a few words."""


class LearnedModel(ABC):
    """A kind of model; registered in :data:`segue.spark.learned_models.LEARNED_MODELS`."""

    kind: ClassVar[str]
    """Its kind in `models`."""

    def enabled(self, settings: Settings) -> bool:
        """Whether it is learned."""
        return True

    @abstractmethod
    def settings_of(self, settings: Settings) -> dict[str, Any]:
        """The settings that are part of the version, as plain values; their order counts."""

    def made_of(self, store: Store, settings: Settings, steps: DataFrame) -> dict[str, str]:
        """Other data that is part of the version, besides plays and settings; kept in the model's document.

        Raises
        ------
        TooLittle
            It cannot be learned yet.
        """
        return {}

    @abstractmethod
    def learn(self, lesson: Lesson) -> Arrays:
        """The arrays of a version; `track_ids` is among them.

        Raises
        ------
        TooLittle
            There is too little to learn from.
        """

    def place(self, store: Store, settings: Settings, version: str) -> None:
        """Place the tracks by a stored version, before it comes into use."""
        return
