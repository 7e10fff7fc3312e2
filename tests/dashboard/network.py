"""The network between a browser and a server, which a test cuts and repairs.

Chromium's own switch (`BrowserContext.set_offline`) waits for an answer of the service worker, and a worker
that is just starting or stopping never answers.
"""

from __future__ import annotations

import socket
import struct
import threading
from contextlib import suppress
from types import TracebackType
from typing import Self

from playwright.sync_api import Page

from tests.dashboard.browser import own_port

_BROKEN = struct.pack("ii", 1, 0)
"""For SO_LINGER: a connection is reset when it is closed."""
_ONLINE = """(online) => {
  Object.defineProperty(Navigator.prototype, "onLine", { get: () => online, configurable: true });
  dispatchEvent(new Event(online ? "online" : "offline"));
}"""
_KNOWN = "segue.tests.offline"
_SINCE_BEFORE = f"""try {{
  if (sessionStorage.getItem("{_KNOWN}")) {{
    Object.defineProperty(Navigator.prototype, "onLine", {{ get: () => false, configurable: true }});
  }}
}} catch {{ /* a page without storage */ }}"""


class Network:
    """Forwards a browser's bytes to `address` to a server on this machine."""

    def __init__(self, to: int) -> None:
        self._to = to
        self._works = True
        self._carrying: set[socket.socket] = set()
        self._changing = threading.Lock()
        self._listener = socket.create_server(("127.0.0.1", own_port()), backlog=128)
        self.address = f"http://127.0.0.1:{self._listener.getsockname()[1]}"
        threading.Thread(target=self._listen, daemon=True).start()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._break()
        with suppress(OSError):
            self._listener.shutdown(socket.SHUT_RDWR)  # which ends the waiting for connections
        self._listener.close()

    def cut(self, page: Page) -> None:
        """End all connections, refuse new ones, and let the page know that there is no network."""
        self._break()
        page.evaluate(f"sessionStorage.setItem('{_KNOWN}', '1')")
        page.add_init_script(_SINCE_BEFORE)  # for the pages that are opened from now on
        page.evaluate(_ONLINE, False)

    def repair(self, page: Page) -> None:
        """Connections are carried again, and the page knows."""
        self._works = True
        page.evaluate(f"sessionStorage.removeItem('{_KNOWN}')")
        page.evaluate(_ONLINE, True)

    def _break(self) -> None:
        with self._changing:
            self._works = False
            for one in self._carrying:
                with suppress(OSError):
                    one.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BROKEN)
                    one.shutdown(socket.SHUT_RDWR)

    def _listen(self) -> None:
        with suppress(OSError):  # it has been closed
            while True:
                client, _ = self._listener.accept()
                threading.Thread(target=self._carry, args=(client,), daemon=True).start()

    def _carry(self, client: socket.socket) -> None:
        server = socket.socket()
        with client, server:
            with self._changing:
                if not self._works:
                    client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _BROKEN)
                    return
                both = {client, server}
                self._carrying |= both
            try:
                server.connect(("127.0.0.1", self._to))
                back = threading.Thread(target=_pass_on, args=(server, client), daemon=True)
                back.start()
                _pass_on(client, server)
                back.join()
            except OSError:
                pass  # the server is away
            finally:
                with self._changing:
                    self._carrying -= both


def _pass_on(source: socket.socket, target: socket.socket) -> None:
    with suppress(OSError):  # cut, or left by the other side
        while data := source.recv(2**16):
            target.sendall(data)
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)
