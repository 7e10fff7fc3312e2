"""`./run.sh dependencies sbom`: all third-party software of a release, as a CycloneDX document.

The sources are the files that pin it: the lock files, the checksums of the jars, and the list of images;
beside them the jars in pyspark. The same files give the same document.
"""

from __future__ import annotations

import hashlib
import importlib.util
import json
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, Any
from urllib.parse import quote

import typer

from segue import __version__
from segue.dependencies.images import read_images
from segue.dependencies.pinned import Pinned, python_packages, split_jar
from segue.errors import SegueError, one_line_errors
from segue.places import CHECKOUT, CONF, ROOT

_NAMES = uuid.UUID("5f6f3c4e-8d0c-5d0b-9b1a-0f3c2f6a7b11")
Component = dict[str, Any]


def document(root: Path = ROOT) -> dict[str, Any]:
    """The document, in CycloneDX 1.6.

    Raises
    ------
    SegueError
        A file is missing, or pins something without a hash.
    """
    components = sorted(
        {one["bom-ref"]: one for one in _all(root)}.values(), key=lambda one: str(one["bom-ref"])
    )
    own = {
        "type": "application",
        "bom-ref": f"pkg:pypi/segue@{__version__}",
        "name": "segue",
        "version": __version__,
        "licenses": [{"license": {"id": "Apache-2.0"}}],
        "purl": f"pkg:pypi/segue@{__version__}",
    }
    contents = json.dumps([own, components], sort_keys=True)
    return {
        "$schema": "http://cyclonedx.org/schema/bom-1.6.schema.json",
        "bomFormat": "CycloneDX",
        "specVersion": "1.6",
        "serialNumber": f"urn:uuid:{uuid.uuid5(_NAMES, contents)}",
        "version": 1,
        "metadata": {"component": own},
        "components": components,
    }


def _all(root: Path) -> Iterator[Component]:
    runtime = {one.name for one in python_packages(root / "requirements.txt")}
    for lock in [CONF / "installer.txt", *sorted(root.glob("requirements*.txt"))]:
        for one in python_packages(lock):
            yield _package(one, required=one.name in runtime)
    yield from _pinned_jars((CONF / "jars.sha256").read_text())
    yield from _bundled_jars()
    for image in read_images(root):
        yield _image(image.name, image.tag, image.digest)


def _package(one: Pinned, *, required: bool) -> Component:
    """Without hashes: a lock file has those of the files for all machines, of which one is installed."""
    return _component("library", f"pkg:pypi/{one.name}@{quote(one.version)}", one.name, one.version) | {
        "scope": "required" if required else "optional"
    }


def _pinned_jars(sums: str) -> Iterator[Component]:
    for line in sums.splitlines():
        digest, file = line.split()
        name, version = split_jar(Path(file).name)
        yield _jar(name, version, digest)


def _bundled_jars() -> Iterator[Component]:
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SegueError("pyspark is not installed: start through ./run.sh, which sets it up")
    for jar in sorted((Path(spec.origin).parent / "jars").glob("*.jar")):
        name, version = split_jar(jar.name)
        with jar.open("rb") as file:
            yield _jar(name, version, hashlib.file_digest(file, "sha256").hexdigest())


def _jar(name: str, version: str, digest: str) -> Component:
    """Named by artifact: the name of a jar's file does not have the group."""
    reference = f"pkg:generic/{quote(name)}@{quote(version)}?checksum=sha256:{digest}&type=jar"
    return _component("library", reference, name, version) | {
        "hashes": [{"alg": "SHA-256", "content": digest}]
    }


def _image(name: str, tag: str, digest: str) -> Component:
    version = quote(digest or tag, safe="")
    reference = (
        f"pkg:oci/{name.rpartition('/')[2]}@{version}?repository_url={quote(name, safe='')}&tag={quote(tag)}"
    )
    hashes = {"hashes": [{"alg": "SHA-256", "content": digest.partition(":")[2]}]} if digest else {}
    return _component("container", reference, name, tag) | hashes


def _component(kind: str, purl: str, name: str, version: str) -> Component:
    return {"type": kind, "bom-ref": purl, "name": name, "version": version, "purl": purl}


def sbom(
    output: Annotated[Path, typer.Option(help="The file to write.")] = Path("sbom.json"),
) -> None:
    """Write the software bill of materials (SBOM) as CycloneDX: packages, jars and images.

    For a checkout. It lists the versions that the checkout pins. Each release contains this file.

    Example: ./run.sh dependencies sbom

    Example: ./run.sh dependencies sbom --output dist/sbom.json
    """
    with one_line_errors():
        if not CHECKOUT:
            raise SegueError("an installed package pins nothing: use the document of the release")
        made = document()
        try:
            output.write_text(json.dumps(made, indent=1) + "\n")
        except OSError as error:
            raise SegueError(f"{output} cannot be written: {error.strerror or error}") from None
        typer.echo(f"{output}: {len(made['components'])} components")
