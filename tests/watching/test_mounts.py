"""Which folders are on network disks, by the kernel's table of mounts."""

from __future__ import annotations

from pathlib import Path

import pytest

from segue.watching.mounts import remote_mount


def table(folder: Path, *mounts: tuple[str, str]) -> Path:
    file = folder / "mountinfo"
    lines = [
        f"{number} 1 0:{number} / {place} rw,relatime shared:{number} - {kind} source rw"
        for number, (place, kind) in enumerate([("/", "ext4"), *mounts], 20)
    ]
    file.write_text("\n".join(lines) + "\n")
    return file


@pytest.mark.parametrize("kind", ["nfs", "nfs4", "cifs", "smb3", "9p", "fuse.sshfs", "fuse.rclone"])
def test_a_folder_on_a_network_disk_is_known(tmp_path: Path, kind: str) -> None:
    mount = remote_mount(Path("/mnt/nas/Music"), mountinfo=table(tmp_path, ("/mnt/nas", kind)))
    assert mount is not None
    assert (mount.place, mount.kind) == (Path("/mnt/nas"), kind)


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs", "tmpfs", "overlay", "fuseblk", "zfs"])
def test_a_local_disk_is_not_one(tmp_path: Path, kind: str) -> None:
    assert remote_mount(Path("/mnt/disk/Music"), mountinfo=table(tmp_path, ("/mnt/disk", kind))) is None


def test_a_network_disk_below_the_folder_counts(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/srv/music/NAS\\040two", "cifs"))
    mount = remote_mount(Path("/srv/music"), mountinfo=mounts)
    assert mount is not None
    assert mount.place == Path("/srv/music/NAS two")
    assert remote_mount(Path("/srv/mus"), mountinfo=mounts) is None


def test_the_nearest_and_the_latest_mount_decide(tmp_path: Path) -> None:
    mounts = table(tmp_path, ("/mnt", "nfs"), ("/mnt/disk", "cifs"), ("/mnt/disk", "ext4"))
    assert remote_mount(Path("/mnt/disk/Music"), mountinfo=mounts) is None
    assert remote_mount(Path("/mnt/other"), mountinfo=mounts) is not None


def test_without_a_table_no_folder_is_on_a_network_disk(tmp_path: Path) -> None:
    assert remote_mount(tmp_path, mountinfo=tmp_path / "none") is None
