"""The forms to which recordings are converted."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class Form:
    """A codec in a container that can be played while it is written."""

    name: str
    suffix: str
    """The suffix of its files, and ffmpeg's name of the container in `muxer`."""
    muxer: str
    content_type: str
    media_type: str
    """The content type with the codec, for a browser's `canPlayType`."""
    encoder: tuple[str, ...]
    """ffmpeg's options."""
    least: int
    most: int
    """The range of bit rates, in thousand bits a second. Equal for a form without loss: an upper bound."""

    @property
    def is_lossless(self) -> bool:
        """Whether the sound decides about the bit rate, so that none can be chosen."""
        return self.least == self.most

    def kilobits(self, wanted: int) -> int:
        """The nearest bit rate that the encoder accepts."""
        return max(self.least, min(wanted, self.most))

    def estimated_bytes(self, seconds: float, kilobits: int) -> int:
        """An upper estimate of the size of a recording in this form."""
        return int(seconds * self.kilobits(kilobits) * 125 * 1.05) + 8192


FORMS = {
    form.name: form
    for form in (
        Form(
            name="opus",
            suffix=".ogg",
            muxer="ogg",
            content_type="audio/ogg",
            media_type='audio/ogg; codecs="opus"',
            encoder=("-c:a", "libopus", "-vbr", "constrained"),
            least=16,
            most=320,
        ),
        Form(
            name="mp3",
            suffix=".mp3",
            muxer="mp3",
            content_type="audio/mpeg",
            media_type="audio/mpeg",
            encoder=("-c:a", "libmp3lame"),
            least=32,
            most=320,
        ),
        Form(
            name="aac",
            suffix=".aac",
            muxer="adts",
            content_type="audio/aac",
            media_type="audio/aac",
            encoder=("-c:a", "aac"),
            least=32,
            most=320,
        ),
        Form(
            name="flac",
            suffix=".flac",
            muxer="flac",
            content_type="audio/flac",
            media_type="audio/flac",
            encoder=("-c:a", "flac"),
            least=4608,
            most=4608,
        ),
    )
}
"""The forms by name. AAC is a bare stream: an MP4 file is complete only when its index is written."""
