"""`bench quality` on a made-up set: its figures for the folds."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from segue.benchmarks import quality


def test_the_fold_that_chose_nothing_is_told_apart(tmp_path: Path) -> None:
    rng = np.random.default_rng(4)
    folder = tmp_path / "hetrec-lastfm-2k"
    folder.mkdir()
    pairs = [(user, artist) for user in range(40) for artist in range(30) if (user + artist) % 2]
    rows = [f"{user}\t{artist}\t{rng.integers(1, 500)}" for user, artist in pairs if rng.random() < 0.6]
    (folder / "user_artists.dat").write_text("\n".join(["userID\tartistID\tweight", *rows]) + "\n")
    found, first = (
        quality.measure(quick=quick, console=Console(quiet=True), data=tmp_path) for quick in (False, True)
    )
    for key in ("ndcg10", "coverage10", "knn_ndcg10", "popularity_ndcg10"):
        assert found[f"{key}_fold1"] == pytest.approx(first[key])
    assert found["knn_ndcg10"] != pytest.approx(first["knn_ndcg10"])
