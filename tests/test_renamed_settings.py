"""Settings under a former name work as before, with a line that gives the new name."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.settings import load_settings


def test_a_former_name_in_a_file_comes_before_the_default(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    own = tmp_path / "own.toml"
    own.write_text("[index]\ntrees = 7\nkeep_versions = 5\n")
    monkeypatch.setenv("SEGUE_CONF", str(own))
    settings = load_settings().index
    assert (settings.annoy.n_trees, settings.keep_versions) == (7, 5)
    [record] = caplog.records
    assert record.getMessage() == f"{own}: the setting index.trees is now index.annoy.n_trees: rename it"


def test_a_breadth_for_all_backends_is_that_of_each(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_INDEX__SEARCH_K", "900")
    settings = load_settings().index
    assert (settings.annoy.search_k, settings.voyager.query_ef) == (900, 900)


def test_the_environment_comes_before_a_file_whichever_name_either_uses(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    own = tmp_path / "own.toml"
    monkeypatch.setenv("SEGUE_CONF", str(own))
    for variable, name in (("SEGUE_INDEX__TREES", "annoy.n_trees"), ("SEGUE_INDEX__ANNOY__N_TREES", "trees")):
        own.write_text(f"index.{name} = 7\n")
        with monkeypatch.context() as environment:
            environment.setenv(variable, "8")
            assert load_settings().index.annoy.n_trees == 8
        assert load_settings().index.annoy.n_trees == 7


def test_the_name_of_today_comes_first_where_a_source_has_both(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SEGUE_INDEX__TREES", "7")
    monkeypatch.setenv("SEGUE_INDEX__ANNOY__N_TREES", "8")
    assert load_settings().index.annoy.n_trees == 8


def test_nothing_is_said_of_settings_under_their_names(caplog: pytest.LogCaptureFixture) -> None:
    load_settings()
    assert not caplog.records
