"""The "your month" card: an image of a month of listening."""

from __future__ import annotations

import io
from dataclasses import dataclass

from PIL import Image, ImageDraw, ImageOps

from segue.dashboard.language.formats import number, percent
from segue.dashboard.language.words import gettext, ngettext
from segue.dashboard.pictures.fonts import fitting, font
from segue.dashboard.pictures.preview import opened

SIZE = (1080, 1350)
_MARGIN = 84
_INK, _SOFT, _ACCENT = (250, 248, 244), (163, 178, 180), (94, 234, 212)
_GROUND = ((15, 23, 28), (13, 84, 80))


@dataclass(frozen=True, kw_only=True)
class MonthCard:
    """The contents of the card."""

    title: str
    """For example "November 2026"."""
    name: str
    """The listener's name; may be empty."""
    minutes: float
    plays: int
    days: int
    new_share: float
    artists: list[tuple[str, float]]
    """Names and minutes, most minutes first."""
    tracks: list[tuple[str, str]]
    """Titles and artists, most plays first."""
    genres: list[tuple[str, float]]
    clock: list[float]
    """Minutes in each of the 24 hours."""
    cover: bytes | None

    @property
    def described(self) -> str:
        """The card's contents in words, for those who do not see it."""
        parts = [
            gettext(
                "{month}: {minutes} and {plays} on {days}, {share} new songs",
                month=self.title,
                minutes=ngettext("{count} minute", "{count} minutes", round(self.minutes)),
                plays=ngettext("{count} play", "{count} plays", self.plays),
                days=ngettext("{count} day", "{count} days", self.days),
                share=percent(self.new_share),
            )
        ]
        if self.artists:
            parts.append(gettext("Artists: {names}", names=", ".join(name for name, _ in self.artists)))
        if self.tracks:
            songs = [
                gettext("{title} by {artist}", title=title, artist=artist) for title, artist in self.tracks
            ]
            parts.append(gettext("Songs: {names}", names=", ".join(songs)))
        if self.genres:
            parts.append(gettext("Genres: {names}", names=", ".join(name for name, _ in self.genres)))
        return ". ".join(parts) + "."


def draw(month: MonthCard) -> bytes:
    """The card as a PNG of 1080 x 1350 pixels."""
    picture = _ground()
    pen = ImageDraw.Draw(picture)
    width = SIZE[0] - 2 * _MARGIN
    whose = gettext("{name}'s month", name=month.name) if month.name else gettext("Your month")
    text, used = fitting(whose, width=width, size=38, weight=600)
    pen.text((_MARGIN, 70), text, _ACCENT, used)
    text, used = fitting(month.title, width=width, size=92, weight=700)
    pen.text((_MARGIN, 112), text, _INK, used)
    _numbers(pen, month)
    _cover(picture, month.cover, (_MARGIN, 428), 300)
    _favourite(pen, month)
    _list(pen, gettext("Artists"), [name for name, _ in month.artists[:5]], left=_MARGIN, top=790)
    _list(pen, gettext("Genres"), [name for name, _ in month.genres[:5]], left=_MARGIN + 500, top=790)
    _clock(pen, month.clock)
    pen.text((SIZE[0] - _MARGIN, SIZE[1] - 62), "Segue", _SOFT, font(30, weight=600), anchor="ra")
    out = io.BytesIO()
    picture.save(out, "PNG")
    return out.getvalue()


def _ground() -> Image.Image:
    ramp = Image.linear_gradient("L").rotate(180).resize(SIZE)
    return Image.composite(Image.new("RGB", SIZE, _GROUND[0]), Image.new("RGB", SIZE, _GROUND[1]), ramp)


def _numbers(pen: ImageDraw.ImageDraw, month: MonthCard) -> None:
    hours = month.minutes / 60
    facts = [
        (number(hours, digits=0 if hours >= 10 else 1), gettext("hours")),
        (number(month.plays), ngettext("play", "plays", month.plays)),
        (number(month.days), ngettext("day", "days", month.days)),
        (percent(month.new_share), gettext("new to you")),
    ]
    step = (SIZE[0] - 2 * _MARGIN) / len(facts)
    for place, (figure, word) in enumerate(facts):
        left = _MARGIN + place * step
        text, used = fitting(figure, width=step - 20, size=76, weight=700)
        pen.text((left, 270), text, _INK, used)
        text, used = fitting(word, width=step - 20, size=30)
        pen.text((left, 356), text, _SOFT, used)


def _cover(picture: Image.Image, data: bytes | None, place: tuple[int, int], side: int) -> None:
    picture_of_cover = opened(data) if data else None
    cover = (
        ImageOps.fit(picture_of_cover, (side, side))
        if picture_of_cover
        else Image.new("RGB", (side, side), (20, 110, 104))
    )
    mask = Image.new("L", (2 * side, 2 * side))
    ImageDraw.Draw(mask).rounded_rectangle((0, 0, 2 * side - 1, 2 * side - 1), 44, fill=255)
    picture.paste(cover, place, mask.resize((side, side)))


def _favourite(pen: ImageDraw.ImageDraw, month: MonthCard) -> None:
    left, width = _MARGIN + 340, SIZE[0] - 2 * _MARGIN - 340
    pen.text((left, 430), gettext("Most played"), _ACCENT, font(32, weight=600))
    top = 482
    for place, (title, artist) in enumerate(month.tracks[:3]):
        text, used = fitting(title, width=width, size=48 if place == 0 else 36, weight=600, smallest=30)
        pen.text((left, top), text, _INK, used)
        below = top + (56 if place == 0 else 44)
        text, used = fitting(artist, width=width, size=28, smallest=26)
        pen.text((left, below), text, _SOFT, used)
        top = below + (48 if place == 0 else 42)


def _list(pen: ImageDraw.ImageDraw, title: str, names: list[str], *, left: int, top: int) -> None:
    if names:
        pen.text((left, top), title, _ACCENT, font(32, weight=600))
    for place, name in enumerate(names):
        line = top + 50 + place * 46
        pen.text((left, line), f"{place + 1}", _SOFT, font(32))
        text, used = fitting(name, width=370, size=34, weight=500, smallest=28)
        pen.text((left + 40, line), text, _INK, used)


def _clock(pen: ImageDraw.ImageDraw, minutes: list[float]) -> None:
    """Bars for the 24 hours of the day."""
    left, top, width, height = _MARGIN, 1120, SIZE[0] - 2 * _MARGIN, 96
    most = max([*minutes, 1e-9])
    step = width / 24
    for hour, minute in enumerate(minutes):
        tall = max(4.0, height * minute / most)
        x = left + hour * step
        box = (x, top + height - tall, x + step - 8, top + height)
        pen.rounded_rectangle(box, 4, fill=_ACCENT if minute else (54, 92, 94))
    for hour in (0, 6, 12, 18):
        pen.text((left + hour * step, top + height + 12), f"{hour:02d}:00", _SOFT, font(26))
