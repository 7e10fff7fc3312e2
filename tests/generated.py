"""Requests that hypothesis makes from an OpenAPI document: right and wrong values, in any combination."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping, Sequence
from typing import Any
from urllib.parse import quote

from hypothesis import strategies as st
from jsonschema import Draft202012Validator

ANY = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=20),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=9), inner, max_size=3),
    max_leaves=6,
)
Request = tuple[str, str, dict[str, Any], dict[str, Any]]
"""Method, address, options of a request, and its operation."""


class Generated:
    """Requests to the operations of a document."""

    def __init__(
        self,
        document: Mapping[str, Any],
        *,
        known: Sequence[str],
        wanted: Callable[[str, str], bool] = lambda method, path: True,
    ) -> None:
        """
        Parameters
        ----------
        known
            Ids, some of which exist.
        wanted
            Which operations are called, by method and path.
        """
        self._document, self._known = document, tuple(known)
        self.operations = [
            (method.upper(), path, operation)
            for path, methods in document["paths"].items()
            for method, operation in methods.items()
            if wanted(method.upper(), path)
        ]

    def values(self, schema: Mapping[str, Any]) -> st.SearchStrategy[Any]:  # noqa: C901 - a case for each kind
        """Values of a schema of the document."""
        made: st.SearchStrategy[Any] = ANY
        match schema:
            case {"$ref": str(name)}:
                made = self.values(self._document["components"]["schemas"][name.rpartition("/")[2]])
            case {"anyOf": list(choices)}:
                made = st.one_of(*map(self.values, choices))
            case {"enum": list(names)}:
                made = st.sampled_from(names)
            case {"const": value}:
                made = st.just(value)
            case {"type": "boolean"}:
                made = st.booleans()
            case {"type": "integer"}:
                made = st.integers(schema.get("minimum"), schema.get("maximum"))
            case {"type": "number"}:
                made = st.floats(allow_nan=False, allow_infinity=False)
            case {"type": "string", "pattern": str(pattern)}:
                made = (
                    st.sampled_from(self._known)
                    | st.uuids().map(str)
                    | st.from_regex(pattern, fullmatch=True)
                )
            case {"type": "string"}:
                sizes = {"min_size": schema.get("minLength", 0), "max_size": schema.get("maxLength", 60)}
                made = st.sampled_from(["light", *self._known]) | st.text(**sizes)
            case {"type": "array", "items": dict(items)}:
                made = st.lists(self.values(items), min_size=schema.get("minItems", 0), max_size=3)
            case {"type": "object", "properties": dict(fields)}:
                required = {name: self.values(fields[name]) for name in schema.get("required", ())}
                optional = {name: self.values(of) for name, of in fields.items() if name not in required}
                made = st.fixed_dictionaries(required, optional=optional)
            case {"type": "null"}:
                made = st.none()
        return made

    def requests(
        self, *, damaged: Callable[[st.SearchStrategy[Any]], st.SearchStrategy[Any]] = lambda right: right
    ) -> st.SearchStrategy[Request]:
        """Requests; `damaged` makes wrong bodies of right ones."""
        return st.sampled_from(self.operations).flatmap(
            lambda one: self._request(one[0], one[1], one[2], damaged)
        )

    def _request(
        self,
        method: str,
        path: str,
        operation: dict[str, Any],
        damaged: Callable[[st.SearchStrategy[Any]], st.SearchStrategy[Any]],
    ) -> st.SearchStrategy[Request]:
        @st.composite
        def drawn(draw: st.DrawFn) -> Request:
            address, query, options = path, {}, dict[str, Any]()
            for parameter in operation.get("parameters", ()):
                right = self.values(parameter["schema"])
                value = draw(right | right | st.text(max_size=20) | st.none())
                if parameter["in"] == "path":
                    own = draw(st.sampled_from(self._known)) if value is None else text_of(value)
                    address = address.replace(f"{{{parameter['name']}}}", quote(own or "x", safe=""))
                elif parameter["in"] == "query" and value is not None:
                    query[parameter["name"]] = text_of(value)
            content = operation.get("requestBody", {}).get("content", {}).get("application/json")
            if content:
                right = self.values(content["schema"])
                options["content"] = draw(right | right | right | damaged(right) | ANY)
            return method, address, {"params": query, **options}, operation

        return drawn()

    def check(self, response: Any, operation: Mapping[str, Any]) -> None:
        """Check that an answer is one that the document has for the operation, in its form."""
        described = operation["responses"].get(str(response.status_code))
        assert described is not None, (response.request.url, response.status_code, response.text[:300])
        media = response.headers.get("content-type", "").partition(";")[0]
        schema = described.get("content", {}).get(media, {}).get("schema")
        if schema and media.endswith("json"):
            Draft202012Validator({**self._document, **schema}).validate(response.json())


def text_of(value: Any) -> str:
    """A value as a parameter of an address."""
    return str(value).encode("utf-8", "replace").decode()


def json_of(value: Any) -> bytes:
    """A value as a body."""
    return json.dumps(value).encode("utf-8", "surrogatepass")
