"""The file systems of a folder: the kernel does not report changes that others make on a network disk."""

from __future__ import annotations

import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

MOUNTINFO = Path("/proc/self/mountinfo")
REMOTE = frozenset(
    {
        "nfs", "nfs3", "nfs4", "cifs", "smb3", "smbfs", "9p", "virtiofs", "afs", "ceph", "coda", "ncpfs",
        "glusterfs", "lustre", "beegfs", "davfs", "vboxsf", "prl_fs", "drvfs",
    }
)  # fmt: skip
"""Types of file systems whose changes may come from elsewhere, besides fuse.*"""
_ESCAPE = re.compile(r"\\([0-7]{3})")


class Mount(NamedTuple):
    """A mounted file system."""

    place: Path
    kind: str
    """The type, such as ext4 or cifs."""

    @property
    def is_remote(self) -> bool:
        """Whether its changes may come from elsewhere. fuseblk is a local disk."""
        return self.kind in REMOTE or self.kind == "fuse" or self.kind.startswith("fuse.")


def remote_mount(folder: Path, *, mountinfo: Path = MOUNTINFO) -> Mount | None:
    """The network disk that a folder is on, or the first one below it; None if there is none."""
    folder = Path(os.path.realpath(folder))
    mounts = list(_mounts(mountinfo))
    holding = [mount for mount in mounts if folder.is_relative_to(mount.place)]
    # Of two mounts at one place, the later one hides the earlier.
    own = max(reversed(holding), key=lambda mount: len(mount.place.parts), default=None)
    below = [mount for mount in mounts if mount.place != folder and mount.place.is_relative_to(folder)]
    return next((mount for mount in (own, *below) if mount is not None and mount.is_remote), None)


def _mounts(mountinfo: Path) -> Iterator[Mount]:
    """The mounts of this process (proc_pid_mountinfo(5)); none where the system has no such file."""
    try:
        lines = mountinfo.read_text("utf-8", errors="surrogateescape").splitlines()
    except OSError:
        return
    for line in lines:
        first, found, last = line.partition(" - ")
        fields, kind = first.split(), last.split()
        if found and len(fields) > 4 and kind:
            place = _ESCAPE.sub(lambda match: chr(int(match[1], 8)), fields[4])
            yield Mount(Path(place), kind[0])
