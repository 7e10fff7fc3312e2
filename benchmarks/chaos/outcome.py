"""Compares the facts with the events that the dashboard has acknowledged."""

from __future__ import annotations

import json
import subprocess
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from segue.benchmarks.chaos.players import Sent
from segue.benchmarks.chaos.processes import SEGUE
from segue.benchmarks.chaos.service import Service, environment_of
from segue.engagement.summed_listening import SummedListening
from segue.people.login_sessions import LoginSessions
from segue.places import ROOT
from segue.storage.kafka import read_rejected
from segue.storage.mongo import connect
from segue.storage.store import Store

COUNT_OF = {"play": "starts", "complete": "completions", "skip": "skips", "like": "likes"}
"""The count of a fact that an event of each type raises by one."""
Counted = Mapping[tuple[str, str, str], int]
"""The sum of a count over all facts, by listener, track and event type."""


@dataclass(frozen=True)
class Outcome:
    """Acknowledged events by their ids."""

    in_facts: list[str]
    """Counted once."""
    twice: list[str]
    """Counted more than once."""
    rejected: list[str]
    """In the topic of rejected plays."""
    missing: list[str]
    """Nowhere."""


def outcome(service: Service, acknowledged: Mapping[str, Sent]) -> Outcome:
    """Look for each acknowledged event in the facts and among the rejected plays."""
    store = Store(connect(service.settings.mongo))
    listeners = _listeners(store, {sent.token for sent in acknowledged.values()})
    rejected = set()
    for record in read_rejected(service.settings.kafka):
        try:
            rejected.add(json.loads(record.value or b"")["event_id"])
        except (ValueError, TypeError, KeyError):
            continue
    return compared(
        acknowledged, listeners=listeners, counted=_counted(store, listeners.values()), rejected=rejected
    )


def compared(
    acknowledged: Mapping[str, Sent], *, listeners: Mapping[str, str], counted: Counted, rejected: set[str]
) -> Outcome:
    """Sort the acknowledged events; `listeners` are the listeners' ids by the tokens of their sessions."""
    found = Outcome([], [], [], [])
    for event_id, sent in acknowledged.items():
        times = counted.get((listeners.get(sent.token, ""), sent.track_id, sent.kind), 0)
        if times == 1:
            found.in_facts.append(event_id)
        elif times > 1:
            found.twice.append(event_id)
        elif event_id in rejected:
            found.rejected.append(event_id)
        else:
            found.missing.append(event_id)
    return found


def _listeners(store: Store, tokens: set[str]) -> dict[str, str]:
    sessions = LoginSessions(store)
    return {token: listener.user_id for token in tokens if (listener := sessions.find(token))}


def _counted(store: Store, listeners: Iterable[str]) -> Counted:
    totals: Counter[tuple[str, str, str]] = Counter()
    listening, now = SummedListening(store), datetime.now(UTC)
    for user_id in listeners:
        for fact in listening.of(user_id, since=now - timedelta(days=2), until=now + timedelta(days=1)):
            for row in fact["rows"]:
                for kind, count in COUNT_OF.items():
                    totals[user_id, row["track_id"], kind] += row.get(count, 0)
    return totals


def recount_is_exact(service: Service) -> bool:
    """Whether `engagement recount --check` finds no difference between the facts and the topic."""
    log = service.home / "logs" / "recount.log"
    with log.open("ab") as output:
        done = subprocess.run(
            [*SEGUE, "engagement", "recount", "--check"],
            cwd=ROOT,
            env=environment_of(service),
            stdout=output,
            stderr=output,
            check=False,
        )
    return done.returncode == 0
