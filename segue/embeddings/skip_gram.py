"""Track embeddings from listening sessions with an audio tower: skip-gram with negative sampling, in JAX.

A track's vector is ``unit(free[track] + tower(audio[track]))``. The tower is a two-layer network over the
audio features. In training, the free part is dropped at random (Volkovs et al., 2017, DropoutNet), so that
the tower learns to place a track without plays. It is dropped for centres, contexts and negatives alike, so
that tracks with and without it are comparable. The loss is logistic: one true context against `negatives`
tracks drawn in proportion to plays ** 0.75 (Mikolov et al., 2013).
"""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import optax

from segue.errors import TooLittle
from segue.session_logs.logs import SessionLog
from segue.settings import SessionSpaceSettings

Parameters = dict[str, Any]

SHARED = 16
"""The number of negatives drawn for a batch, as a multiple of `negatives`."""
VALIDATION_SEED = 2**31
"""The seed of the validation's draws, in place of the epoch."""


@dataclass(frozen=True, kw_only=True, eq=False)
class State:
    """The content of a checkpoint: a training that continues from it gives the same result."""

    epoch: int
    parameters: Parameters
    optimiser: Any
    best_loss: float
    best: Parameters
    waited: int
    losses: tuple[float, ...]


def context_pairs(log: SessionLog, *, window: int) -> np.ndarray:
    """(pairs, 2) int32: items at most `window` plays apart in a session, both ways, never the same item."""
    parts = []
    for gap in range(1, window + 1):
        same = log.sessions[gap:] == log.sessions[:-gap]
        a, b = log.items[:-gap][same], log.items[gap:][same]
        parts += [np.column_stack([a, b]), np.column_stack([b, a])]
    pairs: np.ndarray = np.concatenate(parts) if parts else np.empty((0, 2))
    return np.asarray(pairs[pairs[:, 0] != pairs[:, 1]], dtype=np.int32)


def initial(items: int, features: int, training: SessionSpaceSettings) -> Parameters:
    """Initial parameters; the free part is small, so that the audio determines the first vectors."""
    rng = np.random.default_rng(training.seed)

    def normal(rows: int, columns: int, scale: float) -> jax.Array:
        return jnp.asarray(rng.normal(0, scale, (rows, columns)), dtype=jnp.float32)

    return {
        "free": normal(items, training.dimension, 0.01),
        "first": normal(features, training.hidden_units, features**-0.5),
        "first_bias": jnp.zeros(training.hidden_units),
        "second": normal(training.hidden_units, training.dimension, training.hidden_units**-0.5),
    }


def _place(parameters: Parameters, audio: jax.Array, free: jax.Array) -> jax.Array:
    """Unit vectors (n, dimension) of audio (n, features) and free parts (n, dimension)."""
    hidden = jax.nn.gelu(audio @ parameters["first"] + parameters["first_bias"])
    placed = hidden @ parameters["second"] + free
    unit: jax.Array = placed / jnp.sqrt(jnp.square(placed).sum(axis=-1, keepdims=True) + 1e-8)
    return unit


def vectors(parameters: Parameters, audio: np.ndarray, *, known: np.ndarray) -> np.ndarray:
    """(items, dimension) float32 at unit length; where `known` is false, from the audio alone."""
    free = jnp.where(jnp.asarray(known)[:, None], parameters["free"], 0.0)
    return np.asarray(_place(parameters, jnp.asarray(audio, dtype=jnp.float32), free))


def begin(items: int, features: int, training: SessionSpaceSettings) -> State:
    """The state before the first epoch."""
    parameters = initial(items, features, training)
    return State(
        epoch=0,
        parameters=parameters,
        optimiser=_optimiser(training).init(parameters),
        best_loss=float("inf"),
        best=parameters,
        waited=0,
        losses=(),
    )


def _optimiser(training: SessionSpaceSettings) -> optax.GradientTransformation:
    return optax.adamw(training.learning_rate, weight_decay=training.weight_decay)


def train(
    log: SessionLog,
    audio: np.ndarray,
    training: SessionSpaceSettings,
    *,
    state: State | None = None,
    checkpoint: Callable[[State], None] = lambda state: None,
) -> State:
    """Train until the validation loss of a tenth of the sessions stops falling.

    Parameters
    ----------
    log
        Sessions of the tracks that may be learned from.
    audio
        (items, features), standardised; zeros where a track has no features.
    state
        A checkpoint to continue from. Every epoch has a separate generator, so that the result is the same.
    checkpoint
        Called after every epoch.

    Raises
    ------
    TooLittle
        No session has two different tracks next to each other.
    """
    optimiser = _optimiser(training)
    validation = np.random.default_rng(training.seed).random(int(log.sessions.max(initial=0)) + 1) < 0.1
    inside = validation[log.sessions]
    learn = context_pairs(log.take(~inside), window=training.context_size)
    check = context_pairs(log.take(inside), window=training.context_size)
    if not len(learn):
        raise TooLittle("no session has two different tracks: a session space has nothing to learn from")
    if not len(check):
        check = learn
    plays = np.bincount(log.items, minlength=len(audio)) ** 0.75
    draw = plays / plays.sum()
    step, judge = _compiled(jnp.asarray(audio, dtype=jnp.float32), training, optimiser)
    state = state or begin(len(audio), audio.shape[1], training)
    while state.epoch < training.epochs and state.waited < training.patience:
        parameters, memory = state.parameters, state.optimiser
        for batch in _batches(learn, draw, training, seed=(training.seed, state.epoch)):
            parameters, memory = step(parameters, memory, *batch)
        # The same draws after every epoch make the losses comparable.
        same = _batches(check, draw, training, seed=(training.seed, VALIDATION_SEED))
        checks = [float(judge(parameters, *batch)) for batch in same]
        value = float(np.mean(checks))
        better = value < state.best_loss - 1e-4
        state = State(
            epoch=state.epoch + 1,
            parameters=parameters,
            optimiser=memory,
            best_loss=value if better else state.best_loss,
            best=parameters if better else state.best,
            waited=0 if better else state.waited + 1,
            losses=(*state.losses, value),
        )
        checkpoint(state)
    return state


def _compiled(
    features: jax.Array, training: SessionSpaceSettings, optimiser: optax.GradientTransformation
) -> tuple[Callable[..., tuple[Parameters, Any]], Callable[..., jax.Array]]:
    """One training step, and the loss alone; both take parameters and a batch."""
    shared = SHARED * training.negative_samples

    def loss(parameters: Parameters, rows: jax.Array, warm: jax.Array, key: jax.Array) -> jax.Array:
        noise = training.feature_noise * jax.random.normal(key, (len(rows), features.shape[1]))
        free = warm[:, None] * parameters["free"][rows]
        placed = _place(parameters, features[rows] + noise, free)
        pairs = (len(rows) - shared) // 2
        # The batch shares its negatives: an equally good estimate for a fraction of the work.
        centre, true, false = placed[:pairs], placed[pairs : 2 * pairs], placed[2 * pairs :]
        positive = jax.nn.log_sigmoid(training.logit_scale * (centre * true).sum(axis=-1) - 2.0)
        negative = jax.nn.log_sigmoid(2.0 - training.logit_scale * centre @ false.T)
        return -(positive + training.negative_samples * negative.mean(axis=-1)).mean()

    @jax.jit
    def step(parameters: Parameters, memory: Any, *batch: jax.Array) -> tuple[Parameters, Any]:
        change, memory = optimiser.update(jax.grad(loss)(parameters, *batch), memory, parameters)
        return optax.apply_updates(parameters, change), memory

    return step, jax.jit(loss)


def _batches(
    pairs: np.ndarray, draw: np.ndarray, training: SessionSpaceSettings, *, seed: tuple[int, int]
) -> Iterator[tuple[np.ndarray, np.ndarray, jax.Array]]:
    """Rows (centres, contexts, negatives), which of them keep their free part, and the key of the noise.

    Batches have the same size, so that they are compiled once: the last one repeats its pairs to fill up.
    """
    rng = np.random.default_rng(seed)
    order = rng.permutation(len(pairs))
    size = min(training.batch_size, len(pairs))
    likely = np.cumsum(draw)
    likely /= likely[-1]
    for begin in range(0, len(order), size):
        chosen = pairs[np.resize(order[begin : begin + size], size)]
        false = np.searchsorted(likely, rng.random(SHARED * training.negative_samples), side="right").astype(
            np.int32
        )
        rows = np.concatenate([chosen[:, 0], chosen[:, 1], false])
        warm = (rng.random(len(rows)) >= training.id_dropout).astype(np.float32)
        yield rows, warm, jax.random.PRNGKey(int(rng.integers(2**31)))


def save_state(state: State, path: Path, *, about: Mapping[str, np.ndarray]) -> None:
    """Write a checkpoint with its identity `about`; it replaces the former file once it is complete.

    Raises
    ------
    OSError
        The file cannot be written.
    """
    leaves = jax.tree.leaves((state.parameters, state.optimiser, state.best))
    arrays = {f"leaf{number}": np.asarray(leaf) for number, leaf in enumerate(leaves)} | dict(about)
    counts = np.array([state.epoch, state.waited])
    path.parent.mkdir(parents=True, exist_ok=True)
    part = path.with_name(f"{path.name}.part")
    with part.open("wb") as file:
        np.savez(
            file, allow_pickle=False, counts=counts, best_loss=state.best_loss, losses=state.losses, **arrays
        )
    part.replace(path)


def load_state(path: Path, *, like: State, about: Mapping[str, np.ndarray]) -> State | None:
    """Read the checkpoint of an interrupted run.

    None if it cannot be read, if `about` differs, or if its shapes are not those of `like`.
    """
    try:
        # numpy leaves a damaged archive open that it has opened itself.
        with path.open("rb") as opened, np.load(opened, allow_pickle=False) as file:
            leaves, shape = jax.tree.flatten((like.parameters, like.optimiser, like.best))
            stored = [file[f"leaf{number}"] for number in range(len(leaves))]
            alike = all(array.shape == leaf.shape for array, leaf in zip(stored, leaves, strict=True))
            if not alike or not all(np.array_equal(file[name], value) for name, value in about.items()):
                return None
            parameters, optimiser, best = jax.tree.unflatten(shape, [jnp.asarray(array) for array in stored])
            return replace(
                like,
                epoch=int(file["counts"][0]),
                waited=int(file["counts"][1]),
                parameters=parameters,
                optimiser=optimiser,
                best=best,
                best_loss=float(file["best_loss"]),
                losses=tuple(file["losses"].tolist()),
            )
    except (OSError, EOFError, KeyError, ValueError, zipfile.BadZipFile):
        return None  # missing or damaged: training starts again
