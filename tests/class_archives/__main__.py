"""Makes the archives of Java's classes that this machine lacks: `python -m tests.class_archives`."""

from __future__ import annotations

from segue.errors import one_line_errors
from segue.local.class_archive import broker_archive, driver_archive
from segue.local.java import java_home

if __name__ == "__main__":
    with one_line_errors():
        home = java_home()
        archives = [archive for archive in (broker_archive(home), driver_archive(home)) if archive]
        if not all(archive.is_file() for archive in archives):
            print("segue: making archives of Java's classes, to start it faster (once, about a minute)")
            from tests.class_archives.making import make

            make(home)
