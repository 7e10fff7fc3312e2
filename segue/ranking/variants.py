"""Which variant a listener is served: by shares, and always the same one. Pure.

The point of a listener is the first 8 bytes of BLAKE2b of ``salt, line feed, user id`` (UTF-8), read as a
big-endian number, by 2 ** 64: from 0 to 1, and even over many listeners. The variants divide that line by
their shares in the order of the settings. So a listener stays with a variant through restarts, machines and
new indexes, until salt, order or shares change. Experiments with different salts are independent.
"""

from __future__ import annotations

import hashlib

from segue.ranking.sources import SOURCES
from segue.settings import ExperimentSettings, RankingSettings, Variant

SOUND_ONLY: Variant = "audio"
"""Without the sources that are learned from plays."""
ALL_SOURCES: Variant = "hybrid"
"""All sources, as the settings say; every other variant is this with changes."""
EXPLORING = "explore"


def point(user_id: str, *, salt: str) -> float:
    """Where a listener is on the line from 0 to 1."""
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
    """The variant that a listener is served; `learned`: whether the index has what is learned from plays.

    Without an experiment that has all sources. An index that lacks it can serve by sound only, and says so,
    whatever a listener was assigned.
    """
    wanted = assigned(user_id, experiments=experiments) or ALL_SOURCES
    return wanted if learned else SOUND_ONLY


def left_out(variant: Variant) -> frozenset[str]:
    """The names of the sources that a variant does not use; one with a weight of 0 is left out as well."""
    if variant != SOUND_ONLY:
        return frozenset()
    return frozenset(source.name for source in SOURCES if source.learned_from_plays)


def ranking_of(
    variant: Variant, *, ranking: RankingSettings, experiments: ExperimentSettings
) -> RankingSettings:
    """The settings by which a variant's lists are made."""
    changes = dict(experiments.ranking).get(variant)
    return RankingSettings.model_validate(ranking.model_dump() | dict(changes)) if changes else ranking


def variant_label(variant: str, *, exploring: bool) -> str:
    """The label of a play from a recommendation (its field `model`); exploration has a label of its own."""
    return f"{variant}/{EXPLORING}" if exploring else variant
