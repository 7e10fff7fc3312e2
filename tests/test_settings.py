"""Settings: defaults, the user's own, and a clear line for what does not fit."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

import pytest

from segue.errors import SegueError
from segue.places import ROOT
from segue.settings import load_settings


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_KAFKA__PARTITIONS", "9")
    monkeypatch.setenv("SEGUE_STREAM__WINDOW", "45 minutes")
    settings = load_settings()
    assert settings.kafka.partitions == 9
    assert settings.stream.window == timedelta(minutes=45)


def test_an_own_file_may_hold_just_what_differs(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[index]\ntrees = 7\n")
    monkeypatch.setenv("SEGUE_CONF", str(own))
    settings = load_settings()
    assert (settings.index.trees, settings.index.backend) == (7, "annoy")


def test_a_variant_of_ones_own_is_a_table_in_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        "[experiments]\nvariants = { hybrid = 50, bold = 25 }\n"
        "[experiments.ranking.bold]\nexploration = 0.3\nper_artist = 3\n"
    )
    monkeypatch.setenv("SEGUE_CONF", str(own))
    settings = load_settings()
    assert settings.experiments.variants == (("hybrid", 50), ("bold", 25))
    assert settings.experiments.ranking == (("bold", (("exploration", 0.3), ("per_artist", 3))),)
    assert hash(settings) == hash(load_settings())


def test_relative_paths_count_from_the_project_and_addresses_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().spark.checkpoint == str(ROOT / ".local/checkpoints")
    monkeypatch.setenv("SEGUE_SPARK__CHECKPOINT", "hdfs://name/checkpoints")
    assert load_settings().spark.checkpoint == "hdfs://name/checkpoints"


def test_options_for_spark_are_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_SPARK__OPTIONS", '["spark.executor.memory=2g", "spark.a=b=c"]')
    assert dict(load_settings().spark.extra) == {"spark.executor.memory": "2g", "spark.a": "b=c"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SEGUE_KAFKA__BOOTSTRAPP", "x:1", "bootstrapp"),
        ("SEGUE_KAFAK__BOOTSTRAP", "x:1", "SEGUE_KAFAK__BOOTSTRAP is not a setting"),
        ("SEGUE_INDEX__TREES", "many", "index.trees"),
        ("SEGUE_INDEX__BACKEND", "faiss", "index.backend"),
        ("SEGUE_STREAM__WINDOW", "soon", "'30 minutes'"),
        ("SEGUE_SPARK__OPTIONS", '["memory=2g"]', "is not like spark.executor.memory=2g"),
        (
            "SEGUE_EXPERIMENTS__VARIANTS",
            '{"bold": 50}',
            "experiments.variants: bold is neither audio, hybrid",
        ),
        ("SEGUE_EXPERIMENTS__RANKING", '{"b": {"items": 0}}', "experiments.ranking.b.items: Input should be"),
        ("SEGUE_EXPERIMENTS__RANKING", '{"audio": {}}', "experiments.ranking: audio is what it is"),
        ("SEGUE_CONF", "/nowhere.toml", "no such file"),
    ],
)
def test_what_does_not_fit_is_one_line_that_names_it(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SegueError) as caught:
        load_settings()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)
