"""The steps of a pass over the libraries (:mod:`segue.batch_jobs.update_library`)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from rich.progress import TimeRemainingColumn

from segue.audio.describe_here import Describers
from segue.audio.descriptors import features_version
from segue.batch_jobs import (
    build_index,
    describe_connected,
    extract_features,
    ingest_catalog,
    train_embeddings,
)
from segue.batch_jobs.bars import counting
from segue.batch_jobs.complete_fingerprints import fingerprint_on_this_machine
from segue.batch_jobs.connected_library import read_server
from segue.batch_jobs.measure_loudness import measure_on_this_machine
from segue.batch_jobs.read_library import Rules
from segue.batch_jobs.update_summary import STEPS, UpdateSummary
from segue.batches import batches
from segue.catalog.features import Features
from segue.catalog.gathering import gather
from segue.catalog.identity import Listening
from segue.catalog.library import Library
from segue.catalog.listening import StoredSounds
from segue.catalog.read import TagReading
from segue.catalog.stored_paths import path_to_open
from segue.catalog.track_records import StoredFile
from segue.catalog.tracks import Tracks
from segue.connected.connections import Connection
from segue.counted import counted
from segue.errors import SegueError, TooLittle
from segue.imports.importing import match_again
from segue.imports.libraries import SeenLibraries
from segue.operations.library_status import LibraryStatus
from segue.settings import Settings
from segue.storage.store import Store

_WRITE_EVERY = 16
"""Tracks whose features are written at once: an interruption loses at most these."""


@dataclass(frozen=True)
class ServersToRead:
    """The connected servers of a pass."""

    connections: Sequence[Connection] = ()
    accepted: bool = False
    """The songs that are gone were removed, however many they are."""


NO_SERVERS = ServersToRead()


class LibraryPass:
    """The steps of a pass, with their counts."""

    def __init__(
        self,
        settings: Settings,
        store: Store,
        status: LibraryStatus,
        describers: Describers,
        *,
        quiet: bool,
    ) -> None:
        self._settings, self._store, self._status, self._quiet = settings, store, status, quiet
        self._describers = describers
        self._described = self._undescribed = self._embedded = 0
        self._refitted = False
        self._seconds = dict.fromkeys(STEPS, 0.0)
        self._too_little = ""
        self._built: build_index.IndexBuild | None = None

    def run(
        self,
        libraries: Sequence[Library],
        servers: ServersToRead,
        *,
        began: float,
        only_changes: bool,
        measuring: Callable[[], bool],
    ) -> UpdateSummary:
        tracks = Tracks(self._store)
        playable = tracks.count_playable()
        with self._step("reading"), StoredSounds(self._store, self._settings.audio) as listening:
            ingested, faults = self._read(libraries, listening)
            self._read_servers(servers, ingested, faults)
        changed = any(one.new or one.changed or one.vanished for one in ingested)
        if changed:
            match_again(self._store, SeenLibraries(self._store, self._settings).of)
        # Tracks of a disk that is away, or back, are neither new nor changed.
        changed = changed or tracks.count_playable() != playable
        self._enter_index(always=changed or not only_changes)
        self._enter_index_from_servers(wanted=measuring)
        with self._step("fingerprinting"):
            work = fingerprint_on_this_machine(self._store, self._describers, wanted=measuring)
            fingerprinted, unfingerprinted = self._to_end(work, "fingerprinting", "Fingerprints")
        with self._step("measuring"):
            work = measure_on_this_machine(self._store, self._describers, wanted=measuring)
            measured, unmeasured = self._to_end(work, "measuring", "Measuring loudness")
        counts = {
            name: sum(getattr(one, name) for one in ingested)
            for name in ("tracks", "new", "changed", "vanished", "away", "waiting", "rejected")
        }
        manifest = self._built.manifest if self._built else None
        return UpdateSummary(
            libraries=len(ingested),
            **counts,
            reasons=dict(sum((Counter(one.reasons) for one in ingested), Counter())),
            described=self._described,
            undescribed=self._undescribed,
            embedded=self._embedded,
            refitted=self._refitted,
            index=manifest.version if manifest else None,
            indexed=manifest.count if manifest else 0,
            too_little=self._too_little,
            extended=manifest is not None and manifest.base is not None,
            faults=faults,
            measured=measured,
            unmeasured=unmeasured,
            fingerprinted=fingerprinted,
            unfingerprinted=unfingerprinted,
            steps={step: round(self._seconds[step], 2) for step in STEPS},
            seconds=round(time.monotonic() - began, 2),
        )

    def _read(
        self, libraries: Sequence[Library], listening: Listening
    ) -> tuple[list[ingest_catalog.IngestSummary], list[str]]:
        ingested, faults = [], []
        library_settings = self._settings.library
        rules = Rules(
            largest_share=library_settings.largest_loss,
            settle_time=library_settings.settle_time,
            reading=TagReading.by(library_settings),
            listening=listening,
            progress=lambda done, total: self._status.progress("reading", done=done, total=total),
        )
        for library in libraries:
            try:
                ingested.append(
                    ingest_catalog.run(
                        self._store,
                        library.folder,
                        further=library.further,
                        name=library.name,
                        quiet=self._quiet,
                        rules=rules,
                    )
                )
            except SegueError as error:
                faults.append(f"{library.name}: {error}")
                continue
            if lost := ingested[-1].in_question:
                faults.append(
                    f"{library.name}: {counted(lost, 'file is', plural='files are')} gone at once: "
                    f"if they were removed, run ./run.sh library ingest {library.folder} --accept-removals"
                )
        return ingested, faults

    def _read_servers(
        self, servers: ServersToRead, ingested: list[ingest_catalog.IngestSummary], faults: list[str]
    ) -> None:
        """Read the catalogues of servers; adds the results to those of the libraries."""
        for server in servers.connections:
            name = server["_id"]
            try:
                one = read_server(
                    self._store,
                    self._settings,
                    server,
                    accepted=servers.accepted,
                    progress=lambda done: self._status.progress("reading", done=done),
                )
            except SegueError as error:
                faults.append(f"{name}: {error}")
                continue
            ingested.append(one)
            if one.in_question:
                faults.append(
                    f"{name}: {counted(one.in_question, 'song is', plural='songs are')} gone at once: if "
                    f"they were removed, run ./run.sh library sync {name} --accept-removals"
                )

    def _enter_index_from_servers(self, *, wanted: Callable[[], bool]) -> None:
        """Describe songs of servers in rounds; a change on a disk ends it after a round's song."""
        work = describe_connected.find_work(self._store, self._settings)
        done, total = 0, len(work)
        with counting(TimeRemainingColumn(), disable=self._quiet or not total) as progress:
            task = progress.add_task("Analysing songs of servers", total=total)
            for batch in batches(work, self._settings.library.tracks_per_round):
                entered = 0
                with self._step("describing"):
                    for described, failed in describe_connected.describe_songs(
                        self._store, self._settings, self._describers, batch, wanted=wanted
                    ):
                        self._described += described
                        self._undescribed += failed
                        entered += described
                        done += described + failed
                        self._status.progress("describing", done=done, total=total)
                        progress.update(task, completed=done)
                if entered:
                    gather(self._store)
                    self._place_and_index()
                if not entered or not wanted():
                    break

    def _enter_index(self, *, always: bool) -> None:
        """Describe tracks in rounds; each round ends with an index that has them.

        `always` makes an index even if there is nothing to describe.
        """
        work = extract_features.find_work(self._store, self._settings)
        extract_features.forget_gone(self._store, work)
        total = len(work.missing)
        with counting(TimeRemainingColumn(), disable=self._quiet or not total) as progress:
            task = progress.add_task("Describing tracks", total=total)
            for batch in batches(work.missing, self._settings.library.tracks_per_round):
                with self._step("describing"):
                    for part in self._describe(batch):
                        self._status.progress("describing", done=self._described, total=total)
                        progress.advance(task, part)
                self._place_and_index()
        if not total and (always or work.gone):
            self._place_and_index()

    def _to_end(self, work: Iterable[tuple[int, int]], step: str, description: str) -> tuple[int, int]:
        """Show the progress of work; returns the numbers of tracks that are finished, and that are left."""
        done = total = 0
        with counting(TimeRemainingColumn(), disable=self._quiet) as progress:
            task = progress.add_task(description, total=None, visible=False)
            for done, total in work:
                self._status.progress(step, done=done, total=total)
                progress.update(task, completed=done, total=total, visible=True)
        return done, total - done

    def _describe(self, tracks: Sequence[StoredFile]) -> Iterator[int]:
        """Describe tracks; yields the number of each group that was written."""
        files = {file.track_id: file for file in tracks}
        pairs = [(file.track_id, str(path_to_open(file.path or "")), file.span) for file in tracks]
        for group in batches(self._describers.describe(pairs), _WRITE_EVERY):
            part = [files[one.track_id] for one in group]
            described = extract_features.write(self._store, part, group, self._settings)
            self._described += described
            self._undescribed += len(part) - described
            yield len(part)

    def _place_and_index(self) -> None:
        if not Features(self._store).count(features_version(self._settings.audio)):
            return
        with self._step("placing"):
            self._status.progress("placing")
            try:
                placed = train_embeddings.run(self._settings, self._store, only_new=True)
            except TooLittle as error:  # a first song, or copies of one: the next songs make a space
                self._too_little = str(error)
                return
            self._too_little = ""
            self._embedded += placed.embedded
            if not placed.fitted and placed.added > self._settings.library.refit_share * placed.tracks:
                placed = train_embeddings.run(self._settings, self._store, refit=True)
                self._refitted = True
        with self._step("indexing"):
            self._status.progress("indexing", total=placed.tracks)
            self._built = build_index.run(self._store, self._settings.index, extend=True)

    @contextmanager
    def _step(self, name: str) -> Iterator[None]:
        began = time.monotonic()
        yield
        self._seconds[name] += time.monotonic() - began
