"""The evidence of the learned order in the words of a listener. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from segue.phrases import marked
from segue.ranking.learned_order import Evidence
from segue.ranking.sources import LikeLovedSource, SameArtistSource, TransitionRuleSource

WORDS: Mapping[Evidence, str] = {
    Evidence.SOUND: marked("sounds like songs that you played"),
    Evidence.NEAREST_SOUND: marked("sounds much like a song that you played"),
    Evidence.RULES: marked("often played after songs of yours"),
    Evidence.RULES_NOW: marked("often played after your last songs"),
    Evidence.STRONGEST_RULE: marked("often played after a song of yours"),
    Evidence.ARTIST: marked("you play this artist a lot"),
    Evidence.ARTIST_NOW: marked("you are playing this artist now"),
    Evidence.BEST_OF_ARTIST: marked("one of the best liked songs of the artist"),
    Evidence.RULE_OF_ARTIST: marked("often played next by this artist"),
    Evidence.LOVED: marked("you loved it before"),
    Evidence.LIKE_LOVED: marked("like songs that you loved"),
    Evidence.AGAIN: marked("you liked it long ago"),
    Evidence.STAYING: marked("you are staying with this artist"),
    Evidence.HEARD_LATELY: marked("you heard it just now"),
    Evidence.HEARD_OFTEN: marked("you play it often"),
    Evidence.HEARD_ON_LOOP: marked("you are repeating it"),
    Evidence.HEARD_AFTER: marked("you played it after these songs before"),
    Evidence.HEARD_REPEATING: marked("you are repeating songs"),
    Evidence.LATELY_REPEATING: marked("you are repeating songs"),
}
_SAID: Mapping[str, Sequence[Evidence]] = {
    "because": (Evidence.SOUND, Evidence.NEAREST_SOUND),
    TransitionRuleSource.reason.kind: (Evidence.RULES, Evidence.RULES_NOW, Evidence.STRONGEST_RULE),
    SameArtistSource.reason.kind: (Evidence.ARTIST,),
    LikeLovedSource.reason.kind: (Evidence.LIKE_LOVED,),
    "again": (Evidence.AGAIN,),
    "repeat": (Evidence.HEARD_LATELY,),
}
"""By kind of reason, the evidence that the reason expresses itself."""


def words_beside(kind: str, evidence: Iterable[str]) -> str | None:
    """The words of the first evidence, by name, that adds something to a reason; None without any."""
    said = [one.name.lower() for one in _SAID.get(kind, ())]
    if kind.startswith("loved"):
        said.append(Evidence.LOVED.name.lower())
    return next((_BY_NAME[name] for name in evidence if name in _BY_NAME and name not in said), None)


_BY_NAME = {evidence.name.lower(): words for evidence, words in WORDS.items()}
