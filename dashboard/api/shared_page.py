"""The page of a share link, as plain HTML without scripts or external resources. All texts are escaped."""

from __future__ import annotations

from collections.abc import Mapping
from html import escape

from segue.dashboard.language.spoken import language
from segue.dashboard.language.words import gettext
from segue.dashboard.queries.items import Item
from segue.dashboard.queries.shared import SharedContent
from segue.social.links import Kind, Link

_STYLE = """
:root {color-scheme:light dark; --ground:#fbfaf8; --ink:#1c1b19; --soft:#6b6860; --line:#e0dbd2;
  --accent:#0f766e}
@media (prefers-color-scheme:dark) {
  :root {--ground:#121416; --ink:#ece9e4; --soft:#9aa3a6; --line:#2c3135; --accent:#5eead4}}
* {box-sizing:border-box}
body {margin:0; background:var(--ground); color:var(--ink);
  font:17px/1.5 "Source Sans 3","Source Sans Pro",system-ui,sans-serif}
main {max-width:940px; margin:0 auto; padding:clamp(20px,6vw,72px) 20px}
.top {display:grid; grid-template-columns:minmax(180px,300px) 1fr; gap:36px; align-items:end}
.top img.cover {width:100%; aspect-ratio:1; object-fit:cover; border-radius:14px; display:block;
  box-shadow:0 10px 30px rgb(0 0 0/.22)}
.plain {width:100%; aspect-ratio:1; border-radius:14px; background:linear-gradient(150deg,#0f766e,#134e4a)}
h1 {font-size:clamp(1.8rem,5vw,3rem); line-height:1.12; margin:0 0 .3rem; overflow-wrap:anywhere}
p {margin:.2rem 0; color:var(--soft)}
audio {width:100%; margin-top:18px}
ol {list-style:none; margin:36px 0 0; padding:0; border-top:1px solid var(--line)}
li {display:grid; grid-template-columns:48px 1fr; gap:14px; align-items:center; padding:10px 0;
  border-bottom:1px solid var(--line)}
li img, li .plain {width:48px; height:48px; border-radius:7px; object-fit:cover}
li audio {grid-column:1/-1; margin:0; height:36px}
li b {display:block; font-weight:600; overflow-wrap:anywhere}
li span {color:var(--soft); font-size:.92rem}
.card {display:block; width:min(100%,540px); margin:0 auto; border-radius:18px;
  box-shadow:0 10px 30px rgb(0 0 0/.25)}
footer {margin-top:44px; color:var(--soft); font-size:.9rem}
a {color:var(--accent)}
@media (max-width:620px) {.top {grid-template-columns:1fr; gap:22px} .top > :first-child {max-width:320px}}
"""

_OPEN_GRAPH: Mapping[Kind, str] = {
    "track": "music.song",
    "album": "music.album",
    "songs": "music.playlist",
    "playlist": "music.playlist",
    "month": "website",
}
"""The types of the Open Graph protocol."""


def page(link: Link, content: SharedContent, *, address: str, here: str) -> str:
    """The page; `address` is the complete address of the link, for previews, and `here` its path."""
    picture = f"{address}/picture.png"
    width, height = (1080, 1350) if content.month else (1200, 630)
    properties = {
        "og:title": content.title,
        "og:description": content.subtitle,
        "og:type": _OPEN_GRAPH[link.kind],
        "og:url": address,
        "og:image": picture,
        "og:image:width": str(width),
        "og:image:height": str(height),
        "og:image:alt": f"{content.title}, {content.subtitle}",
        "og:site_name": "Segue",
    }
    meta = "".join(f'<meta property="{name}" content="{_text(value)}">' for name, value in properties.items())
    main = _month(content, here) if content.month else _tracks(link, content, here)
    return _whole(
        f"{content.title} · Segue", f'{meta}<meta name="twitter:card" content="summary_large_image">', main
    )


def gone() -> str:
    """The page for revoked, expired and unknown tokens."""
    words = gettext("It may have expired, or its owner has revoked it.")
    return _whole(
        f"{gettext('Link not found')} · Segue",
        "",
        f"<h1>{_text(gettext('This link does not work'))}</h1><p>{_text(words)}</p>",
    )


def _whole(title: str, meta: str, main: str) -> str:
    shared_from = _text(gettext("Shared from {service}")).format(service='<a href="/">Segue</a>')
    return (
        '<!doctype html><html lang="' + language() + '"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width,initial-scale=1">'
        f'<meta name="robots" content="noindex">{meta}<title>{_text(title)}</title>'
        f"<style>{_STYLE}</style></head><body><main>{main}"
        f"<footer>{shared_from}</footer></main></body></html>"
    )


def _month(content: SharedContent, here: str) -> str:
    title = _text(f"{content.title}, {content.subtitle}")
    return f'<h1 hidden>{title}</h1><img class="card" src="{_text(here)}/picture.png" alt="{title}">'


def _tracks(link: Link, content: SharedContent, here: str) -> str:
    first = content.items[0] if content.items else None
    head = (
        f'<div class="top">{_cover(first, "cover")}<div><h1 dir="auto">{_text(content.title)}</h1>'
        f"<p>{_text(content.subtitle)}</p><p>{_text(gettext('Shared by {name}', name=content.by))}</p>"
    )
    if link.kind == "track" and first:
        return f"{head}{_sound(link, first, here)}</div></div>"
    rows = "".join(
        f'<li>{_cover(item)}<div><b dir="auto">{_text(item.title)}</b>'
        f'<span dir="auto">{_text(item.artist)}</span></div>'
        f"{_sound(link, item, here)}</li>"
        for item in content.items
    )
    return f"{head}</div></div><ol>{rows}</ol>"


def _cover(item: Item | None, kind: str = "") -> str:
    if item is None or not item.cover_id:
        return '<div class="plain"></div>'
    return f'<img class="{kind}" src="/api/covers/{_text(item.cover_id)}" alt="" loading="lazy">'


def _sound(link: Link, item: Item, here: str) -> str:
    if not link.playable:
        return ""
    return f'<audio controls preload="none" src="{_text(here)}/audio/{_text(item.track_id)}"></audio>'


def _text(text: str) -> str:
    return escape(text, quote=True)
