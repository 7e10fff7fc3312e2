"""One list of images, which the deployments follow, with digests where a registry has answered."""

from __future__ import annotations

import os
import shutil
from pathlib import Path

import pytest
import typer.testing

from segue.dependencies import images
from segue.dependencies.images import LIST, PLACES, different, read_images, write
from segue.dependencies.pinned import Pinned
from segue.errors import SegueError
from segue.places import ROOT

DIGEST = "sha256:" + "ab" * 32


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A copy of the list and of the files that follow it."""
    for name in (LIST, *PLACES):
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, tmp_path / name)
    return tmp_path


def docker(folder: Path, answers: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A Docker whose registries answer with the cases of a shell."""
    folder.mkdir()
    program = folder / "docker"
    program.write_text(
        f"""#!/bin/bash
        [ "$*" = "buildx imagetools inspect --format {{{{.Manifest.Digest}}}} ${{!#}}" ] || exit 9
        case ${{!#}} in {answers} *) echo "no such host" >&2; exit 1 ;; esac
        """
    )
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{folder}:{os.environ['PATH']}")


def run(root: Path, monkeypatch: pytest.MonkeyPatch, *options: str) -> typer.testing.Result:
    monkeypatch.setattr(images.read_images, "__defaults__", (root,))
    monkeypatch.setattr(images.different, "__defaults__", (root,))
    monkeypatch.setattr(images.write, "__defaults__", (root,))
    app = typer.Typer()
    app.command()(images.images_command)
    return typer.testing.CliRunner().invoke(app, list(options))


def test_the_deployments_use_the_images_of_the_list() -> None:
    listed = read_images()
    assert different(listed) == []
    assert {image.name for image in listed} == {
        "python",
        "apache/kafka",
        "mongo",
        "nginxinc/nginx-unprivileged",
        "prom/prometheus",
        "grafana/grafana",
    }


def test_without_a_digest_the_check_says_so(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (root / LIST).write_text((root / LIST).read_text().replace("mongo:8.0.17  ", f"mongo:8.0.17@{DIGEST}  "))
    write(read_images(root), root)
    done = run(root, monkeypatch)
    assert done.exit_code == 0, done.output
    lines = done.stdout.splitlines()
    assert f"mongo:8.0.17@{DIGEST}" in lines
    assert "apache/kafka:4.3.1: by its tag; no digest yet" in lines


def test_another_version_in_a_file_is_found_and_written(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = (root / LIST).read_text()
    (root / LIST).write_text(
        text.replace("1.29.3-alpine", "1.29.4-alpine").replace("mongo:8.0.17", "mongo:8.0.18")
    )
    done = run(root, monkeypatch)
    assert done.exit_code == 1
    for place in (
        "compose.yaml: image: mongo:8.0.17",
        "kustomization.yaml: newName: nginxinc/nginx-unprivileged",
    ):
        assert place in done.stderr
    docker(root / "bin", "", monkeypatch)
    done = run(root, monkeypatch, "--update")
    assert done.exit_code == 0, done.output
    assert "image: mongo:8.0.18\n" in (root / PLACES[0]).read_text()
    assert "newTag: 1.29.4-alpine}" in (root / PLACES[2]).read_text()


def test_an_image_that_the_list_lacks_is_found(root: Path) -> None:
    (root / PLACES[1]).write_text("FROM debian:13.1.0\n")
    assert different(read_images(root), root) == [f"{PLACES[1]}: FROM debian:13.1.0 is not as in {LIST}"]


def test_digests_are_written_where_a_registry_answers(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    answers = f"python:*) echo {DIGEST} ;; nginxinc/*) echo {DIGEST} ;; grafana/*) echo latest ;;"
    docker(root / "bin", answers, monkeypatch)
    done = run(root, monkeypatch, "--update")
    assert done.exit_code == 0, done.output
    assert (root / PLACES[1]).read_text().count(f"FROM python:3.11.14-slim-bookworm@{DIGEST}") == 2
    assert f"newName: nginxinc/nginx-unprivileged, digest: {DIGEST}}}" in (root / PLACES[2]).read_text()
    assert "image: grafana/grafana:12.2.1\n" in (root / PLACES[0]).read_text()
    # What was written is read again, and stays while no registry answers.
    monkeypatch.setenv("PATH", "/nowhere")
    assert run(root, monkeypatch, "--update").exit_code == 0
    assert [image.digest for image in read_images(root)] == [DIGEST, "", "", DIGEST, "", ""]
    assert different(read_images(root), root) == []


def test_the_version_of_a_product_is_compared_with_the_advisories() -> None:
    pinned = {image.pinned for image in read_images()}
    assert {Pinned("Bitnami", "mongodb", "8.0.17"), Pinned("Bitnami", "prometheus", "3.7.3")} <= pinned
    assert all(one.version.replace(".", "").isdigit() for one in pinned)


@pytest.mark.parametrize("line", ["mongo:latest mongodb", "mongo:8.0.17", "mongo:8.0.17@sha256:12 mongodb"])
def test_a_line_without_an_exact_tag_or_a_product_is_refused(root: Path, line: str) -> None:
    (root / LIST).write_text(f"{line}\n")
    with pytest.raises(SegueError, match="not an image with an exact tag"):
        read_images(root)
