"""`./run.sh dependencies audit`: known vulnerabilities of the packages, jars and images that Segue uses."""

from __future__ import annotations

import http.client
import importlib.util
import shutil
import urllib.request
from collections.abc import Iterable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated, Any

import typer

from segue.counted import counted
from segue.dependencies.advisories import ECOSYSTEMS, Advisories, Finding, read_advisories
from segue.dependencies.images import read_images
from segue.dependencies.pinned import Ecosystem, Pinned, installed, jars, python_packages
from segue.errors import SegueError, one_line_errors
from segue.figures import JsonFile, can_write, say, write_figures
from segue.local.jars import ensure_jars, kafka_jars, spark_jars
from segue.places import CHECKOUT, CONF, LOCAL, ROOT

SOURCE = "https://osv-vulnerabilities.storage.googleapis.com/{ecosystem}/all.zip"
FOLDER = LOCAL / "advisories"
_PATIENCE = 60.0
"""Seconds to wait for an answer of the source."""


def audit(
    advisories: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder or ZIP file of OSV advisories. Without it, they are fetched. Repeatable."
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="An advisory that does not concern Segue. Repeatable.")
    ] = None,
    days: Annotated[
        int,
        typer.Option(
            min=1, max=36_525, help="Fail if the newest advisory is older than this number of days."
        ),
    ] = 30,
    json_file: JsonFile = None,
) -> None:
    """Compare the pinned packages, the jars and the servers in images with known vulnerabilities.

    The exit status is 0 only if everything was compared with recent advisories and nothing was found.
    Libraries inside wheels, jars and images, the embedded mongod, ffmpeg and Java are not compared. The
    second example needs no network.

    Example: ./run.sh dependencies audit

    Example: ./run.sh dependencies audit --advisories PyPI.zip --advisories Maven.zip --advisories Bitnami.zip
    """
    with one_line_errors():
        can_write(json_file)
        parts = components()
        ecosystems = [one for one in ECOSYSTEMS if one in {part.ecosystem for part in parts}]
        known = read_advisories(advisories or [_fetched(ecosystem) for ecosystem in ecosystems])
        findings = [
            finding for part in parts for finding in known.about(part) if not _ignored(finding, ignore or [])
        ]
        gaps = unknown(known, ecosystems, now=datetime.now(UTC), days=days)
        write_figures(
            json_file,
            {"compared": len(parts), "findings": [_plain(finding) for finding in findings], "gaps": gaps},
        )
        for finding in findings:
            say(_line(finding), json_file)
        say(
            f"{counted(len(parts), 'package, jar or image', plural='packages, jars and images')}, "
            f"affected by {counted(len(findings), 'advisory', plural='advisories')}",
            json_file,
        )
        if gaps:
            raise SegueError("; ".join(gaps))
        if findings:
            raise SegueError(
                f"{counted(len(findings), 'advisory', plural='advisories')}: upgrade the packages, "
                "or --ignore advisories that do not concern Segue"
            )


def components() -> list[Pinned]:
    """The packages, jars and servers in images that are compared.

    Raises
    ------
    SegueError
        pyspark is not installed.
    """
    ensure_jars()
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SegueError("pyspark is not installed: start through ./run.sh, which sets it up")
    folders = [Path(spec.origin).parent / "jars", spark_jars(), kafka_jars()]
    locks = [CONF / "installer.txt", *sorted(ROOT.glob("requirements*.txt"))] if CHECKOUT else []
    packages = {package for lock in locks for package in python_packages(lock)} or installed()
    servers = [image.pinned for image in read_images()] if CHECKOUT else []
    return [*sorted(packages), *jars(folders), *servers]


def unknown(known: Advisories, ecosystems: Iterable[Ecosystem], *, now: datetime, days: int) -> list[str]:
    """The parts that were not checked, since there are no advisories or only old ones; a line for each."""
    gaps = []
    for ecosystem in ecosystems:
        newest = known.newest.get(ecosystem)
        if newest is None:
            gaps.append(f"no advisories for {ecosystem}: its packages were not checked")
        elif now - newest > timedelta(days=days):
            gaps.append(f"the advisories for {ecosystem} end on {newest:%Y-%m-%d}: later ones are missing")
    return gaps


def _ignored(finding: Finding, names: list[str]) -> bool:
    return not {finding.advisory, *finding.aliases}.isdisjoint(names)


def _plain(finding: Finding) -> dict[str, Any]:
    return {
        "package": finding.package,
        "version": finding.pinned.version,
        "ecosystem": finding.pinned.ecosystem,
        "advisory": finding.advisory,
        "aliases": list(finding.aliases),
        "fixed": list(finding.fixed),
        "sure": finding.sure,
    }


def _line(finding: Finding) -> str:
    names = ", ".join([finding.advisory, *finding.aliases])
    fixed = f"fixed in {', '.join(finding.fixed)}" if finding.fixed else "the advisory names no fixed version"
    doubt = "" if finding.sure else " (the versions could not be compared: read the advisory)"
    return f"{finding.package} {finding.pinned.version}: {names}; {fixed}{doubt}"


def _fetched(ecosystem: str) -> Path:
    """Download all advisories of an ecosystem as a zip."""
    address, file = SOURCE.format(ecosystem=ecosystem), FOLDER / f"{ecosystem}.zip"
    part = file.with_suffix(".part")
    FOLDER.mkdir(parents=True, exist_ok=True)
    try:
        with urllib.request.urlopen(address, timeout=_PATIENCE) as answer, part.open("wb") as out:
            shutil.copyfileobj(answer, out)
    except (OSError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        raise SegueError(
            f"nothing was checked: {address} could not be fetched ({reason}); "
            "download it on a machine with network access, and pass it with --advisories"
        ) from None
    part.replace(file)
    return file
