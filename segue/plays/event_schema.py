"""The play event as JSON Schema (draft 2020-12)."""

from __future__ import annotations

from typing import Any

from segue.plays.event import FIELDS, Field

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def play_schema() -> dict[str, Any]:
    """The schema of a play in Kafka. Additional fields are allowed."""
    return {"$schema": DIALECT, "title": "Play", **object_of(FIELDS)}


def object_of(fields: tuple[Field, ...]) -> dict[str, Any]:
    """The schema of an object with these fields."""
    return {
        "type": "object",
        "properties": {field.name: _property(field) for field in fields},
        "required": [field.name for field in fields if field.required],
    }


def _property(field: Field) -> dict[str, Any]:
    about = {"description": field.meaning}
    if field.kind == "whole":
        kind: dict[str, Any] = {"type": "integer", "minimum": field.minimum, "maximum": field.maximum}
    elif field.choices:
        kind = {"type": "string", "enum": list(field.choices)}
    else:
        kind = {"type": "string", "pattern": f"^{field.pattern}$"}
    # An optional field that is null counts as missing.
    return kind | about if field.required else {"anyOf": [kind, {"type": "null"}]} | about
