"""The variant that a listener is served: assigned by shares, and stable. Pure.

A listener's point is the first 8 bytes of BLAKE2b of ``salt, line feed, user id`` (UTF-8) as a big-endian
integer, divided by 2 ** 64. Points are uniform in [0, 1). The variants divide this interval by their shares,
in the order of the settings. So a listener keeps a variant across restarts, machines and new indexes, until
salt, order or shares change. Experiments with different salts are independent.
"""

from __future__ import annotations

import hashlib

from segue.ranking.sources import SOURCES
from segue.settings import ExperimentSettings, RankingSettings, Variant

SOUND_ONLY: Variant = "audio"
"""The variant without the sources that are learned from plays."""
ALL_SOURCES: Variant = "hybrid"
"""The variant with all sources and the general settings; every other variant changes some of them."""
EXPLORING = "explore"


def point(user_id: str, *, salt: str) -> float:
    """The point of a listener in [0, 1)."""
    digest = hashlib.blake2b(f"{salt}\n{user_id}".encode(errors="surrogatepass"), digest_size=8).digest()
    return int.from_bytes(digest) / 2**64


def assigned(user_id: str, *, experiments: ExperimentSettings) -> Variant | None:
    """The variant that a listener is assigned; None while no experiment runs."""
    if not experiments.variants:
        return None
    rest = point(user_id, salt=experiments.salt) * sum(share for _, share in experiments.variants)
    for name, share in experiments.variants:
        if rest < share:
            return name
        rest -= share
    return experiments.variants[-1][0]


def served(user_id: str, *, experiments: ExperimentSettings, learned: bool) -> Variant:
    """The variant that a listener is served; `learned`: whether the index has models learned from plays.

    Without an experiment, it is the variant with all sources. An index without those models can serve by
    sound only: the variant is then `audio`, whichever variant the listener is assigned.
    """
    wanted = assigned(user_id, experiments=experiments) or ALL_SOURCES
    return wanted if learned else SOUND_ONLY


def left_out(variant: Variant) -> frozenset[str]:
    """The names of the sources that a variant does not use, including those with a weight of 0."""
    if variant != SOUND_ONLY:
        return frozenset()
    return frozenset(source.name for source in SOURCES if source.learned_from_plays)


def ranking_of(
    variant: Variant, *, ranking: RankingSettings, experiments: ExperimentSettings
) -> RankingSettings:
    """The settings of a variant's lists."""
    changes = dict(experiments.ranking).get(variant)
    return RankingSettings.model_validate(ranking.model_dump() | dict(changes)) if changes else ranking


def variant_label(variant: str, *, exploring: bool) -> str:
    """The label of a play from a recommendation (its field `model`); exploration has a separate label."""
    return f"{variant}/{EXPLORING}" if exploring else variant
