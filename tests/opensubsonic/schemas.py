"""The published schemas of OpenSubsonic (openapi/, Apache-2.0), and the check of answers against them."""

from __future__ import annotations

import json
from functools import cache
from pathlib import Path
from typing import Any

from jsonschema import Draft202012Validator, FormatChecker
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

FOLDER = Path(__file__).with_name("openapi")
_ENDPOINTS = FOLDER / "endpoints"


@cache
def _registry() -> Registry[Any]:
    def read(uri: str) -> Resource[Any]:
        return Resource.from_contents(json.loads(Path(uri).read_text()), DRAFT202012)

    return Registry(retrieve=read)  # type: ignore[call-arg]


@cache
def described() -> frozenset[str]:
    """The names of all endpoints that the schemas describe."""
    return frozenset(file.stem for file in _ENDPOINTS.glob("*.json"))


@cache
def sends_files(name: str) -> bool:
    """Whether an endpoint sends a file, so that the schemas give no shape of an answer."""
    try:
        _validator(name)
    except KeyError:
        return True
    return False


@cache
def _validator(name: str) -> Draft202012Validator:
    operations = json.loads((_ENDPOINTS / f"{name}.json").read_text())
    operation = operations.get("get") or operations["post"]
    found = operation["responses"]["200"]
    place = _ENDPOINTS
    while "$ref" in found:
        file = (place / found["$ref"]).resolve()
        found, place = json.loads(file.read_text()), file.parent
    schema = found["content"]["application/json"]["schema"]
    if "$ref" in schema:
        schema = {"$ref": str((place / schema["$ref"]).resolve())}
    else:
        schema = _absolute(schema, place)
    return Draft202012Validator(schema, registry=_registry(), format_checker=FormatChecker())


def _absolute(schema: Any, place: Path) -> Any:
    """The schema with references to files by absolute paths."""
    if isinstance(schema, dict):
        return {
            key: str((place / value).resolve()) if key == "$ref" else _absolute(value, place)
            for key, value in schema.items()
        }
    return [_absolute(part, place) for part in schema] if isinstance(schema, list) else schema


def check(name: str, body: Any) -> None:
    """Compare an answer with the schema of its endpoint; that of one which sends files is an error."""
    errors = sorted(
        _validator("ping" if sends_files(name) else name).iter_errors(body), key=lambda error: len(error.path)
    )
    assert not errors, f"{name}: {errors[0].message[:400]} at {list(errors[0].absolute_path)}"
