"""Import of the history that other services have kept, on the page You."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import streamlit as st

from segue.dashboard import visit
from segue.dashboard.importing import Uploaded
from segue.dashboard.language.formats import day, number, percent
from segue.dashboard.language.words import gettext, ngettext, translated
from segue.dashboard.text import plain
from segue.errors import SegueError
from segue.imports.importing import Importer, Summary
from segue.imports.play import REASONS
from segue.imports.runs import INTERRUPTED, ImportRun, Imports, is_active
from segue.people.login_sessions import Listener

_MISSING = 20
"""Songs that are not in the library, at most."""
_SECONDS = 2


def show(listener: Listener) -> None:
    """Choose files, see their contents, import them; the imports so far."""
    if listener.name is None:
        return
    with st.expander(gettext("Import your listening history"), icon=":material/history:"):
        st.write(
            gettext(
                "Import the history that Spotify, ListenBrainz, Last.fm or another Segue has stored. Choose "
                "the files as you received them, ZIP archives too. You see the result before anything is "
                "imported."
            )
        )
        _how_to_export()
        files = st.file_uploader(
            gettext("Exports"),
            accept_multiple_files=True,
            key=f"exports-{st.session_state.get('exports', 0)}",
        )
        if files:
            _offer(listener, files)
        _runs(listener)


def _how_to_export() -> None:
    st.caption(
        gettext(
            "Spotify: Account, Privacy, “Extended streaming history”. ListenBrainz: Settings, Export. "
            "Last.fm: a CSV file from any of the usual export pages. Segue: You, “Export my data”."
        )
    )


def _offer(listener: Listener, files: Sequence[Uploaded]) -> None:
    """The contents of the files, and the button that imports them."""
    importing = visit.services().importing
    chosen = tuple(getattr(file, "file_id", file.name) for file in files)
    known = st.session_state.get("import-preview")
    if known is None or known[0] != chosen:
        try:
            with st.spinner(gettext("Reading your history")):
                known = chosen, importing.preview(listener.user_id, files)
        except SegueError as error:
            st.error(translated(error))
            return
        st.session_state["import-preview"] = known
    summary: Summary = known[1]
    _result(summary)
    label = ngettext("Import {count} play", "Import {count} plays", summary.stored)
    if st.button(label, type="primary", icon=":material/upload:", key="import-history"):
        if not visit.is_still_here(listener):
            return
        try:
            importing.start(listener.user_id, files)
        except SegueError as error:
            st.error(translated(error))
            return
        # A new key empties the field.
        st.session_state["exports"] = st.session_state.get("exports", 0) + 1
        st.session_state.pop("import-preview", None)
        st.rerun()


def _result(summary: Summary) -> None:
    years = sorted(summary.years)
    missing = summary.plays - summary.matched - summary.ambiguous
    with st.container(horizontal=True):
        st.metric(gettext("Plays"), number(summary.stored), width="content")
        st.metric(gettext("In this library"), percent(summary.matched / summary.plays), width="content")
        st.metric(gettext("Years"), f"{years[0]}–{years[-1]}", width="content")
    lines = []
    if missing:
        lines.append(
            ngettext(
                "{count} play is of a song that this library does not have. “Your listening” counts it "
                "under its artist.",
                "{count} plays are of songs that this library does not have. “Your listening” counts "
                "them under their artists.",
                missing,
            )
        )
    if summary.ambiguous:
        lines.append(
            ngettext(
                "{count} play fits several songs of this library.",
                "{count} plays fit several songs of this library.",
                summary.ambiguous,
            )
        )
    if summary.known:
        lines.append(
            ngettext(
                "{count} play was imported before, or is in the files more than once.",
                "{count} plays were imported before, or are in the files more than once.",
                summary.known,
            )
        )
    lines += _left_out(summary.left_out)
    lines += [
        gettext("Not a listening history: {file}", file=plain(name))
        for name in summary.unknown_files[:_MISSING]
    ]
    if lines:
        st.markdown("\n".join(f"- {line}" for line in lines))
    _songs_missing(summary)


def _songs_missing(summary: Summary) -> None:
    songs = summary.missing.most_common(_MISSING)
    if songs:
        with st.expander(gettext("Songs that are not in this library"), icon=":material/music_off:"):
            st.markdown("\n".join(f"- {plain(song)} ({number(plays)})" for song, plays in songs))


def _left_out(reasons: Mapping[str, int]) -> list[str]:
    return [
        ngettext(
            "{count} row was left out: {reason}",
            "{count} rows were left out: {reason}",
            count,
            reason=translated(REASONS.get(reason, reason)),
        )
        for reason, count in sorted(reasons.items(), key=lambda item: -item[1])
    ]


def _runs(listener: Listener) -> None:
    """The imports so far, and the progress of one that runs."""
    runs = [run for run in Imports(visit.services().store).of(listener.user_id) if run["state"] != "undone"]
    running = visit.services().importing.is_running(listener.user_id)
    if running or any(_runs_now(run) for run in runs):
        _progress(listener.user_id)
    for run in runs:
        if not _runs_now(run):
            _run(listener, run)


def _runs_now(run: ImportRun) -> bool:
    return run["state"] == "running" and is_active(run)


@st.fragment(run_every=_SECONDS)
@visit.of_listener
def _progress(user_id: str) -> None:
    """The plays that were read so far; the page is drawn again at the end."""
    services = visit.services()
    active = next((run for run in Imports(services.store).of(user_id) if _runs_now(run)), None)
    if active is None and not services.importing.is_running(user_id):
        st.rerun()
    rows = active["rows"] if active is not None else 0
    st.info(
        ngettext("Importing: {count} row so far", "Importing: {count} rows so far", rows),
        icon=":material/hourglass_top:",
    )


def _run(listener: Listener, run: ImportRun) -> None:
    left, right = st.columns([4, 1], vertical_alignment="center")
    plays = ngettext("{count} new play", "{count} new plays", run["stored"])
    files = plain(", ".join(run["files"][:3]))
    left.markdown(f"**{files}** · {day(run['started_at'], skeleton='yMMMMd')} · {plays}")
    if note := _note(run):
        left.markdown(f":orange[{plain(note)}]")
    for line in _left_out(run["left_out"]):
        left.caption(line)
    if is_active(run):
        return
    if right.button(gettext("Remove these plays"), key=f"undo-import-{run['number']}"):
        current = visit.listener()
        if current is not None and current.user_id == listener.user_id:
            Importer(visit.services().store, current.user_id).undo(run["number"])
        st.rerun()


def _note(run: ImportRun) -> str:
    """What became of an import that is not complete, and what to do about it."""
    if run["state"] == "complete":
        return ""
    if run["state"] == "removing":
        if is_active(run):
            return gettext("These plays are being removed.")
        return gettext("The removal of these plays was interrupted: remove them again.")
    if (error := run.get("error", INTERRUPTED)) != INTERRUPTED:
        return translated(error)
    return gettext("The import was interrupted: import the same files again to complete it.")
