"""The software bill of materials: everything that is pinned, in the form of CycloneDX."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import typer.testing
from jsonschema import Draft7Validator
from referencing import Registry, Resource

import segue
from segue.dependencies import cli, sbom
from segue.dependencies.images import LIST, PLACES
from segue.dependencies.pinned import python_packages
from segue.places import CONF, ROOT

SCHEMAS = Path(__file__).with_name("cyclonedx")


def test_it_has_all_that_the_audit_compares() -> None:
    components = sbom.document()["components"]
    listed = {(one["name"], one["version"]) for one in components}
    # The audit names an image by its product.
    compared = [one for one in cli.components() if one.ecosystem != "Bitnami"]
    assert {(one.name, one.version) for one in compared} <= listed
    assert {("mongo", "8.0.17"), ("uv", python_packages(CONF / "installer.txt")[0].version)} <= listed
    assert len({one["bom-ref"] for one in components}) == len(components)


def test_each_component_is_named_by_its_address_and_a_jar_by_its_checksum() -> None:
    by_name = {one["name"]: one for one in sbom.document()["components"]}
    assert by_name["streamlit"]["purl"].startswith("pkg:pypi/streamlit@")
    assert (by_name["streamlit"]["scope"], by_name["pytest"]["scope"]) == ("required", "optional")
    sums = {file: digest for digest, file in map(str.split, (CONF / "jars.sha256").read_text().splitlines())}
    jar = by_name["kafka-server"]
    assert jar["hashes"] == [{"alg": "SHA-256", "content": sums[f"kafka/kafka-server-{jar['version']}.jar"]}]
    assert by_name["spark-core_2.13"]["hashes"][0]["content"]
    image = by_name["apache/kafka"]
    assert image["type"] == "container"
    assert image["purl"].startswith("pkg:oci/kafka@")


def test_the_same_files_give_the_same_document(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(sbom.sbom)
    files = [tmp_path / "one.json", tmp_path / "other.json"]
    for file in files:
        done = typer.testing.CliRunner().invoke(app, ["--output", str(file)])
        assert done.exit_code == 0, done.output
    assert files[0].read_bytes() == files[1].read_bytes()
    made = json.loads(files[0].read_text())
    assert (made["bomFormat"], made["specVersion"]) == ("CycloneDX", "1.6")
    assert made["metadata"]["component"]["version"] == segue.__version__
    assert re.fullmatch(r"urn:uuid:[0-9a-f-]{36}", made["serialNumber"])


def test_a_folder_that_is_missing_is_one_line(tmp_path: Path) -> None:
    app = typer.Typer()
    app.command()(sbom.sbom)
    done = typer.testing.CliRunner().invoke(app, ["--output", str(tmp_path / "none" / "x.json")])
    assert done.exit_code == 1
    assert "cannot be written" in done.stderr


def test_the_list_of_images_is_a_part_of_it() -> None:
    assert (ROOT / LIST).is_file()
    assert all((ROOT / place).is_file() for place in PLACES)


def faults(made: dict[str, Any]) -> list[str]:
    """Where a document is not as the published schema says (tests/dependencies/cyclonedx, from CycloneDX)."""
    schemas = [json.loads(path.read_text()) for path in sorted(SCHEMAS.glob("*.schema.json"))]
    known = Registry().with_resources([(one["$id"], Resource.from_contents(one)) for one in schemas])
    (whole,) = (one for one in schemas if one["$id"] == made["$schema"])
    return [error.json_path for error in Draft7Validator(whole, registry=known).iter_errors(made)]


def test_it_is_as_the_schema_says() -> None:
    made = sbom.document()
    assert faults(made) == []
    made["components"][0]["hashes"] = [{"alg": "SHA-256", "content": "none"}]
    assert faults(made) == ["$.components[0].hashes[0].content"]
