"""The page Audit log, for operators: log-ins, changed passwords, removals. Nobody changes it here."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from segue.dashboard import visit
from segue.dashboard.language.words import gettext, translated
from segue.dashboard.views import more
from segue.people.accounts import Accounts
from segue.people.audit import ACTIONS, BY, REASONS, REFUSALS, AuditEntry, AuditLog

_AT_FIRST = 100
_COLUMNS = ("at", "what", "about", "by", "network")


def show() -> None:
    """The entries, the newest first."""
    st.title(gettext("Audit log"), anchor=False)
    if not visit.operator():
        st.info(
            gettext("Only operators can see this page. The setting `dashboard.operators` names them."),
            icon=":material/lock:",
        )
        return
    _entries()


@st.fragment
@visit.of_operators
def _entries() -> None:
    st.caption(
        gettext(
            "Entries show the listener and the network, but no address. They are kept for {days} days.",
            days=visit.services().settings.retention.audit.days,
        )
    )
    refused = st.toggle(gettext("Only refused attempts"), key="audit-refused")
    limit = more.asked_for("audit", first=_AT_FIRST)
    found = AuditLog(visit.services().store).newest(limit=limit + 1, actions=REFUSALS if refused else ())
    entries = found[:limit]
    if not entries:
        st.info(gettext("There are no entries yet."), icon=":material/policy:")
        return
    names = Accounts(visit.services().store).names([one["user_id"] for one in entries if "user_id" in one])
    st.dataframe(
        pd.DataFrame([_row(one, names) for one in entries], columns=list(_COLUMNS)),
        hide_index=True,
        column_config={
            "at": st.column_config.DatetimeColumn(gettext("Time (UTC)"), format="YYYY-MM-DD HH:mm:ss"),
            "what": st.column_config.TextColumn(gettext("Event"), width="medium"),
            "about": st.column_config.TextColumn(gettext("About")),
            "by": st.column_config.TextColumn(gettext("By")),
            "network": st.column_config.TextColumn(gettext("Network")),
        },
    )
    more.offer("audit", shown=len(entries), total=None if len(found) > limit else len(found), words=_shown)


def _row(entry: AuditEntry, names: dict[str, str]) -> dict[str, object]:
    what, by = entry["action"], entry["by"]
    words = next((translated(text) for action, text in ACTIONS.items() if action == what), what)
    if reason := entry.get("reason"):
        words = f"{words}: {translated(REASONS.get(reason, reason))}"
    where = next((translated(text) for place, text in BY.items() if place == by), by)
    user_id = entry.get("user_id", "")
    return {
        "at": entry["at"].replace(tzinfo=None),
        "what": words,
        "about": names.get(user_id, user_id),
        "by": f"{where} ({entry['system_user']})" if "system_user" in entry else where,
        "network": entry.get("network", ""),
    }


def _shown(shown: int, _total: int | None) -> str:
    return gettext("The newest {shown} entries", shown=shown)
