"""An ensemble of session models, and a baseline: weighted sums of scaled scores.

Evaluated as "hybrid" and "session-knn+rules". Neither is served; :mod:`segue.recommenders.served` is.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from scipy import sparse

from segue.recommenders.session_models import (
    ArtistItems,
    ListenerRepeats,
    SessionKnn,
    SessionModel,
    SessionRepeats,
)
from segue.recommenders.session_rules import ListenerRules, SequentialRules
from segue.recommenders.top import scaled, top_k
from segue.session_logs.logs import SessionLog
from segue.session_logs.splits import DAY, Queries


@dataclass(frozen=True)
class EnsembleMember:
    """A model of the ensemble. `name` is the reason that holds for its items."""

    name: str
    model: SessionModel
    weight: float


class SessionEnsemble:
    """The weighted sum of models' scores. Each row of a model is first divided by its largest score.

    Only the best `candidates` items of each model take part.
    """

    def __init__(self, members: Sequence[EnsembleMember], *, candidates: int = 150) -> None:
        self.members, self.candidates = list(members), candidates

    def fit(self, history: SessionLog) -> SessionEnsemble:
        for member in self.members:
            member.model.fit(history)
        return self

    def scores(self, queries: Queries) -> sparse.csr_matrix:
        total: sparse.csr_matrix | None = None
        for member in self.members:
            scores = member.weight * top_k(scaled(member.model.scores(queries)), self.candidates)
            total = scores if total is None else total + scores
        if total is None:
            raise ValueError("an ensemble needs at least one member")
        return total.tocsr()


def baseline() -> SessionEnsemble:
    """Session-kNN over 100 sessions plus sequential rules, with equal weights."""
    return SessionEnsemble(
        [EnsembleMember("sessions", SessionKnn(), 1.0), EnsembleMember("rules", SequentialRules(), 1.0)]
    )


WEIGHTS = {
    "rules": 0.49,
    "next": 0.35,
    "sessions": 0.2,
    "artist": 1.0,
    "own": 6.25,
    "again": 0.5,
    "heard": 0.2,
}
"""From coordinate search on the last day of the history, not on the test (docs/evaluation/protocol.md)."""


def member_models() -> dict[str, SessionModel]:
    """The members: `rules` and `next` (long and short sequential rules), `sessions` (session-kNN in which
    rare items, late sessions and the end of the prefix count most), `artist` (the artists of the session),
    `own` (this listener's rules), `again` (this listener's recent plays), `heard` (the plays of this
    session)."""
    return {
        "rules": SequentialRules(),
        "next": SequentialRules(confidence=0.5, reach=3, gap_power=2.0),
        "sessions": SessionKnn(decay=0.5, idf=2.0, half_life=2 * DAY, sharpness=2.0),
        "artist": ArtistItems(),
        "own": ListenerRules(),
        "again": ListenerRepeats(half_life=0.2 * DAY),
        "heard": SessionRepeats(),
    }


def session_ensemble(weights: Mapping[str, float] = WEIGHTS) -> SessionEnsemble:
    """Rules and sessions, the artists of the session, and the listener's earlier plays.

    A member of weight 0 is left out.
    """
    return SessionEnsemble(
        [
            EnsembleMember(name, model, weights[name])
            for name, model in member_models().items()
            if weights[name]
        ]
    )
