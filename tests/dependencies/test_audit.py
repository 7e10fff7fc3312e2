"""Advisories against pinned versions, and an answer that is good only if everything was looked at."""

from __future__ import annotations

import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import typer.testing
import yaml

from segue.dependencies import cli
from segue.dependencies.advisories import read_advisories
from segue.dependencies.pinned import Pinned
from segue.errors import SegueError

NOW = datetime(2026, 11, 21, tzinfo=UTC)
RANGE = [{"introduced": "0"}, {"fixed": "2.11.3"}, {"introduced": "3.0"}, {"last_affected": "3.1.2"}]


def advisory(
    package: str = "jinja2",
    *,
    ecosystem: str = "PyPI",
    events: list[dict[str, str]] | None = None,
    versions: tuple[str, ...] = (),
    **more: Any,
) -> dict[str, Any]:
    affected = {
        "package": {"ecosystem": ecosystem, "name": package},
        "ranges": [
            {"type": "GIT", "events": [{"introduced": "abc"}]},
            {"type": "ECOSYSTEM", "events": events or RANGE},
        ],
        "versions": list(versions),
    }
    return {
        "id": "X-1",
        "modified": "2026-11-20T10:00:00Z",
        "aliases": ["CVE-1"],
        "affected": [affected],
    } | more


def found(folder: Path, pinned: Pinned, *known: dict[str, Any]) -> list[bool]:
    """For each advisory that concerns the package, whether it is sure."""
    for number, one in enumerate(known):
        (folder / f"{number}.json").write_text(json.dumps(one))
    return [one.sure for one in read_advisories([folder]).about(pinned)]


@pytest.mark.parametrize(
    ("version", "concerned"),
    [("2.11.2", True), ("2.11.3", False), ("2.12", False), ("3.0", True), ("3.1.2", True), ("3.1.10", False)],
)
def test_the_last_event_that_a_version_has_reached_decides(
    tmp_path: Path, version: str, concerned: bool
) -> None:
    assert found(tmp_path, Pinned("PyPI", "jinja2", version), advisory()) == ([True] if concerned else [])


def test_a_listed_version_needs_no_comparison(tmp_path: Path) -> None:
    odd = Pinned("PyPI", "jinja2", "odd-version")
    assert found(tmp_path, odd, advisory(versions=("odd-version",))) == [True]


def test_versions_that_cannot_be_compared_are_shown_and_not_passed_over(tmp_path: Path) -> None:
    assert found(tmp_path, Pinned("Maven", "x", ""), advisory("org.a:x", ecosystem="Maven")) == [False]


@pytest.mark.parametrize(("version", "concerned"), [("4.2.1.Final", True), ("4.2.13.Final", False)])
def test_a_jar_is_found_by_its_artifact_whatever_the_group(
    tmp_path: Path, version: str, concerned: bool
) -> None:
    events = [{"introduced": "4.2.0.Final"}, {"fixed": "4.2.13.Final"}]
    known = advisory("io.netty:netty-codec", ecosystem="Maven", events=events)
    assert bool(found(tmp_path, Pinned("Maven", "netty-codec", version), known)) is concerned


def test_names_are_compared_as_the_index_does(tmp_path: Path) -> None:
    assert found(tmp_path, Pinned("PyPI", "ruamel-yaml", "1.0"), advisory("Ruamel.YAML")) == [True]


def test_other_packages_and_withdrawn_advisories_say_nothing(tmp_path: Path) -> None:
    known = advisory("flask"), advisory(ecosystem="npm"), advisory(withdrawn="2026-01-01T00:00:00Z")
    assert found(tmp_path, Pinned("PyPI", "jinja2", "2.0"), *known) == []


def test_the_forms_that_advisories_come_in(tmp_path: Path) -> None:
    with zipfile.ZipFile(tmp_path / "all.zip", "w") as archive:
        archive.writestr("X-1.json", json.dumps(advisory()))
    folder = tmp_path / "database" / "vulns"
    folder.mkdir(parents=True)
    (folder / "X-2.yaml").write_text(yaml.safe_dump(advisory(id="X-2", modified=NOW)))
    (folder / "list.yaml").write_text("[not, an, advisory]")
    known = read_advisories([tmp_path / "all.zip", tmp_path / "database"])
    assert {one.advisory for one in known.about(Pinned("PyPI", "jinja2", "2.0"))} == {"X-1", "X-2"}
    assert known.newest["PyPI"] == NOW


def test_a_damaged_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "X-1.json").write_text("{")
    with pytest.raises(SegueError, match=r"X-1\.json cannot be read"):
        read_advisories([tmp_path])


def test_packages_that_no_advisory_covers_are_reported(tmp_path: Path) -> None:
    (tmp_path / "X-1.json").write_text(json.dumps(advisory()))
    known = read_advisories([tmp_path])
    assert cli.unknown(known, ("PyPI", "Maven"), now=NOW, days=30) == [
        "no advisories for Maven: its packages were not checked"
    ]
    later = cli.unknown(known, ("PyPI", "Maven"), now=NOW + timedelta(days=40), days=30)
    assert later[0] == "the advisories for PyPI end on 2026-11-20: later ones are missing"


class AuditCommand:
    """The command over two advisories: one of a package that is pinned here, in a version that is."""

    def __init__(self, folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(
            cli, "components", lambda: [Pinned("PyPI", "jinja2", "2.0"), Pinned("Maven", "x", "9")]
        )
        today = datetime.now(UTC).isoformat()
        for number, one in enumerate((advisory(modified=today), advisory("org.a:x", ecosystem="Maven"))):
            (folder / f"{number}.json").write_text(json.dumps(one | {"modified": today}))
        self._folder = folder
        self._app = typer.Typer()
        self._app.command()(cli.audit)

    def __call__(self, *options: str) -> typer.testing.Result:
        given = ["--advisories", str(self._folder), *options]
        return typer.testing.CliRunner().invoke(self._app, given)


@pytest.fixture
def command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> AuditCommand:
    return AuditCommand(tmp_path, monkeypatch)


def test_a_finding_names_the_version_that_fixes_it(command: AuditCommand) -> None:
    done = command()
    assert done.exit_code == 1
    assert "jinja2 2.0: X-1, CVE-1; fixed in 2.11.3" in done.stdout


@pytest.mark.parametrize("name", ["X-1", "CVE-1"])
def test_an_ignored_advisory_is_left_out_by_any_of_its_names(command: AuditCommand, name: str) -> None:
    done = command("--ignore", name)
    assert (done.exit_code, done.stdout) == (0, "2 packages, jars and images, affected by 0 advisories\n")


def test_without_advisories_for_the_jars_nothing_found_is_no_success(
    command: AuditCommand, tmp_path: Path
) -> None:
    (tmp_path / "1.json").unlink()
    done = command("--ignore", "X-1")
    assert done.exit_code == 1
    assert "no advisories for Maven: its packages were not checked" in done.stderr


def test_without_a_network_one_line_says_that_nothing_was_checked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cli, "SOURCE", "http://127.0.0.1:1/{ecosystem}/all.zip")
    monkeypatch.setattr(cli, "FOLDER", tmp_path / "advisories")
    with pytest.raises(SegueError, match=r"nothing was checked: .* could not be fetched") as caught:
        cli._fetched("PyPI")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "advisories" / "PyPI.zip").exists()


def test_everything_that_is_shipped_is_compared() -> None:
    names = {(one.ecosystem, one.name) for one in cli.components()}
    assert {("PyPI", "streamlit"), ("Maven", "spark-core_2.13"), ("Maven", "kafka_2.13")} <= names
    assert ("Maven", "hadoop-bare-naked-local-fs") in names
    assert {("PyPI", "uv"), ("Bitnami", "mongodb"), ("Bitnami", "kafka"), ("Bitnami", "nginx")} <= names
    assert not [one for one in cli.components() if not one.version]
