"""The session space: as it was trained, for tracks that are known and new, and gone on with after a stop."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from segue.embeddings.audio_space import AudioSpace
from segue.embeddings.corpus import Corpus
from segue.embeddings.session_space import SessionSpace
from segue.embeddings.session_space_training import (
    Begun,
    Sound,
    learn_space,
    read_begun,
    remove_checkpoint,
)
from segue.embeddings.skip_gram import train, vectors
from segue.embeddings.space import SpaceError
from segue.errors import SegueError, TooLittle
from segue.session_logs.logs import SessionLog, make_log
from tests.embeddings.test_skip_gram import GROUPS, PLAYED, TRAINING, corpus

BEGUN = Begun("v1", {0: 12, 1: 7})
Arrays = dict[str, np.ndarray]


def catalogue() -> tuple[SessionLog, Sound]:
    """The tracks of :func:`corpus` under names, and a space that leaves their descriptors as they are."""
    log, audio = corpus()
    names = [f"t{row:03d}" for row in range(len(audio))]
    width = audio.shape[1]
    space = AudioSpace(
        version="a1",
        features_version="f1",
        names=tuple("abcdef"),
        mean=np.zeros(width),
        scale=np.full(width, 2.0),
        components=np.eye(width),
        explained=np.full(width, 1 / width),
        tracks=len(audio),
        spread=1.0,
    )
    played = make_log(
        users=log.users, sessions=log.sessions, items=[names[row] for row in log.items], times=log.times
    )
    return played, Sound(Corpus(track_ids=names, descriptors=audio), space)


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Arrays:
    """The result of an uninterrupted training."""
    log, sound = catalogue()
    checkpoint = tmp_path_factory.mktemp("whole") / "state.npz"
    return learn_space(log, sound, TRAINING, begun=BEGUN, checkpoint=checkpoint)


@pytest.fixture
def space(whole: Arrays) -> SessionSpace:
    return SessionSpace(version="s1", features_version="f1", **whole)


def test_it_places_tracks_as_training_did(space: SessionSpace) -> None:
    log, sound = catalogue()
    rows = [sound.corpus.track_ids.index(name) for name in log.item_ids]
    audio = (sound.corpus.descriptors[rows] / 2).clip(-4, 4)
    best = train(log, audio, TRAINING).best
    for known, found in (
        (True, space.place(log.item_ids.tolist(), sound.corpus.descriptors[rows])),
        (False, space.transform(sound.corpus.descriptors[rows])),
    ):
        wanted = vectors(best, audio, known=np.full(len(rows), known))
        np.testing.assert_allclose(found, wanted, atol=2e-6)
        assert found.dtype == np.float32


def test_new_tracks_lie_with_those_that_sessions_put_together(space: SessionSpace) -> None:
    _, sound = catalogue()
    found = space.place(sound.corpus.track_ids, sound.corpus.descriptors)
    np.testing.assert_array_equal(found[PLAYED:], space.transform(sound.corpus.descriptors[PLAYED:]))
    nearest = np.argsort(-(found[PLAYED:] @ found[:PLAYED].T), axis=1)[:, :8]
    assert (GROUPS[nearest] == GROUPS[PLAYED:, None]).mean() > 0.8


def test_a_training_that_is_cut_short_goes_on_and_ends_the_same(whole: Arrays, tmp_path: Path) -> None:
    log, sound = catalogue()
    seen: list[int] = []

    def stop(epoch: int, loss: float) -> None:
        seen.append(epoch)
        if epoch == 2 and len(seen) == 2:
            raise KeyboardInterrupt

    checkpoint = tmp_path / "kept" / "two.npz"
    with pytest.raises(KeyboardInterrupt):
        learn_space(log, sound, TRAINING, begun=BEGUN, checkpoint=checkpoint, progress=stop)
    assert read_begun(checkpoint) == BEGUN
    # Plays that came since do not matter as long as the version is the same.
    later = Begun(BEGUN.version, {0: 15, 1: 7})
    again = learn_space(log, sound, TRAINING, begun=later, checkpoint=checkpoint, progress=stop)
    assert seen == [1, 2, 3, 4]
    # Until the arrays are kept, nothing of them is to be learned again.
    third = learn_space(log, sound, TRAINING, begun=later, checkpoint=checkpoint, progress=stop)
    assert seen == [1, 2, 3, 4]
    for name, array in whole.items():
        np.testing.assert_array_equal(again[name], array, err_msg=name)
        np.testing.assert_array_equal(third[name], array, err_msg=name)
    remove_checkpoint(checkpoint)
    assert list(checkpoint.parent.iterdir()) == []


OTHERS = {
    "another version": (Begun("v2", BEGUN.ends), TRAINING, {}),
    "another width": (BEGUN, TRAINING.model_copy(update={"dimension": 4}), {}),
    "fewer tracks": (BEGUN, TRAINING, {"t000": "t002", "t001": "t003"}),
    "as many other tracks": (BEGUN, TRAINING, {"t000": "t180"}),
}


@pytest.mark.parametrize("which", OTHERS)
def test_training_does_not_continue_from_a_checkpoint_of_other_data(
    whole: Arrays, tmp_path: Path, which: str
) -> None:
    log, sound = catalogue()
    checkpoint = tmp_path / "state.npz"
    begun, training, instead = OTHERS[which]
    items = log.item_ids[log.items].tolist()
    other = make_log(
        users=log.users,
        sessions=log.sessions,
        items=[instead.get(name, name) for name in items],
        times=log.times,
    )
    short = training.model_copy(update={"epochs": 1})
    learn_space(other, sound, short, begun=begun, checkpoint=checkpoint)
    seen: list[int] = []
    found = learn_space(
        log,
        sound,
        TRAINING,
        begun=BEGUN,
        checkpoint=checkpoint,
        progress=lambda epoch, loss: seen.append(epoch),
    )
    assert seen[0] == 1
    assert read_begun(checkpoint) == BEGUN
    for name, array in whole.items():
        np.testing.assert_array_equal(found[name], array, err_msg=name)


def test_a_folder_that_cannot_be_written_is_said_in_one_line_before_the_work(tmp_path: Path) -> None:
    log, sound = catalogue()
    (tmp_path / "models").touch()
    seen: list[int] = []
    with pytest.raises(SegueError, match=r"models/state\.npz: .*set SEGUE_MODELS__FOLDER to a writable"):
        learn_space(
            log,
            sound,
            TRAINING,
            begun=BEGUN,
            checkpoint=tmp_path / "models" / "state.npz",
            progress=lambda epoch, loss: seen.append(epoch),
        )
    assert seen == []


@pytest.mark.parametrize("damaged", [b"PK\x03\x04 cut off", b""])
def test_a_damaged_checkpoint_is_no_reason_not_to_learn(tmp_path: Path, damaged: bytes) -> None:
    log, sound = catalogue()
    checkpoint = tmp_path / "state.npz"
    checkpoint.write_bytes(damaged)
    assert read_begun(checkpoint) is None
    seen: list[int] = []

    def stop(epoch: int, loss: float) -> None:
        seen.append(epoch)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        learn_space(log, sound, TRAINING, begun=BEGUN, checkpoint=checkpoint, progress=stop)
    assert seen == [1]


def test_from_too_little_nothing_is_learned(tmp_path: Path) -> None:
    log, sound = catalogue()
    many = TRAINING.model_copy(update={"min_plays": len(log) + 1})
    with pytest.raises(TooLittle, match=r"fewer than models\.sessions\.min_plays"):
        learn_space(log, sound, many, begun=BEGUN, checkpoint=tmp_path / "state.npz")
    alone = log.take(np.flatnonzero(np.diff(log.sessions, prepend=-1)))
    with pytest.raises(TooLittle, match="nothing to learn from"):
        learn_space(alone, sound, TRAINING, begun=BEGUN, checkpoint=tmp_path / "state.npz")


def test_descriptors_of_another_width_are_refused(space: SessionSpace) -> None:
    with pytest.raises(SpaceError, match=r"takes rows of 6 numbers, not \(1, 5\)"):
        space.transform(np.zeros((1, 5)))
