"""A small SMTP server, which keeps the mails that it gets, and speaks TLS if it has a certificate."""

from __future__ import annotations

import base64
import socketserver
import ssl
import threading
from email import message_from_bytes, policy
from email.message import EmailMessage
from typing import Any


class _Conversation(socketserver.StreamRequestHandler):
    server: SmtpServer

    def handle(self) -> None:
        self._say("220 ready")
        recipients: list[str] = []
        while line := self.rfile.readline():
            words = line.decode("ascii", "replace").strip()
            verb = words[:4].upper()
            if verb == "EHLO":
                self._say(*self.server.offers(encrypted=isinstance(self.request, ssl.SSLSocket)))
            elif verb == "STAR":
                self._say("220 go ahead")
                assert self.server.tls is not None
                self.request = self.server.tls.wrap_socket(self.request, server_side=True)
                self.setup()
            elif verb == "AUTH":
                self.server.logins.append(base64.b64decode(words.split()[-1]).decode().split("\0")[1:])
                self._say("235 welcome")
            elif verb == "RCPT":
                recipients.append(words.partition("<")[2].partition(">")[0])
                self._say("250 ok")
            elif verb == "DATA":
                self._say("354 go on")
                self.server.take(recipients, self._data())
                self._say("250 taken")
            elif verb == "QUIT":
                self._say("221 bye")
                return
            else:
                self._say("250 ok")

    def _say(self, *lines: str) -> None:
        self.wfile.write("".join(f"{line}\r\n" for line in lines).encode())

    def _data(self) -> bytes:
        lines = iter(self.rfile.readline, b".\r\n")
        return b"".join(line.removeprefix(b".") if line.startswith(b"..") else line for line in lines)


class SmtpServer(socketserver.ThreadingTCPServer):
    """Use as a context manager; it listens on a free port of this machine."""

    allow_reuse_address = True
    daemon_threads = True

    def __init__(self, tls: ssl.SSLContext | None = None) -> None:
        super().__init__(("127.0.0.1", 0), _Conversation)
        self.tls = tls
        self.mails: list[tuple[list[str], EmailMessage]] = []
        """Recipients and mails."""
        self.logins: list[list[str]] = []
        """User and password of each log-in."""

    @property
    def port(self) -> int:
        return int(self.server_address[1])

    def offers(self, *, encrypted: bool) -> list[str]:
        if self.tls is not None and not encrypted:
            return ["250-here", "250 STARTTLS"]
        return ["250-here", "250 AUTH PLAIN"]

    def take(self, recipients: list[str], data: bytes) -> None:
        mail: Any = message_from_bytes(data, policy=policy.default)
        self.mails.append((recipients, mail))

    def __enter__(self) -> SmtpServer:
        threading.Thread(target=self.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.shutdown()
        self.server_close()
