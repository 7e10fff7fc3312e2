"""Rows of exports -> plays: one function for each form of a row.

The forms are those of Spotify's extended streaming history and of its account data, of ListenBrainz's
exports and dumps (which other servers write, too), of programs that export Last.fm's scrobbles, and of
Segue. A row shows its form by its fields, so names of files do not matter.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from segue.imports.play import (
    ImportedPlay,
    LeftOut,
    Song,
    imported_play,
    mapping_of,
    milliseconds_of,
    number_of,
    text_of,
    truth_of,
    uuid_of,
)
from segue.imports.times import epoch_seconds
from segue.plays.event_types import EventType

Row = Mapping[str, Any]


def play_of(row: object) -> ImportedPlay:
    """The play in a row of JSON.

    Raises
    ------
    LeftOut
        The row is not a play.
    """
    if isinstance(row, dict):
        for fields, read in _FORMS:
            if fields <= row.keys():
                return read(row)
    raise LeftOut("unknown")


def _of_spotify(row: Row) -> ImportedPlay:
    """A row of the extended streaming history. `ts` is the end of the play.

    `offline_timestamp` is ignored: its unit varies, and it is 0 for many plays. A private session of Spotify
    leaves no trace here, as one of Segue does.
    """
    if truth_of(row.get("incognito_mode")):
        raise LeftOut("private")
    uri = text_of(row.get("spotify_track_uri"))
    song = Song(
        title=text_of(row.get("master_metadata_track_name")),
        artist=text_of(row.get("master_metadata_album_artist_name")),
        album=text_of(row.get("master_metadata_album_album_name")),
        uri=uri,
    )
    if not song.title and not uri:  # podcasts, audiobooks and videos have null in the fields of a track
        raise LeftOut("no_music" if "spotify_track_uri" in row else "no_names")
    return imported_play(
        song,
        ended=epoch_seconds(row.get("ts")),
        ms_played=milliseconds_of(row.get("ms_played")),
        skipped=_skipped(row),
    )


def _skipped(row: Row) -> bool | None:
    """Whether a play was skipped. Some years have the mark, all have the reason of the end."""
    if (marked := truth_of(row.get("skipped"))) is not None:
        return marked
    end = text_of(row.get("reason_end"))
    return {"trackdone": False, "fwdbtn": True, "nextbtn": True, "backbtn": True}.get(end)


def _of_spotify_account(row: Row) -> ImportedPlay:
    """A row of the account data, which have the last year only. `endTime` has minutes, in UTC."""
    return imported_play(
        Song(title=text_of(row.get("trackName")), artist=text_of(row.get("artistName"))),
        ended=epoch_seconds(row.get("endTime")),
        ms_played=milliseconds_of(row.get("msPlayed")),
        skipped=None,
    )


def _no_music(row: Row) -> ImportedPlay:
    raise LeftOut("no_music")


def _feedback(row: Row) -> ImportedPlay:
    raise LeftOut("feedback")


def _of_listenbrainz(row: Row) -> ImportedPlay:
    """A listen of ListenBrainz. Null stands for a missing object in some rows."""
    song, ms_played = heard_on_listenbrainz(mapping_of(row["track_metadata"]))
    time = next((row[key] for key in ("listened_at", "timestamp") if row.get(key)), None)
    skipped = truth_of(mapping_of(mapping_of(row["track_metadata"]).get("additional_info")).get("skipped"))
    return imported_play(song, at=epoch_seconds(time), ms_played=ms_played, skipped=skipped)


def heard_on_listenbrainz(data: Row) -> tuple[Song, int | None]:
    """The song in the `track_metadata` of a listen, and for how many milliseconds it was played."""
    more, mapped = mapping_of(data.get("additional_info")), mapping_of(data.get("mbid_mapping"))
    ids = (uuid_of(one.get("recording_mbid")) for one in (more, data, mapped))
    heard = number_of(more.get("duration_played"))
    song = Song(
        title=text_of(data.get("track_name")),
        artist=text_of(data.get("artist_name")),
        album=text_of(data.get("release_name")),
        seconds=_length(more),
        recordings=tuple(dict.fromkeys(filter(None, ids))),
        release_track=uuid_of(more.get("track_mbid")) or uuid_of(more.get("release_track_mbid")),
        track_id=_own_id(more),
        uri=text_of(more.get("origin_url")) if _is_own(more) else "",
    )
    return song, milliseconds_of(heard * 1000 if heard is not None else None)


def _length(more: Row) -> float | None:
    """The seconds of a recording: `duration_ms` is in milliseconds, `duration` in seconds."""
    thousandths = number_of(more.get("duration_ms"))
    seconds = thousandths / 1000 if thousandths else number_of(more.get("duration"))
    return seconds if seconds and seconds < 1e6 else None


def _own_id(more: Row) -> str:
    """The id of the track, if the listen came from Segue."""
    return text_of(more.get("segue_track_id"))[:64] if _is_own(more) else ""


def _is_own(more: Row) -> bool:
    return text_of(more.get("submission_client")).casefold() == "segue"


def _of_segue(row: Row) -> ImportedPlay:
    """An event of Segue's own export (plays.jsonl): those that end a listening are plays."""
    if not EventType.named(text_of(row.get("type"))).ends:
        raise LeftOut("feedback")
    length = milliseconds_of(row.get("duration_ms"))
    return imported_play(
        Song(
            title=text_of(row.get("title")),
            artist=text_of(row.get("artist")),
            album=text_of(row.get("album")),
            seconds=length / 1000 if length else None,
            track_id=text_of(row.get("track_id"))[:64],
        ),
        ended=epoch_seconds(row.get("occurred_at")),
        ms_played=milliseconds_of(row.get("ms_played")),
        skipped=text_of(row.get("type")) == "skip",
    )


def _of_lastfm(row: Row) -> ImportedPlay:
    """A scrobble as the API of Last.fm returns it; one that plays now has no date."""
    return imported_play(
        Song(
            title=text_of(row.get("name")),
            artist=_name(row.get("artist")),
            album=_name(row.get("album")),
            recordings=_ids(row.get("mbid")),
        ),
        at=epoch_seconds(mapping_of(row.get("date")).get("uts")),
        ms_played=None,
        skipped=None,
    )


def _name(value: object) -> str:
    """A name in the API of Last.fm: a text, or an object with it."""
    one = mapping_of(value)
    return text_of(value) or text_of(one.get("#text")) or text_of(one.get("name"))


def _ids(value: object) -> tuple[str, ...]:
    return (found,) if (found := uuid_of(value)) else ()


def of_table(row: Row) -> ImportedPlay:
    """A scrobble in a table: `artist`, `album`, `track`, `date`, and `mbid` if it is known.

    Raises
    ------
    LeftOut
        The row is not a play.
    """
    return imported_play(
        Song(
            title=text_of(row.get("track")),
            artist=text_of(row.get("artist")),
            album=text_of(row.get("album")),
            recordings=_ids(row.get("mbid")),
        ),
        at=epoch_seconds(row.get("date")),
        ms_played=milliseconds_of(row.get("ms_played")),
        skipped=None,
    )


_FORMS: tuple[tuple[frozenset[str], Callable[[Row], ImportedPlay]], ...] = tuple(
    (frozenset(fields), read)
    for fields, read in (
        (("ts", "ms_played"), _of_spotify),
        (("endTime", "trackName"), _of_spotify_account),
        (("endTime", "podcastName"), _no_music),
        (("endTime", "audiobookName"), _no_music),
        (("track_metadata", "score"), _feedback),
        (("recording_mbid", "score"), _feedback),
        (("track_metadata",), _of_listenbrainz),
        (("event_id", "track_id", "occurred_at"), _of_segue),
        (("artist", "name"), _of_lastfm),
        (("artist", "track", "date"), of_table),
    )
)
"""The fields by which a form of rows is recognised, and its reader, in the order of the attempts."""
