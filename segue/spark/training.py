"""Trains the registered models, and brings them into use.

Delivery: each model is stored under a version that follows from the plays and the settings it was learned
from, and comes into use when all that it needs is stored (segue.models.trained). An interrupted run can be
repeated: stored models are not learned again. A training with a checkpoint is finished with the plays that it
began with, even if there are newer ones: the checkpoint has the end of the topic at that time.
"""

from __future__ import annotations

import hashlib
import json
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyspark.sql import DataFrame

from segue.embeddings.session_space_training import Begun, read_begun, remove_checkpoint
from segue.errors import TooLittle
from segue.models import trained
from segue.models.versions import Models
from segue.settings import Settings
from segue.spark.learned_model import LearnedModel, Lesson
from segue.storage.store import Store

CODE_VERSION = 2
"""Raise it when the same plays and settings give another model."""


@dataclass(frozen=True)
class Plays:
    """The steps of listeners, from the plays up to some moment."""

    steps: DataFrame
    """Step."""
    ends: Mapping[int, int]
    """By partition of the topic, the offset after the last play."""
    fingerprint: str


@dataclass(frozen=True)
class Trained:
    """The result of a run for one model."""

    kind: str
    version: str | None
    """None if nothing has been learned yet."""
    unchanged: bool
    tracks: int
    seconds: float
    left_out: str | None = None
    """The reason why nothing was learned."""


@dataclass(frozen=True)
class Training:
    """A run over the models: the plays that it learns from, and the store of the models."""

    store: Store
    settings: Settings
    plays: Plays
    """The plays that the topic has now."""
    read: Callable[[Mapping[int, int]], Plays]
    """Reads the plays before some offsets, for a training that was interrupted."""

    def train(self, model: LearnedModel, *, progress: Callable[[str], None]) -> Trained:
        """Update one model to the plays."""
        began = time.monotonic()
        models = Models(self.store)
        checkpoint = Path(self.settings.models.folder) / f"{self.store.name}-{model.kind}.npz"
        try:
            version, unchanged = self._learn(model, checkpoint, progress)
        except TooLittle as error:
            active = models.active_version(model.kind)
            return Trained(model.kind, active, True, 0, 0.0, left_out=str(error))
        progress("placing tracks")
        model.place(self.store, self.settings, version)
        trained.put_in_use(self.store, model.kind, version, keep=self.settings.models.keep_versions)
        if read_begun(checkpoint):
            remove_checkpoint(checkpoint)
        fields = models.fields(model.kind, version, "tracks") or {}
        seconds = round(time.monotonic() - began, 2)
        return Trained(model.kind, version, unchanged, int(fields["tracks"]), seconds)

    def _learn(
        self, model: LearnedModel, checkpoint: Path, progress: Callable[[str], None]
    ) -> tuple[str, bool]:
        """The version that is stored now, and whether it was in use already."""
        plays, made_of = self.plays, self._made_of(model, self.plays)
        version = version_of(made_of)
        stored = trained.stored(self.store, model.kind, version)
        cut_short = read_begun(checkpoint)
        if cut_short and cut_short.version != version and not stored:
            former = self.read(cut_short.ends)
            made_of_former = self._made_of(model, former)
            # Expired plays, listeners who left, and changed settings or sound make another version.
            if version_of(made_of_former) == cut_short.version:
                plays, made_of, version = former, made_of_former, cut_short.version
                stored = trained.stored(self.store, model.kind, version)
        if stored:
            return version, Models(self.store).active_version(model.kind) == version
        begun = Begun(version, plays.ends)
        arrays = model.learn(Lesson(plays.steps, self.store, self.settings, begun, checkpoint, progress))
        fields = {**made_of, "tracks": len(arrays["track_ids"])}
        trained.save(self.store, model.kind, version, arrays=arrays, made_of=fields)
        return version, False

    def _made_of(self, model: LearnedModel, plays: Plays) -> dict[str, Any]:
        """The data that determines the version; kept in the model's document."""
        more = model.made_of(self.store, self.settings, plays.steps)
        return {"plays": plays.fingerprint, "settings": model.settings_of(self.settings), **more}


def version_of(made_of: Mapping[str, Any]) -> str:
    """The version of a model with this data."""
    more = {name: value for name, value in made_of.items() if name not in ("plays", "settings")}
    text = json.dumps([CODE_VERSION, made_of["plays"], list(made_of["settings"].items()), more])
    return hashlib.blake2b(text.encode(), digest_size=6).hexdigest()
