"""Typed settings. conf/default.toml has the defaults and a description of each key."""

from segue.settings.api import ApiSettings
from segue.settings.connections import KafkaSettings, MongoSettings
from segue.settings.library import (
    AlsSettings,
    AnnoySettings,
    AudioSettings,
    BackendSettings,
    ExactSettings,
    IndexSettings,
    LibrarySettings,
    ModelSettings,
    RuleSettings,
    SessionSpaceSettings,
    VoyagerSettings,
)
from segue.settings.loading import NOT_SETTINGS, Settings, load_settings
from segue.settings.mail import MailSettings
from segue.settings.operating import LogSettings, TracingSettings
from segue.settings.ranking import (
    ExperimentSettings,
    MemorySettings,
    MoodSettings,
    PlaylistSettings,
    RankingSettings,
    SignalSettings,
    TasteSettings,
)
from segue.settings.scrobbling import ScrobblingSettings
from segue.settings.streaming import EngagementSettings, RetentionSettings, SparkSettings, StreamSettings
from segue.settings.surface import DashboardSettings
from segue.settings.transcoding import TranscodingSettings
from segue.settings.values import Section, Shares, Variant, duration_text, milliseconds

__all__ = [
    "NOT_SETTINGS",
    "AlsSettings",
    "AnnoySettings",
    "ApiSettings",
    "AudioSettings",
    "BackendSettings",
    "DashboardSettings",
    "EngagementSettings",
    "ExactSettings",
    "ExperimentSettings",
    "IndexSettings",
    "KafkaSettings",
    "LibrarySettings",
    "LogSettings",
    "MailSettings",
    "MemorySettings",
    "ModelSettings",
    "MongoSettings",
    "MoodSettings",
    "PlaylistSettings",
    "RankingSettings",
    "RetentionSettings",
    "RuleSettings",
    "ScrobblingSettings",
    "Section",
    "SessionSpaceSettings",
    "Settings",
    "Shares",
    "SignalSettings",
    "SparkSettings",
    "StreamSettings",
    "TasteSettings",
    "TracingSettings",
    "TranscodingSettings",
    "Variant",
    "VoyagerSettings",
    "duration_text",
    "load_settings",
    "milliseconds",
]
