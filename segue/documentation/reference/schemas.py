"""The schemas that the documentation names, by name."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.dashboard.api.openapi import document
from segue.documentation.reference.events import RECORDS
from segue.documentation.reference.records import json_schema
from segue.plays.event_schema import play_schema


def _schemas() -> Mapping[str, Any]:
    components = document()["components"]
    bodies = {
        name: {"$ref": f"#/components/schemas/{name}", "components": components}
        for name in components["schemas"]
    }
    records = {record.__name__: json_schema(record) for record, _ in RECORDS.values()}
    return {**bodies, **records, "Play": play_schema()}


SCHEMAS = _schemas()
