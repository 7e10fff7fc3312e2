"""The registry of all collections of Segue's database, with their policies.

The owner of a collection is a subclass of :class:`segue.storage.store.Collection` in the package of its
subject. To add a collection, write the class and add a line to :data:`OWNERS`; backup, restore, export,
forgetting and the jobs' access rights follow from its policy and use its methods. GridFS buckets are in
:data:`BUCKETS`, since each is two collections.

Backups also save collections that are missing here, and export and forgetting search them: an omission loses
no data and leaves no data of a listener behind.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from segue.catalog.albums import Albums
from segue.catalog.artists import Artists
from segue.catalog.covers import Covers
from segue.catalog.features import Features
from segue.catalog.rejected import RejectedTracks
from segue.catalog.track_lyrics import TrackLyrics
from segue.catalog.tracks import Tracks
from segue.catalog.unknown import UnknownTracks
from segue.connected.connections import Connections
from segue.connected.known_songs import ConnectedSongs
from segue.connected.linked_accounts import LinkedAccounts
from segue.embeddings.stored import Embeddings
from segue.engagement.counted_windows import CountedWindows
from segue.engagement.daily_statistics import DailyStatistics
from segue.engagement.listening import Listening
from segue.engagement.listening_sessions import ListeningSessions
from segue.engagement.statistics import ListeningStatistics
from segue.imports.changed import ChangedImports
from segue.imports.days import ImportedDays
from segue.imports.runs import Imports
from segue.imports.songs import ImportedSongs
from segue.index import published as bundles
from segue.models import trained
from segue.models.versions import Models
from segue.moods.dial import MoodDials
from segue.moods.stored import Moods
from segue.operations.damaged_documents import DamagedDocuments
from segue.operations.library_status import LibraryStatus
from segue.operations.stream_minutes import StreamMinutes
from segue.operations.stream_progress import StreamProgress
from segue.people.accounts import Accounts
from segue.people.api_keys import ApiKeys
from segue.people.app_passwords import AppPasswords
from segue.people.audit import AuditLog
from segue.people.forgotten import Forgotten
from segue.people.handovers import Handovers
from segue.people.library_access import AdmittedListeners
from segue.people.login_failures import LoginFailures
from segue.people.login_sessions import LoginSessions
from segue.people.mail_links import MailLinks
from segue.people.operator_links import OperatorLinks
from segue.people.preferences import Preferences
from segue.playlists.bookmarks import Bookmarks
from segue.playlists.day_lists import DayLists
from segue.playlists.playlists import Playlists
from segue.playlists.queues import Queues
from segue.plays.delivery import SentPlays
from segue.plays.playbacks import Playbacks
from segue.ranking.recommendations import Recommendations
from segue.scrobbling.connections import ScrobbleConnections
from segue.scrobbling.outbox import Scrobbles
from segue.social.activity import PrivacyChoices
from segue.social.follows import Follows
from segue.social.links import ShareLinks
from segue.storage.store import Collection, Job, Personal, Policy, Right, Store
from segue.taste.corrections import Corrections
from segue.taste.imported import ImportedTastes
from segue.taste.marks import Marks
from segue.taste.memory import Memories
from segue.taste.opinions import Opinions
from segue.taste.starts import Starts
from segue.taste.tastes import Tastes

OWNERS: tuple[type[Collection[Any]], ...] = (
    Tracks,
    Albums,
    Artists,
    Covers,
    TrackLyrics,
    Features,
    RejectedTracks,
    UnknownTracks,
    Connections,
    ConnectedSongs,
    LinkedAccounts,
    Moods,
    Models,
    Embeddings,
    Accounts,
    AppPasswords,
    ApiKeys,
    AdmittedListeners,
    LoginSessions,
    Handovers,
    OperatorLinks,
    MailLinks,
    LoginFailures,
    AuditLog,
    Forgotten,
    SentPlays,
    Playbacks,
    Starts,
    Opinions,
    ScrobbleConnections,
    Scrobbles,
    ImportedDays,
    ImportedSongs,
    Imports,
    ChangedImports,
    Marks,
    MoodDials,
    Playlists,
    Bookmarks,
    DayLists,
    Queues,
    ShareLinks,
    Follows,
    Preferences,
    PrivacyChoices,
    Tastes,
    ImportedTastes,
    Memories,
    Corrections,
    Recommendations,
    Listening,
    ListeningSessions,
    ListeningStatistics,
    DailyStatistics,
    CountedWindows,
    StreamProgress,
    LibraryStatus,
    StreamMinutes,
    DamagedDocuments,
)

BUCKETS: Mapping[str, Policy] = {bundles.BUCKET: bundles.POLICY, trained.BUCKET: trained.POLICY}
"""GridFS buckets."""

POLICIES: Mapping[str, Policy] = {
    **{owner.name: owner.policy for owner in OWNERS},
    **{f"{bucket}.{part}": policy for bucket, policy in BUCKETS.items() for part in ("files", "chunks")},
}
"""The policy of every collection by name."""
_OWNER_OF = {owner.name: owner for owner in OWNERS}
COMPUTED = frozenset(name for name, policy in POLICIES.items() if policy.computed)
"""The collections that backups leave out."""
LOGS = frozenset(name for name, policy in POLICIES.items() if policy.log)
"""The collections whose documents are only added, and which stay when a listener leaves."""
NOT_PERSONAL = frozenset(name for name, policy in POLICIES.items() if policy.personal is None)
"""The collections in which no document belongs to a listener or names one."""
WRITTEN_BY_STREAMS = tuple(
    name
    for name, policy in POLICIES.items()
    if policy.personal and policy.access.get(Job.STREAM, Right(0)) & Right.WRITE
)
"""The collections to which a running micro-batch may write documents of a listener who has just left."""
_WHEREVER = Personal(
    owner=("_id", "user_id", "owner", "follower", "followed"), members=("collaborators", "asked", "members")
)
"""The default fields in which to find listeners in a collection without an owner."""


def personal(name: str) -> Personal | None:
    """The declaration of a collection's personal fields; None if no document belongs to a listener."""
    return POLICIES[name].personal if name in POLICIES else _WHEREVER


def collection(store: Store, name: str) -> Collection[Any]:
    """The owner of a collection, or a generic owner for an unknown collection."""
    owner = _OWNER_OF.get(name)
    if owner is None:
        policy = POLICIES.get(name) or Policy(personal=_WHEREVER)
        owner = type("Unowned", (Collection,), {"name": name, "policy": policy})
    return owner(store)


def collections(store: Store) -> list[Collection[Any]]:
    """All collections with an owner, and all others in the database, ordered by name."""
    return [collection(store, name) for name in sorted({*_OWNER_OF, *store.collection_names()})]


def prepare(store: Store, job: Job) -> None:
    """Create the indexes for which a job is responsible, in all collections with an owner."""
    for owner in OWNERS:
        if owner.policy.access.get(job, Right(0)) & Right.INDEX:
            owner(store).prepare()
