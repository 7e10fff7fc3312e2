"""Routes for all paths below another one.

Starlette's `path` stops at a line break. A request for such a path would get the plain text that Starlette
has for unknown paths, in place of the error that a protocol prescribes.
"""

from __future__ import annotations

from starlette.convertors import PathConvertor, register_url_convertor


class _AnyPath(PathConvertor):
    regex = r"(?s:.*)"


register_url_convertor("any_path", _AnyPath())


def below(root: str) -> str:
    """The path of a route for everything below `root`, as the path parameter `path`."""
    return f"{root}/{{path:any_path}}"
