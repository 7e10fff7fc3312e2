"""Tracks as HTML: cards in a grid, rows in a list. All texts from files are escaped here."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from html import escape

from segue.catalog.track_records import TrackSummary
from segue.dashboard.language.formats import ago, number
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.queries.live import Played, Recommended
from segue.plays.event_types import EventType

STYLE = """
<style>
.sg-grid, .sg-row {--sg-accent:#0d9488; --sg-line:color-mix(in srgb,currentColor 16%,transparent)}
.sg-grid {display:grid; grid-template-columns:repeat(auto-fill,minmax(148px,1fr)); gap:18px 16px}
.sg-card {min-width:0}
.sg-cover {position:relative; aspect-ratio:1; border-radius:10px; overflow:hidden;
  background:linear-gradient(140deg,color-mix(in srgb,var(--sg-accent) 55%,transparent),
  var(--sg-line)); box-shadow:0 1px 3px rgb(0 0 0/.18)}
.sg-cover img {width:100%; height:100%; object-fit:cover; display:block}
.sg-rank {position:absolute; left:8px; top:8px; padding:0 7px; border-radius:20px; font-size:.72rem;
  line-height:1.35rem; color:#fff; background:rgb(0 0 0/.55)}
.sg-title {margin-top:8px; font-weight:600; font-size:.92rem; white-space:nowrap; overflow:hidden;
  text-overflow:ellipsis}
.sg-sub {font-size:.8rem; opacity:.72; white-space:nowrap; overflow:hidden; text-overflow:ellipsis}
.sg-why {margin-top:3px; font-size:.76rem; opacity:.72; line-height:1.25; display:-webkit-box;
  -webkit-line-clamp:2; -webkit-box-orient:vertical; overflow:hidden}
.sg-bar {height:3px; border-radius:2px; margin-top:7px; background:var(--sg-line)}
.sg-bar i {display:block; height:100%; border-radius:2px; background:var(--sg-accent)}
.sg-new .sg-cover {animation:sg-in .9s ease-out}
@keyframes sg-in {from {transform:scale(.93); outline:3px solid var(--sg-accent)}
  to {transform:none; outline:3px solid transparent}}
.sg-row {display:flex; gap:12px; align-items:center; padding:7px 0;
  border-bottom:1px solid var(--sg-line)}
.sg-row .sg-cover {width:44px; flex:none; border-radius:7px}
.sg-row .sg-text {min-width:0; flex:1}
.sg-row .sg-title {margin:0}
.sg-tag {font-size:.74rem; padding:1px 9px; border-radius:20px; white-space:nowrap;
  border:1px solid var(--sg-line)}
.sg-tag.good {border-color:var(--sg-accent); color:var(--sg-accent)}
.sg-tag.bad {opacity:.65; text-decoration:line-through}
@media (prefers-reduced-motion:reduce) {.sg-new .sg-cover {animation:none}}
</style>"""


def grid(items: Sequence[Recommended], *, new: Collection[str]) -> str:
    """Recommendations as cards; those whose track ids are in `new` appear with an animation."""
    cards = "".join(_card(item, rank, item.track.track_id in new) for rank, item in enumerate(items, 1))
    return f'{STYLE}<div class="sg-grid">{cards}</div>'


def _card(item: Recommended, rank: int, new: bool) -> str:
    why = item.why
    score = max(0.0, min(1.0, item.score))
    similarity = gettext("similarity to the taste: {score}", score=number(score, digits=2))
    return (
        f'<div class="sg-card{" sg-new" if new else ""}"><div class="sg-cover">{_picture(item.track)}'
        f'<span class="sg-rank">{rank}</span></div>{_names(item.track)}'
        f'<div class="sg-why" title="{escape(why, quote=True)}">{escape(why)}</div>'
        f'<div class="sg-bar" title="{escape(similarity, quote=True)}">'
        f'<i style="width:{score:.0%}"></i></div></div>'
    )


def rows(items: Sequence[Played]) -> str:
    """Plays as a list, each with its outcome and time."""
    return STYLE + "".join(_row(item) for item in items)


def _row(item: Played) -> str:
    kind = EventType.named(item.outcome)
    return (
        f'<div class="sg-row"><div class="sg-cover">{_picture(item.track)}</div>'
        f'<div class="sg-text">{_names(item.track)}</div>'
        f'<span class="sg-sub">{ago(item.at)}</span>'
        f'<span class="sg-tag {kind.tone}">{escape(translated(kind.label))}</span></div>'
    )


def _names(track: TrackSummary) -> str:
    below = " · ".join(part for part in (track.artist, track.genre) if part)
    title = escape(track.title, quote=True)
    return (
        f'<div class="sg-title" dir="auto" title="{title}">{title}</div>'
        f'<div class="sg-sub" dir="auto">{escape(below)}</div>'
    )


def _picture(track: TrackSummary) -> str:
    if not track.cover_id:
        return ""
    return f'<img loading="lazy" alt="" src="/api/covers/{escape(track.cover_id, quote=True)}">'
