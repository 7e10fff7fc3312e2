"""The sound of a page, as samples."""

from __future__ import annotations

import base64
from functools import partial
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from tests.waiting import until

_RECORD = """async () => {
    const { context, nodes } = window.__segue.sound;
    const code = `registerProcessor("recorder", class extends AudioWorkletProcessor {
        process([input]) {
            if (input[0]) this.port.postMessage({ at: currentTime, samples: input[0].slice() });
            return true;
        } });`;
    await context.audioWorklet.addModule(URL.createObjectURL(new Blob([code], { type: "text/javascript" })));
    const recorder = new AudioWorkletNode(context, "recorder"), blocks = window.__blocks = [];
    recorder.port.onmessage = ({ data }) => blocks.push(data);
    nodes.master.connect(recorder).connect(context.destination);
    return context.sampleRate;
}"""
_READ = """async (since) => {
    const heard = window.__blocks.filter(({ at }) => at >= since).map(({ samples }) => samples);
    const blob = new Blob(heard), bytes = new Uint8Array(await blob.arrayBuffer());
    let text = "";
    for (let i = 0; i < bytes.length; i += 32768) {
        text += String.fromCharCode(...bytes.subarray(i, i + 32768));
    }
    return btoa(text);
}"""


_SECONDS = """(since) => {
    const heard = window.__blocks.filter(({ at }) => at >= since);
    const count = heard.reduce((sum, { samples }) => sum + samples.length, 0);
    return count / window.__segue.sound.context.sampleRate;
}"""


class Evaluating(Protocol):
    """A page of Playwright, or a window of WebDriver."""

    def evaluate(self, expression: str, arg: Any = None, /) -> Any:
        """The result of a script."""


class Recording:
    """Records from now on; `rate` in samples a second. The recorder itself is silent."""

    def __init__(self, page: Evaluating) -> None:
        self._page = page
        self.rate = int(page.evaluate(_RECORD))

    def samples(self, since: float, *, seconds: float) -> NDArray[np.float32]:
        """The samples of the first channel, shape (n,), since a time of the page's AudioContext.

        Waits for so many seconds of them: a busy page gets the newest sound late.
        """
        recorded = partial(self._page.evaluate, _SECONDS, since)
        until(lambda: recorded() > seconds, f"{seconds} s of sound to be recorded")
        return np.frombuffer(base64.b64decode(self._page.evaluate(_READ, since)), dtype=np.float32)
