"""Settings: defaults, the user's own, and a clear line for an invalid value."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import BaseModel

from segue.errors import SegueError
from segue.places import CONF, ROOT
from segue.renamed_settings import RENAMED, with_new_names
from segue.settings import Settings, load_settings
from segue.settings.effective import effective


def test_the_environment_comes_before_the_file(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_KAFKA__PARTITIONS", "9")
    monkeypatch.setenv("SEGUE_STREAM__WINDOW", "45 minutes")
    settings = load_settings()
    assert settings.kafka.partitions == 9
    assert settings.stream.window == timedelta(minutes=45)


def test_a_settings_file_may_have_only_the_differences(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[index.annoy]\nn_trees = 7\n")
    monkeypatch.setenv("SEGUE_CONF", str(own))
    settings = load_settings()
    assert (settings.index.annoy.n_trees, settings.index.backend) == (7, "annoy")


def test_a_variant_of_ones_own_is_a_table_in_the_file(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(
        "[experiments]\nvariants = { hybrid = 50, bold = 25 }\n"
        "[experiments.ranking.bold]\nexploration_share = 0.3\nmax_per_artist = 3\n"
    )
    monkeypatch.setenv("SEGUE_CONF", str(own))
    settings = load_settings()
    assert settings.experiments.variants == (("hybrid", 50), ("bold", 25))
    changes = (("exploration_share", 0.3), ("max_per_artist", 3), ("staying_per_artist", 3))
    assert settings.experiments.ranking == (("bold", changes),)
    assert hash(settings) == hash(load_settings())


def test_a_default_stands_in_one_place() -> None:
    """In conf/default.toml, or in the class."""
    listed = tomllib.loads((CONF / "default.toml").read_text())

    def twice(section: type[BaseModel], table: dict[str, Any], place: str = "") -> Iterator[str]:
        for name, field in section.model_fields.items():
            nested, value = field.annotation, table.get(name)
            if isinstance(nested, type) and issubclass(nested, BaseModel):
                yield from twice(nested, value or {}, f"{place}{name}.")
            elif name in table and not field.is_required():
                yield f"{place}{name}"

    assert list(twice(Settings, listed)) == []


def test_relative_paths_count_from_the_project_and_addresses_stay(monkeypatch: pytest.MonkeyPatch) -> None:
    assert load_settings().spark.checkpoint_location == str(ROOT / ".local/checkpoints")
    monkeypatch.setenv("SEGUE_SPARK__CHECKPOINT_LOCATION", "hdfs://name/checkpoints")
    assert load_settings().spark.checkpoint_location == "hdfs://name/checkpoints"


def test_options_for_spark_are_pairs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_SPARK__CONF", '{"spark.executor.memory": "2g", "spark.a": "b=c"}')
    assert dict(load_settings().spark.conf) == {"spark.executor.memory": "2g", "spark.a": "b=c"}


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("SEGUE_KAFKA__BOOTSTRAPP", "x:1", "bootstrapp"),
        ("SEGUE_KAFAK__BOOTSTRAP", "x:1", "SEGUE_KAFAK__BOOTSTRAP is not a setting"),
        ("SEGUE_INDEX__TREES", "many", "index.annoy.n_trees"),
        ("SEGUE_INDEX__ANNOY__N_TREES", "0", "index.annoy.n_trees"),
        ("SEGUE_INDEX__ANNOY__TREE", "50", "index.annoy.tree"),
        ("SEGUE_INDEX__BACKEND", "faiss", "index.backend = 'faiss': it must be one of annoy, voyager, exact"),
        (
            "SEGUE_INDEX__SPACE",
            "nonsense",
            "index.space = 'nonsense': it must be one of auto, audio, genres, sessions",
        ),
        ("SEGUE_STREAM__WINDOW", "soon", '"30 minutes"'),
        ("SEGUE_SPARK__CONF", '{"memory": "2g"}', "memory is not a property of Spark, such as spark."),
        (
            "SEGUE_EXPERIMENTS__VARIANTS",
            '{"bold": 50}',
            "experiments.variants: bold is neither audio, hybrid",
        ),
        (
            "SEGUE_EXPERIMENTS__RANKING",
            '{"b": {"list_length": 0}}',
            "experiments.ranking.b.list_length: it must be at least 1",
        ),
        ("SEGUE_EXPERIMENTS__RANKING", '{"audio": {}}', "experiments.ranking: audio cannot be changed"),
        ("SEGUE_CONF", "/nowhere.toml", "the file /nowhere.toml does not exist: correct SEGUE_CONF"),
    ],
)
def test_an_invalid_value_is_one_line_that_names_the_key(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    monkeypatch.setenv(name, value)
    with pytest.raises(SegueError) as caught:
        load_settings()
    assert says in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_former_name_still_sets_the_setting_and_is_warned_of(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[models]\nfactors = 32\niterations = 4\n[embedding]\ncomponents = 9\n")
    monkeypatch.setenv("SEGUE_CONF", str(own))
    monkeypatch.setenv("SEGUE_MODELS__FACTORS", "16")  # the environment comes before the file, here as well
    monkeypatch.setenv("SEGUE_EMBEDDING__GENRE_TRACKS", "7")
    settings = load_settings()
    assert (settings.models.als.factors, settings.models.als.iterations) == (16, 4)
    assert (settings.embedding.audio.n_components, settings.embedding.genres.min_tracks_per_genre) == (9, 7)
    assert f"{own}: the setting models.iterations is now models.als.iterations" in caplog.text
    assert (
        "environment: the setting embedding.genre_tracks is now embedding.genres.min_tracks_per_genre"
        in caplog.text
    )


def test_a_former_name_gives_way_to_todays_in_the_same_file() -> None:
    both = {"models": {"factors": 1, "als": {"factors": 2}}}
    assert with_new_names(both, source="file") == {"models": {"als": {"factors": 2}}}
    assert both["models"]["factors"] == 1


@pytest.mark.parametrize(
    ("file", "model", "repeat_share", "staying"),
    [
        ("", "learned", 0.25, 10),
        ("[ranking]\ntransition_weight = 3.0\n", "sum", 0.25, 10),
        ("[ranking]\nsession_weight = 3.0\n", "sum", 0.25, 10),
        ("[ranking]\ntransition_weight = 0\n", "learned", 0.25, 10),
        ('[ranking]\ntransition_weight = 3.0\nmodel = "learned"\n', "learned", 0.25, 10),
        ("[experiments.ranking.bold]\nartist_weight = 3.0\n", "sum", 0.25, 10),
        ('[taste]\nrepeat_after = "2 days"\n', "learned", 0.0, 10),
        ('[taste]\nrepeat_after = "2 days"\n[ranking]\nrepeat_share = 0.1\n', "learned", 0.1, 10),
        ("[ranking]\nmax_per_artist = 3\n", "learned", 0.25, 3),
        ("[ranking]\nmax_per_artist = 3\nstaying_per_artist = 5\n", "learned", 0.25, 5),
    ],
)
def test_settings_of_0_1_keep_their_meaning(
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    file: str,
    model: str,
    repeat_share: float,
    staying: int,
) -> None:
    own = tmp_path / "own.toml"
    own.write_text(file)
    monkeypatch.setenv("SEGUE_CONF", str(own))
    found = load_settings()
    ranking = found.ranking
    assert (ranking.model, ranking.repeat_share, ranking.staying_per_artist) == (model, repeat_share, staying)
    there = {each.key.name: each for each in effective(found)}
    assert there["ranking.model"].value == model


def test_a_variable_keeps_its_meaning_unless_the_file_says_otherwise(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SEGUE_RANKING__ARTIST_WEIGHT", "3.0")
    assert load_settings().ranking.model == "sum"
    own = tmp_path / "own.toml"
    own.write_text('[ranking]\nmodel = "learned"\n')
    monkeypatch.setenv("SEGUE_CONF", str(own))
    assert load_settings().ranking.model == "learned"
    monkeypatch.setenv("SEGUE_EXPERIMENTS__RANKING", '{"bold": {"max_per_artist": 1}}')
    assert load_settings().experiments.ranking == (
        ("bold", (("max_per_artist", 1), ("staying_per_artist", 1))),
    )


def test_every_former_name_is_gone_and_every_new_one_is_a_setting(monkeypatch: pytest.MonkeyPatch) -> None:
    for former, names in RENAMED.items():
        new = (names,) if isinstance(names, str) else names
        for name, known in ((former, False), *((name, True) for name in new)):
            value: object = load_settings()
            for part in name.split("."):
                value = getattr(value, part, None)
            assert (value is not None) == known, name


def test_an_invalid_value_of_a_former_name_is_reported_with_the_new_name(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("SEGUE_MODELS__FACTORS", "many")
    with pytest.raises(SegueError, match=r"models\.als\.factors"):
        load_settings()


def test_a_copy_with_an_unknown_key_is_an_error() -> None:
    ranking = load_settings().ranking
    assert ranking.model_copy(update={"list_length": 3}).list_length == 3
    with pytest.raises(KeyError, match="RankingSettings has no items"):
        ranking.model_copy(update={"items": 3})
