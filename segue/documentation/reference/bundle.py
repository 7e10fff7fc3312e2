"""The page on the index bundle."""

from __future__ import annotations

from segue.documentation.reference import markdown as md
from segue.index.backends import BACKENDS
from segue.index.contents import COLUMNS


def render() -> str:
    """The page."""
    backends = [backend.file for backend in BACKENDS.values() if backend.file]
    rows = [
        (" or ".join(map(md.code, backends)), "the neighbour index; exact search needs none"),
        *(
            (", ".join(map(md.code, column.files(name))), column.description)
            for name, column in COLUMNS.items()
        ),
        (
            "`manifest.json`",
            "version, backend and its parameters, dimension, metric, count, space, files with size and "
            "SHA-256, "
            "measured recall@20 and query time; it contains its own checksum",
        ),
        ("`lock`", "readers hold a shared lock on it; a folder with readers is not removed"),
        (
            "`verified.json`",
            "written by the first reader after it has compared all checksums; later readers skip the check",
        ),
    ]
    return md.page(
        "Index bundle",
        "A bundle is a folder below `index.folder`, named by its version: 12 hexadecimal digits of a hash "
        "of contents "
        "and settings. A rename makes the complete folder visible, and it is never changed: overwriting "
        "a mapped file would end its readers with SIGBUS.",
        "`n` is the number of tracks, `d` the dimension, `c` the size of the varied selection, `m` any "
        "number.",
        md.table(("file", "contents"), rows),
        "MongoDB has the same files in GridFS (bucket `bundles`), the manifest in `models` under "
        "`index:<version>`, and "
        "the active version in `models` under `active:index`. Publishing stores the files, then the "
        "manifest, then "
        "switches the version.",
    )
