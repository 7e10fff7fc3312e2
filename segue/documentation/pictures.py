"""Pictures of every page of the player, taken from a demo with composed music.

The demo runs in a temporary folder, and a headless Chromium visits its pages as a guest, a listener with an
account, and an operator.
"""

from __future__ import annotations

import ast
import io
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING
from urllib.parse import urlencode

from PIL import Image

from segue.errors import SegueError
from segue.local.chromium import FLAGS, program
from segue.places import LOCAL, ROOT

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, ViewportSize

_DESKTOP: ViewportSize = {"width": 1280, "height": 860}
_PHONE: ViewportSize = {"width": 390, "height": 844}
_QUALITY = 82
_START_SECONDS = 1800.0
_PATIENCE_MS = 300_000
"""Limits against a hang; a busy machine is slow."""
_SETTLED = """() => document.querySelector('[data-testid="stApp"]')?.dataset.testScriptState === 'notRunning'
  && !document.querySelector('[data-testid="stSkeleton"]')
  && [...document.images].every((image) => image.complete)"""
_SIGN_UP = """async () => {
  for (const name of ['Ada', `Ada ${Date.now() % 10000}`]) {
    const answer = await fetch('/api/people/sign-up', {method: 'POST',
      headers: {'content-type': 'application/json'},
      body: JSON.stringify({name, password: crypto.randomUUID()})});
    if (answer.ok) return;
  }
}"""
"""A second name, for a dashboard on which pictures were taken before."""
_SHARE = """async (track) => {
  const answer = await fetch('/api/share', {method: 'POST', headers: {'content-type': 'application/json'},
    body: JSON.stringify({kind: 'track', key: track.id, title: track.title, playable: true})});
  return new URL((await answer.json()).url, location.href).href;
}"""
"""Shares a track; returns the address of the share page."""
_BLUR = """() => {
  let element = document.activeElement;
  while (element?.shadowRoot?.activeElement) element = element.shadowRoot.activeElement;
  element?.blur();
}"""
_COVERS_SECONDS = 8.0
"""The wait for the covers of a first visit."""
_BEFORE, _AFTER, _MOST_FRAMES = 4, 10, 80
"""Frames of the animation: before the skip, after the list has changed, and in all."""
_QUIET_SECONDS = 15.0
"""A list that has not changed for so long reflects all plays."""
_FIRST = 10
"""Cards of the list; below it, the page has lists of all listeners' plays."""
_FRAME_MS, _WIDTH = 250, 840
"""Time per frame, and width in pixels."""
_PLAYED = 7
"""Tracks that the listener plays before the pictures are taken."""
_LISTS = {"artists": {}, "songs": {"as": "table"}, "playlists": {}}
"""Lists of the page Library beside the albums, with the parameters of their addresses."""


def take(folder: Path, *, address: str | None = None, say: Callable[[str], None]) -> None:
    """Take all pictures into a folder.

    Parameters
    ----------
    address
        A running dashboard; without it, a demo is started and stopped.

    Raises
    ------
    SegueError
        Chromium is not installed, or the demo does not start.
    """
    chromium = program()
    from playwright.sync_api import sync_playwright

    folder.mkdir(parents=True, exist_ok=True)
    with (
        _demo(address, say) as dashboard,
        tempfile.TemporaryDirectory() as profile,
        sync_playwright() as playwright,
    ):
        browser = playwright.chromium.launch(
            executable_path=chromium, args=[*FLAGS, f"--disk-cache-dir={profile}"]
        )
        try:
            _tour(browser, dashboard, folder, say)
        finally:
            browser.close()


@contextmanager
def _demo(address: str | None, say: Callable[[str], None]) -> Iterator[str]:
    if address is not None:
        yield address.rstrip("/")
        return
    with tempfile.TemporaryDirectory(prefix="segue-") as temporary:
        home = Path(temporary)
        for name in ("jars", "java", "java-home", "venv"):
            if (LOCAL / name).exists():
                (home / name).symlink_to((LOCAL / name).resolve())
        # The pages of operators are in the pictures, too.
        environment = {**os.environ, "SEGUE_HOME": str(home), "SEGUE_DASHBOARD__LOCAL_OPERATOR": "true"}
        log = home / "demo.log"
        say("starting the demo; this takes a few minutes")
        with log.open("wb") as output:
            demo = subprocess.Popen(
                [sys.executable, "-P", "-m", "segue", "demo"], env=environment, stdout=output, stderr=output
            )
        try:
            yield _address(demo, log)
        finally:
            demo.terminate()
            demo.wait(120)
            subprocess.run([sys.executable, "-P", "-m", "segue", "down"], env=environment, check=False)


def _address(demo: subprocess.Popen[bytes], log: Path) -> str:
    """The dashboard's address, once the simulated listeners have played."""
    limit = time.monotonic() + _START_SECONDS
    while time.monotonic() < limit:
        text = log.read_text(errors="replace")
        if "Ctrl-C ends" in text and (addresses := re.findall(r"dashboard is at (http://[\w.:]+)", text)):
            return str(addresses[-1])
        if demo.poll() is not None:
            break
        time.sleep(1)
    raise SegueError(
        f"the demo did not start: {text.strip().splitlines()[-1] if text.strip() else 'no output'}"
    )


def _tour(browser: Browser, dashboard: str, folder: Path, say: Callable[[str], None]) -> None:
    # wait_for_function runs a text as code, which the policy of the pages forbids.
    context = browser.new_context(
        viewport=_DESKTOP, device_scale_factor=1.5, color_scheme="light", bypass_csp=True
    )
    page = context.new_page()
    page.set_default_timeout(_PATIENCE_MS)
    _open(page, f"{dashboard}/")
    time.sleep(_COVERS_SECONDS)
    _shoot(page, folder / "first-visit.jpg", say)
    page.evaluate(_SIGN_UP)
    _open(page, f"{dashboard}/")
    track = _listen(page)
    _open(page, f"{dashboard}/")
    _wait_for_the_list(page)
    _shoot(page, folder / "for-you.jpg", say)
    _start_a_song(page)
    _moving(page, folder / "skip.webp", say)
    page.locator("#segue-bar button[aria-label='Queue']").click()
    time.sleep(1)
    _shoot(page, folder / "player.jpg", say)
    _playlist(page)
    addresses = {name: f"{dashboard}/{name}" for name in menu()[1:]}
    for name, query in _LISTS.items():
        addresses[f"library-{name}"] = f"{dashboard}/library?{urlencode({'show': name, **query})}"
    by_link = {
        "track": {"id": track["id"]},
        "artist": {"name": track["artist"]},
        "album": {"artist": track["artist"], "name": track.get("album") or ""},
        "reset": {},
    }
    addresses |= {name: f"{dashboard}/{name}?{urlencode(query)}" for name, query in by_link.items()}
    for name, address in addresses.items():
        _open(page, address)
        if name == "search":
            _search(page, track["artist"])
        _shoot(page, folder / f"{name}.jpg", say)
        if name == "you":
            page.get_by_role("tab", name="Account").click()
            _settle(page)
            _shoot(page, folder / "you-account.jpg", say)
    for name, address in {"share": page.evaluate(_SHARE, track), "offline": f"{dashboard}/offline"}.items():
        page.goto(address, wait_until="networkidle")
        _shoot(page, folder / f"{name}.jpg", say)
    state = context.storage_state()
    context.close()
    for suffix, names, options in (
        ("dark", ("", "map"), {"viewport": _DESKTOP, "color_scheme": "dark", "device_scale_factor": 1.5}),
        (
            "phone",
            ("", "search", "map"),
            {"viewport": _PHONE, "device_scale_factor": 2, "is_mobile": True, "has_touch": True},
        ),
    ):
        other = browser.new_context(storage_state=state, bypass_csp=True, **options)  # type: ignore[arg-type]
        page = other.new_page()
        page.set_default_timeout(_PATIENCE_MS)
        _open(page, f"{dashboard}/")
        time.sleep(_COVERS_SECONDS)
        for name in names:
            _open(page, f"{dashboard}/{name}")
            _shoot(page, folder / f"{name or 'for-you'}-{suffix}.jpg", say)
        other.close()


def menu() -> list[str]:
    """The pages of the menu by their url, the first page first.

    They are read from the source: importing the module would draw a page.
    """
    calls = [
        node
        for node in ast.walk(ast.parse((ROOT / "dashboard" / "pages.py").read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Page"
    ]
    return [
        ast.literal_eval(call.args[0])
        for call in sorted(calls, key=lambda call: call.lineno)
        if not any(
            isinstance(each.value, ast.Constant) and each.value.value == "by link" for each in call.keywords
        )
    ]


def _open(page: Page, address: str) -> None:
    page.goto(address)
    _settle(page)


def _settle(page: Page) -> None:
    page.wait_for_function(_SETTLED)
    time.sleep(2)
    page.wait_for_function(_SETTLED)


def _shoot(page: Page, file: Path, say: Callable[[str], None]) -> None:
    page.mouse.move(2, 400)
    page.screenshot(path=file, type="jpeg", quality=_QUALITY)
    say(str(file))


def _start_a_song(page: Page) -> None:
    card = page.locator(".card").first
    card.wait_for()
    card.hover()
    card.locator(".go").click()
    page.wait_for_function("() => window.__segue?.playing && window.__segue.position > 500")
    # New recommendations wait while the pointer or the focus is on the list.
    page.mouse.move(2, 400)
    page.evaluate(_BLUR)


def _listen(page: Page) -> dict[str, str]:
    """Play, skip, like and dislike songs; returns the last one in the player's form."""
    _start_a_song(page)
    for number in range(_PLAYED):
        time.sleep(2)
        page.keyboard.press("l" if number % 2 else "n")
    page.locator("#segue-bar button[aria-label='Dislike and skip']").click()
    time.sleep(3)
    _settle(page)
    track: dict[str, str] = page.evaluate("() => ({...window.__segue.current})")
    return track


def _playlist(page: Page) -> None:
    page.evaluate(
        """async () => {
          const tracks = window.__segue.queue.slice(0, 6).map((item) => item.id);
          for (const name of ['Sunday morning', 'For the road']) {
            await fetch('/api/playlists', {method: 'POST', headers: {'content-type': 'application/json'},
              body: JSON.stringify({name, tracks})});
          }
        }"""
    )


def _search(page: Page, text: str) -> None:
    page.locator("input[type=search]").fill(text.split(maxsplit=1)[0])
    time.sleep(2)
    _settle(page)


def _titles(page: Page) -> list[str]:
    """The texts of the recommendations."""
    return page.locator(".card").all_inner_texts()[:_FIRST]


def _wait_for_the_list(page: Page) -> None:
    """Wait until the list reflects the songs that were played before."""
    shown, since = _titles(page), time.monotonic()
    while time.monotonic() - since < _QUIET_SECONDS:
        time.sleep(1)
        if (titles := _titles(page)) != shown:
            shown, since = titles, time.monotonic()


def _moving(page: Page, file: Path, say: Callable[[str], None]) -> None:
    """A skip, and the list that changes after it."""
    frames: list[Image.Image] = []
    durations: list[int] = []
    shown, last = list[str](), _MOST_FRAMES
    while len(frames) < last:
        began = time.monotonic()
        if len(frames) == _BEFORE:
            shown = _titles(page)
            page.keyboard.press("n")
        elif shown and last == _MOST_FRAMES and _titles(page) != shown:
            last = min(last, len(frames) + _AFTER)
        frames.append(Image.open(io.BytesIO(page.screenshot(type="jpeg", quality=90))))
        time.sleep(max(0.0, _FRAME_MS / 1000 - (time.monotonic() - began)))
        durations.append(round((time.monotonic() - began) * 1000))
    height = round(frames[0].height * _WIDTH / frames[0].width)
    small = [frame.resize((_WIDTH, height), Image.Resampling.LANCZOS) for frame in frames]
    small[0].save(
        file, save_all=True, append_images=small[1:], duration=durations, loop=0, quality=70, method=4
    )
    say(str(file))
