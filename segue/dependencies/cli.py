"""`./run.sh dependencies audit`: what is known against the packages and jars that Segue is made of."""

from __future__ import annotations

import http.client
import importlib.util
import shutil
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Annotated

import typer

from segue.dependencies.advisories import ECOSYSTEMS, Advisories, Finding, read_advisories
from segue.dependencies.pinned import Pinned, installed, jars, python_packages
from segue.errors import SegueError, one_line_errors
from segue.local.jars import ensure_jars, kafka_jars, spark_jars
from segue.places import CHECKOUT, LOCAL, ROOT

SOURCE = "https://osv-vulnerabilities.storage.googleapis.com/{ecosystem}/all.zip"
FOLDER = LOCAL / "advisories"
_PATIENCE = 60.0
"""Seconds in which the source must say something."""


def audit(
    advisories: Annotated[
        list[Path] | None,
        typer.Option(
            help="A folder or zip of advisories in OSV's form, instead of fetching them; may be repeated."
        ),
    ] = None,
    ignore: Annotated[
        list[str] | None, typer.Option(help="An advisory that does not concern Segue; may be repeated.")
    ] = None,
    days: Annotated[
        int, typer.Option(min=1, help="How old the newest advisory may be for the answer to count.")
    ] = 30,
) -> None:
    """Compare the pinned packages and the jars with known vulnerabilities.

    It ends with status 0 only if everything was compared, with advisories of these days, and nothing was
    found. Not compared: what a wheel or jar brings inside, mongod, ffmpeg and Java.

    Example:  ./run.sh dependencies audit

    Without a network:  ./run.sh dependencies audit --advisories PyPI.zip --advisories Maven.zip
    """
    with one_line_errors():
        parts = components()
        known = read_advisories(advisories or [_fetched(ecosystem) for ecosystem in ECOSYSTEMS])
        findings = [
            finding for part in parts for finding in known.about(part) if not _ignored(finding, ignore or [])
        ]
        for finding in findings:
            typer.echo(_line(finding))
        gaps = unknown(known, now=datetime.now(UTC), days=days)
        typer.echo(f"{len(parts)} packages and jars, {len(findings)} advisories that concern them")
        if gaps:
            raise SegueError("; ".join(gaps))
        if findings:
            raise SegueError(
                f"{len(findings)} advisories: raise the versions, or --ignore what does not concern us"
            )


def components() -> list[Pinned]:
    """All that is compared."""
    ensure_jars()
    spec = importlib.util.find_spec("pyspark")
    if spec is None or spec.origin is None:
        raise SegueError("pyspark is not installed: start through ./run.sh, which sets it up")
    folders = [Path(spec.origin).parent / "jars", spark_jars(), kafka_jars()]
    locks = sorted(ROOT.glob("requirements*.txt")) if CHECKOUT else []
    packages = {package for lock in locks for package in python_packages(lock)} or installed()
    return [*sorted(packages), *jars(folders)]


def unknown(known: Advisories, *, now: datetime, days: int) -> list[str]:
    """What could not be told, as the advisories do not reach so far."""
    gaps = []
    for ecosystem in ECOSYSTEMS:
        newest = known.newest.get(ecosystem)
        if newest is None:
            gaps.append(f"no advisories for {ecosystem}: nothing of it was checked")
        elif now - newest > timedelta(days=days):
            gaps.append(f"the advisories for {ecosystem} end on {newest:%Y-%m-%d}: nothing later was checked")
    return gaps


def _ignored(finding: Finding, names: list[str]) -> bool:
    return not {finding.advisory, *finding.aliases}.isdisjoint(names)


def _line(finding: Finding) -> str:
    names = ", ".join([finding.advisory, *finding.aliases])
    mended = f"mended in {', '.join(finding.fixed)}" if finding.fixed else "no mended version is named"
    doubt = "" if finding.sure else " (its versions could not be compared: see for yourself)"
    return f"{finding.package} {finding.pinned.version}: {names}; {mended}{doubt}"


def _fetched(ecosystem: str) -> Path:
    """All advisories of an ecosystem as a zip, fetched anew."""
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
            "fetch it where there is a network, and give it with --advisories"
        ) from None
    part.replace(file)
    return file
