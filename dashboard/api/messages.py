"""The messages between the server and the player's engine: data of the page, requests and responses.

`player/engine/messages.d.ts` has the same shapes as types, against which the engine is checked.
`./run.sh docs reference` writes it.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from pydantic import BaseModel
from pydantic.json_schema import models_json_schema

from segue.dashboard.api import schemas as s
from segue.dashboard.player.component_data import BarData
from segue.dashboard.player.modules import HERE

FILE: Path = HERE / "engine/messages.d.ts"
_HEADER = "// Written by `./run.sh docs reference` from dashboard/api/messages.py: do not edit.\n"


MESSAGES: tuple[type[BaseModel], ...] = (
    BarData,
    s.Item,
    s.Items,
    s.Ticket,
    s.TrackLyrics,
    s.Plays,
    s.Taken,
    s.Upcoming,
    s.NewQueue,
    s.Queue,
    s.QueueVersion,
)


def write() -> list[Path]:
    """Write the types; returns the file if it has changed."""
    text = types()
    if FILE.is_file() and FILE.read_text() == text:
        return []
    FILE.write_text(text)
    return [FILE]


def types() -> str:
    """The shapes of all messages as TypeScript interfaces."""
    _, definitions = models_json_schema([(model, "validation") for model in MESSAGES], ref_template="{model}")
    shapes = sorted(definitions["$defs"].items())
    return _HEADER + "".join(f"\n{_interface(name, shape)}" for name, shape in shapes)


def _interface(name: str, shape: Mapping[str, Any]) -> str:
    required = set(shape.get("required", ()))
    lines = [f"export interface {name} {{"]
    for field, of_field in shape.get("properties", {}).items():
        if text := of_field.get("description"):
            lines.append(f"  /** {text} */")
        lines.append(f"  {field}{'' if field in required else '?'}: {_type(of_field)};")
    return "\n".join([*lines, "}\n"])


def _type(shape: Mapping[str, Any]) -> str:
    found = "unknown"
    match shape:
        case {"$ref": str(name)}:
            found = name
        case {"anyOf": list(choices)}:
            found = " | ".join(dict.fromkeys(_type(choice) for choice in choices))
        case {"enum": list(values)}:
            found = " | ".join(f'"{value}"' for value in values)
        case {"type": "array", "items": Mapping() as item}:
            found = f"Array<{_type(item)}>"
        case {"type": "object", "additionalProperties": Mapping() as value}:
            found = f"Record<string, {_type(value)}>"
        case {"type": "object", "properties": Mapping() as fields}:
            required = set(shape.get("required", ()))
            inner = (f"{n}{'' if n in required else '?'}: {_type(of)}" for n, of in fields.items())
            found = f"{{ {'; '.join(inner)} }}"
        case {"type": "integer" | "number"}:
            found = "number"
        case {"type": "string" | "boolean" | "null" as plain}:
            found = str(plain)
    return found
