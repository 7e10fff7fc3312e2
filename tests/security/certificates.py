"""Certificates for tests, made by openssl: of an authority, a server, a client, and a stranger."""

from __future__ import annotations

import subprocess
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Certificates:
    """PEM files; `server` and `client` hold a certificate and its key, the others a certificate alone."""

    authority: Path
    server: Path
    client: Path
    stranger: Path
    """An authority that has signed nothing here."""


def make_certificates(folder: Path) -> Certificates:
    for name in ("authority", "stranger"):
        _openssl(
            folder,
            *("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", f"/CN={name}"),
            *("-keyout", f"{name}.key", "-out", f"{name}.pem"),
        )
    for name in ("server", "client"):
        _openssl(
            folder,
            *("req", "-x509", "-newkey", "rsa:2048", "-noenc", "-days", "2", "-subj", f"/CN={name}"),
            *("-CA", "authority.pem", "-CAkey", "authority.key"),
            *("-addext", "subjectAltName=IP:127.0.0.1", "-addext", "basicConstraints=critical,CA:FALSE"),
            *("-keyout", f"{name}.key", "-out", f"{name}.crt"),
        )
        parts = (folder / f"{name}.crt", folder / f"{name}.key")
        (folder / f"{name}.pem").write_text("".join(part.read_text() for part in parts))
    return Certificates(*(folder / f"{name}.pem" for name in ("authority", "server", "client", "stranger")))


def _openssl(folder: Path, *arguments: str) -> None:
    subprocess.run(["openssl", *arguments], cwd=folder, check=True, capture_output=True)
