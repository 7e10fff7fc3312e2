"""Browsers as a system installs them, driven by WebDriver: each step is a request to a browser's driver.

Playwright drives Chromium, but needs its own builds of Firefox and WebKit. https://www.w3.org/TR/webdriver2/
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import IO, Any

import httpx

from segue.local.chromium import FLAGS, PROGRAMS
from segue.local.process import accepts, free_port
from tests.waiting import PATIENCE, until

_ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
"""The key that the protocol gives to references of elements."""
_LIBRARIES = "/usr/lib/x86_64-linux-gnu/webkit2gtk-4.1:/usr/libexec/webkit2gtk-4.1"
_CARGO = str(Path.home() / ".cargo/bin")
_SIZE = 1400, 950
_NOT_YET = {
    "element click intercepted",
    "element not interactable",
    "no such element",
    "stale element reference",
}
"""Errors of an element that is being drawn."""
_FIND = """(css, name) => {
  const within = (root) => [root, ...[...root.querySelectorAll("*")]
    .flatMap((one) => (one.shadowRoot ? within(one.shadowRoot) : []))];
  const found = within(document).flatMap((root) => [...root.querySelectorAll(css)]);
  return found.find((one) => one.checkVisibility()
    && (name === null || (one.getAttribute("aria-label") ?? one.textContent).trim() === name)) ?? null;
}"""


@dataclass(frozen=True)
class Kind:
    """A browser, the programs that it needs, and how its driver is asked for it."""

    name: str
    programs: Sequence[str]
    """Names of the browser's program; any of them is enough."""
    driver: str
    remedy: str
    """How to install both."""
    options: Callable[[str], Mapping[str, Any]]
    """From the browser's program to the capabilities of a session."""
    decodes: bool = True
    """Whether songs follow each other without a gap."""
    without_window: bool = True
    """Whether it runs without a display."""
    without_sound: bool = True
    """Whether it plays music on a machine without a sound card."""

    @property
    def program(self) -> str | None:
        """The path of the browser."""
        return next(filter(None, map(_path, self.programs)), None)

    @property
    def missing(self) -> str:
        """The programs that this machine lacks, and how to install them; empty if nothing is missing."""
        needed = {
            self.name: self.program,
            self.driver: _path(self.driver),
            "Xvfb": self.without_window or _path("Xvfb"),
            "PulseAudio": self.without_sound or _path("pulseaudio"),
        }
        names = [name for name, path in needed.items() if not path]
        return f"{self.name} is not tested without {' and '.join(names)}: {self.remedy}" if names else ""


def _path(program: str) -> str | None:
    return shutil.which(program) or shutil.which(program, path=f"{_LIBRARIES}:{_CARGO}")


KINDS = (
    Kind(
        "Chromium",
        PROGRAMS,
        "chromedriver",
        "apt install chromium chromium-driver",
        lambda program: {"goog:chromeOptions": {"binary": program, "args": ["--headless=new", *FLAGS]}},
    ),
    Kind(
        "Firefox",
        ("firefox-esr", "firefox"),
        "geckodriver",
        "apt install firefox-esr pulseaudio, cargo install geckodriver",
        lambda program: {"moz:firefoxOptions": {"binary": program, "args": ["-headless"]}},
        without_sound=False,
    ),
    Kind(
        "WebKitGTK",
        ("MiniBrowser",),
        "WebKitWebDriver",
        "apt install webkit2gtk-driver gstreamer1.0-libav xvfb",
        lambda program: {"webkitgtk:browserOptions": {"binary": program, "args": ["--automation"]}},
        decodes=False,
        without_window=False,
    ),
)


class WebDriverError(Exception):
    """An answer that reports an error; `kind` is its name in the protocol."""

    def __init__(self, kind: str, message: str) -> None:
        super().__init__(f"{kind}: {message}")
        self.kind = kind


class Window:
    """The window of a browser, as a listener sees and uses it."""

    def __init__(self, client: httpx.Client, session: str) -> None:
        self._client, self._session = client, session

    def send(self, method: str, path: str, **body: object) -> Any:
        """The answer to a command of the session."""
        return _send(self._client, method, f"/session/{self._session}{path}", body)

    def open(self, address: str) -> None:
        """Load a page."""
        self.send("POST", "/url", url=address)

    def back(self) -> None:
        """To the previous page of the history.

        WebKit's driver would wait for a load, which pages do without.
        """
        self.evaluate("history.back()")

    def reload(self) -> None:
        """Load the page again."""
        self.send("POST", "/refresh")

    def evaluate(self, script: str, *arguments: object) -> Any:
        """The result of a function of JavaScript, or of an expression."""
        called = f"({script})(...arguments)" if "=>" in script else f"({script})"
        return self.send("POST", "/execute/sync", script=f"return {called}", args=list(arguments))

    def has(self, css: str, name: str | None = None) -> bool:
        """Whether an element is visible: by a selector, and by its label or its text."""
        return self.evaluate(_FIND, css, name) is not None

    def wait_for(self, css: str, name: str | None = None) -> None:
        """Wait until an element is visible."""
        until(lambda: self.has(css, name), f"{name or css} to be shown")

    def press(self, css: str, name: str | None = None) -> None:
        """Click an element, as soon as it is there and nothing covers it."""
        until(lambda: self._do("/click", css, name), f"{name or css} to be pressed")

    def type(self, css: str, text: str) -> None:
        """Type a text into a field."""
        until(lambda: self._do("/value", css, None, text=text), f"{css} to take a text")

    def _do(self, what: str, css: str, name: str | None, **body: object) -> bool:
        found = self.evaluate(_FIND, css, name)
        if found is None:
            return False
        try:
            self.send("POST", f"/element/{found[_ELEMENT]}{what}", **body)
        except WebDriverError as error:
            if error.kind not in _NOT_YET:
                raise
            return False
        return True


def _send(client: httpx.Client, method: str, path: str, body: Mapping[str, object]) -> Any:
    answer = client.request(method, path, json=body if method == "POST" else None)
    value = answer.json()["value"]
    if answer.is_error:
        raise WebDriverError(value["error"], value["message"])
    return value


@contextmanager
def window_of(kind: Kind, folder: Path) -> Iterator[Window]:
    """A new browser with a profile of its own; it ends afterwards. Its driver's messages go to a file."""
    program, port = kind.program, free_port(4444)
    assert program
    with ExitStack() as stack:
        log = stack.enter_context((folder / f"{kind.name}.log").open("wb"))
        own = {} if kind.without_window else {"DISPLAY": stack.enter_context(_display(log))}
        own |= {} if kind.without_sound else {"PULSE_SERVER": stack.enter_context(_sound(log))}
        command = [str(_path(kind.driver)), f"--port={port}"]
        stack.enter_context(_running(command, log, {**os.environ, **own}))
        until(lambda: accepts(port), f"{kind.driver} to answer; see {log.name}")
        client = stack.enter_context(httpx.Client(base_url=f"http://127.0.0.1:{port}", timeout=PATIENCE))
        wanted = {"alwaysMatch": kind.options(program)}
        session = _send(client, "POST", "/session", {"capabilities": wanted})["sessionId"]
        window = Window(client, session)
        stack.callback(window.send, "DELETE", "")
        width, height = _SIZE
        window.send("POST", "/window/rect", width=width, height=height)
        yield window


@contextmanager
def _running(
    command: Sequence[str], log: IO[bytes], environment: Mapping[str, str], **options: Any
) -> Iterator[subprocess.Popen[bytes]]:
    process = subprocess.Popen(command, env=environment, stdout=log, stderr=log, **options)
    try:
        yield process
    finally:
        process.terminate()
        process.wait()


@contextmanager
def _display(log: IO[bytes]) -> Iterator[str]:
    """A display that nobody sees; its name."""
    reading, writing = os.pipe()
    width, height = _SIZE
    command = ["Xvfb", "-displayfd", str(writing), "-screen", "0", f"{width}x{height}x24", "-nolisten", "tcp"]
    with _running(command, log, os.environ, pass_fds=[writing]):
        os.close(writing)
        with os.fdopen(reading) as said:
            yield f":{said.readline().strip()}"


@contextmanager
def _sound(log: IO[bytes]) -> Iterator[str]:
    """A sound card that nobody hears, whose clock runs like that of a real one; the address of its server."""
    with TemporaryDirectory() as folder:
        socket = f"{folder}/socket"
        command = ["pulseaudio", "-n", "--daemonize=no", "--use-pid-file=no", "--exit-idle-time=-1"]
        command += [
            "-L",
            "module-null-sink",
            "-L",
            f"module-native-protocol-unix auth-anonymous=1 socket={socket}",
        ]
        own = {"HOME": folder, "XDG_RUNTIME_DIR": folder, "PULSE_RUNTIME_PATH": folder}
        with _running(command, log, {**os.environ, **own}):
            until(Path(socket).exists, f"PulseAudio to answer; see {log.name}")
            yield f"unix:{socket}"
