"""`settings show`, `check` and `explain`."""

from __future__ import annotations

import json
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner, Result

from segue.cli import settings as commands
from segue.errors import SegueError
from segue.places import CONF
from segue.settings import load_settings
from segue.settings.checking import lines_of, problems, similar

BAD = """\
[stream]
allowed_latenes = "1 hour"
window = "soon"

[kafka]
security_protocol = "tls"
passwrd = "hush"
bootstrap_servers = 3
[index.annoy]
n_trees = 0
[engagement]
window = "2 hours"
[experiments]
ranking.bold.list_length = 0
[nonsense]
a = 1
"""


@pytest.fixture
def app() -> Iterator[typer.Typer]:
    found = typer.Typer()
    for command in (commands.show, commands.check, commands.explain):
        found.command()(command)
    yield found


def run(app: typer.Typer, *arguments: str) -> Result:
    return CliRunner().invoke(app, arguments)


def test_check_lists_every_problem_with_its_line(tmp_path: Path, app: typer.Typer) -> None:
    file = tmp_path / "bad.toml"
    file.write_text(BAD)
    answer = run(app, "check", str(file))
    assert answer.exit_code == 1
    lines = [line.removeprefix(f"{file}:") for line in answer.stdout.splitlines()]
    assert [line.partition(":")[0] for line in lines] == ["2", "3", "6", "7", "8", "10", "12", "14", "15"]
    assert (
        lines[0]
        == "2: stream.allowed_latenes: there is no such setting; did you mean stream.allowed_lateness?"
    )
    assert 'stream.window = "soon"' in lines[1] and "allowed: more than 0 seconds" in lines[1]
    assert "allowed: plaintext, ssl, sasl_plaintext, sasl_ssl" in lines[2]
    assert "did you mean kafka.password?" in lines[3]
    assert "it must be at least 1" in lines[5]
    assert "hush" not in answer.stdout


def test_check_finds_contradictions_between_sections(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[ranking]\nlist_length = 9\n[experiments]\nranking.bold.list_length = 0\n")
    [problem] = problems(file)
    assert (problem.line, problem.text.partition(":")[0]) == (4, "experiments.ranking.bold.list_length")


def test_check_names_the_line_of_a_fault_in_the_syntax(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text("[kafka]\npassword = 'hush\n")
    [problem] = problems(file)
    assert problem.line == 2 and "hush" not in problem.text


def test_a_file_without_problems_and_one_of_0_1(tmp_path: Path, app: typer.Typer) -> None:
    former = Path(__file__).parent / "upgrade/data/default-0.1.toml"
    for file in (CONF / "default.toml", former):
        answer = run(app, "check", str(file))
        assert (answer.exit_code, answer.stdout) == (0, f"{file}: no problems\n")


def test_check_of_no_file_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(SegueError, match="cannot be read"):
        problems(tmp_path / "none.toml")


def test_the_line_of_a_former_name_is_found(tmp_path: Path) -> None:
    file = tmp_path / "own.toml"
    file.write_text('[mongo]\n\ntimeout_ms = "soon"\n')
    assert [problem.line for problem in problems(file)] == [3]


def test_show_says_where_a_value_comes_from_and_hides_secrets(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, app: typer.Typer
) -> None:
    own = tmp_path / "own.toml"
    own.write_text('[stream]\nwindow = "1 hour"\n[mongo]\nuri = "mongodb://ada:hush@host"\n')
    monkeypatch.setenv("SEGUE_CONF", str(own))
    monkeypatch.setenv("SEGUE_STREAM__LATENESS", "2 hours")
    monkeypatch.setenv("SEGUE_RANKING", '{"list_length": 9}')
    target = tmp_path / "settings.json"
    answer = run(app, "show", "--json", str(target))
    assert answer.exit_code == 0
    found = json.loads(target.read_text())
    assert found["stream.window"] == {"value": "1 hour", "source": str(own)}
    assert found["stream.allowed_lateness"] == {"value": "2 hours", "source": "SEGUE_STREAM__LATENESS"}
    assert found["ranking.list_length"] == {"value": 9, "source": "SEGUE_RANKING"}
    assert found["ranking.candidates"]["source"] == "default"
    assert found["mongo.uri"]["value"] == "(hidden)"
    assert "hush" not in answer.stdout + target.read_text()


def test_show_prints_a_valid_settings_file(tmp_path: Path, app: typer.Typer) -> None:
    file = tmp_path / "shown.toml"
    file.write_text(run(app, "show").stdout)
    assert tomllib.loads(file.read_text())["stream"]["window"] == "30 minutes"
    assert problems(file) == []


def test_show_of_a_section_and_of_a_key(app: typer.Typer) -> None:
    assert [line[:1] for line in run(app, "show", "index.annoy").stdout.splitlines()] == ["[", "n", "s"]
    assert run(app, "show", "dashboard.port").stdout.splitlines()[1].split() == [
        "port",
        "=",
        "8501",
        "#",
        "default",
    ]
    assert run(app, "show", "dashboard.prot").exit_code == 1


def test_explain_describes_a_key_and_lists_a_section(app: typer.Typer) -> None:
    text = run(app, "explain", "stream.allowed_lateness").stdout
    for part in (
        "Longest time between a play",
        "duration",
        '"1 hour" (default)',
        "restart the stream",
        "at least 0",
    ):
        assert part in text
    assert run(app, "explain", "SEGUE_STREAM__ALLOWED_LATENESS").stdout == text
    listed = run(app, "explain", "models").stdout
    assert "[models.rules]" in listed and "max_gap" in listed


def test_explain_of_a_former_name_gives_the_new_ones(app: typer.Typer) -> None:
    new = run(app, "explain", "stream.allowed_lateness").stdout
    former = run(app, "explain", "stream.lateness").stdout
    assert former == f"stream.lateness is the name of 0.1 for stream.allowed_lateness\n{new}"
    assert run(app, "explain", "SEGUE_STREAM__LATENESS").stdout == former
    split = run(app, "explain", "index.search_k").stdout
    assert split.splitlines()[0] == (
        "index.search_k is the name of 0.1 for index.annoy.search_k and index.voyager.query_ef"
    )
    for name in ("index.annoy.search_k", "index.voyager.query_ef"):
        assert run(app, "explain", name).stdout in split


def test_explain_of_a_name_that_is_none_names_a_similar_one(app: typer.Typer) -> None:
    assert run(app, "explain", "stream.alowed_lateness").exit_code == 1
    assert similar("stream.alowed_lateness") == "stream.allowed_lateness"
    assert similar("index.n_trees") == "index.annoy.n_trees"
    assert similar("zzz") == ""
    assert similar("stream.foo") == ""
    assert similar("strem") == "stream"


def test_lines_of_keys_in_every_notation() -> None:
    found = lines_of('a.b = 1\n[c]\n"d" = 2\n[ e . f ]\ng=3\n# h = 4\n')
    assert found == {"a.b": 1, "c": 2, "c.d": 3, "e.f": 4, "e.f.g": 5}


def test_the_defaults_fit_their_own_ranges() -> None:
    assert load_settings().dashboard.port == 8501
