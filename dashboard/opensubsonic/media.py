"""Endpoints that send files: recordings, in their own or another form, and covers."""

from __future__ import annotations

import hashlib
from urllib.parse import quote

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response

from segue.audio.bit_rate import sound_kilobits
from segue.audio.transcoding.choice import RAW, choose, fits
from segue.audio.transcoding.encoder import Conversion
from segue.audio.transcoding.forms import FORMS, Form
from segue.catalog.full_tracks import FullTrack
from segue.catalog.track_records import Recording
from segue.dashboard.api.audio import LONGEST_START, converted_to, is_after_end, recording
from segue.dashboard.api.converted import HEADERS, converted
from segue.dashboard.api.sounds import as_it_is, converting
from segue.dashboard.opensubsonic import finding, ids, plan, shapes
from segue.dashboard.opensubsonic.answers import unavailable
from segue.dashboard.opensubsonic.call import Call, Sending
from segue.dashboard.opensubsonic.failure import Code, ProtocolError, invalid, not_found
from segue.dashboard.opensubsonic.playlists import readable_playlist

_OTHER_NAMES = {"oga": "opus", "ogg": "opus", "m4a": "aac", "mp4": "aac", "adts": "aac"}
"""Names of containers by which apps ask for a form."""
_LARGEST_COVER = 4096
_MOST_COVERS = 4
"""A file with more than this multiple of the wanted bit rate is not small with large covers."""
_COVER_HEADERS = {"Cache-Control": "private, max-age=86400", "X-Content-Type-Options": "nosniff"}


async def stream(call: Call) -> Response:
    """A recording, converted if the app asks for a form or a lower bit rate.

    `estimateContentLength` adds no header: the length of a conversion in progress is not known, and a
    wrong one would cut the recording off.
    """
    track, file = await run_in_threadpool(_recording, call)
    conversion = await run_in_threadpool(_conversion, call, track, file)
    if conversion is None:
        return await _as_it_is(call, file)
    return await send(call, file, conversion)


async def download(call: Call) -> Response:
    """The file itself; a song that is a part of a file, in the usual form."""
    track, file = await run_in_threadpool(_recording, call)
    if file.is_part:
        return await send(call, file, converted_to(file, *usual_form(call)))
    name = quote(track.file_name or f"{track.track_id}.{track.suffix}", safe="")
    return await _as_it_is(call, file, {"Content-Disposition": f"attachment; filename*=UTF-8''{name}"})


async def cover(call: Call) -> Response:
    """A picture; `size` is the length of its longer side at most, in pixels.

    An app that has the picture already (`If-None-Match`) gets 304.
    """
    text = call.parameters.text("id")
    size = call.parameters.optional_whole("size")
    if size is not None:
        size = min(size, _LARGEST_COVER) if size > 0 else None  # 0, like no size, means the picture itself

    def read() -> tuple[bytes, str] | None:
        cover_id = _cover_of(call, text)
        return call.server.thumbnails.picture(cover_id, size=size) if cover_id else None

    found = await run_in_threadpool(read)
    if found is None:
        raise not_found("cover")
    data, content_type = found
    headers = _COVER_HEADERS | {"ETag": f'"{hashlib.sha256(data).hexdigest()[:32]}"'}
    if _has(call.request, headers["ETag"]):
        return Response(status_code=304, headers=headers)
    return Response(data, media_type=content_type, headers=headers)


def _has(request: Request, tag: str) -> bool:
    """Whether the app has the version of a resource already (RFC 9110, 13.1.2)."""
    known = ",".join(request.headers.getlist("if-none-match")).split(",")
    return any(one.strip().removeprefix("W/") in (tag, "*") for one in known)


async def send(call: Call, file: Recording, conversion: Conversion) -> Response:
    """A recording in another form.

    Raises
    ------
    ProtocolError
        Too many recordings are being converted, or this one cannot be.
    """
    services = call.server.services
    try:
        conversion = await converting(services, file, conversion)
        response = await converted(
            services.transcoder, conversion, call.request, owner=call.user_id, headers=HEADERS
        )
    except HTTPException as error:
        raise _failure(error) from None
    if response.status_code >= 400:
        raise ProtocolError(Code.GENERIC, "This recording cannot be converted.")
    return response


def _recording(call: Call) -> tuple[FullTrack, Recording]:
    track = finding.track(call, call.parameters.text("id"))
    return track, file_of(call, track)


def file_of(call: Call, track: FullTrack) -> Recording:
    """The recording of a track.

    Raises
    ------
    ProtocolError
        Its file is not there.
    """
    try:
        return recording(call.server.services, track.track_id)
    except HTTPException:
        raise not_found("recording on this machine") from None


async def _as_it_is(call: Call, file: Recording, headers: dict[str, str] | None = None) -> Response:
    try:
        return await as_it_is(call.server.services, file, call.request, headers=HEADERS | (headers or {}))
    except HTTPException as error:
        raise _failure(error) from None


def _failure(error: HTTPException) -> Exception:
    """The error of the protocol for one of a recording."""
    if error.status_code == 404:
        return not_found("recording any more")
    return unavailable(str(error.detail), retry_after=int((error.headers or {}).get("Retry-After", "5")))


def _conversion(call: Call, track: FullTrack, file: Recording) -> Conversion | None:
    """The conversion that a call asks for; None for the file itself. It may read the file."""
    parameters, settings = call.parameters, call.server.settings
    limit = parameters.whole("maxBitRate", 0, most=10_000)
    start = start_of(call, "timeOffset", file)
    usual = tuple(dict.fromkeys([usual_form(call)[0].name, *settings.transcoding.formats]))
    asked = (parameters.optional("format") or "").strip().lower()
    kilobits = kilobits_of(file, limit=limit)
    # The suffix of the file names its own form: a file of Vorbis is not converted for "ogg".
    named = None if asked == track.suffix and fits(kilobits, limit) else _OTHER_NAMES.get(asked, asked)
    wanted = named if named in (RAW, *usual) else None
    chosen = choose(
        # An app that asks for a form that is not on offer gets the usual one.
        wanted=wanted,
        kilobits=kilobits,
        max_kilobits=limit,
        suffix=file.path.suffix.lower(),
        usual=usual,
        usual_kilobits=settings.transcoding.bit_rate,
    )
    if chosen is None and (file.is_part or (start and wanted != RAW)):
        chosen = usual_form(call)
    return converted_to(file, *chosen, start=start) if chosen else None


def start_of(call: Call, name: str, file: Recording) -> float:
    """The place from which a call wants a recording, in seconds.

    Raises
    ------
    ProtocolError
        It is not a number, or lies after the end.
    """
    start = call.parameters.fraction(name, 0.0, least=0.0, most=LONGEST_START)
    if is_after_end(file, start):
        raise invalid(name, "it is after the end of the song")
    return start


def kilobits_of(file: Recording, *, limit: int) -> int | None:
    """The bit rate of a file. If that with its covers is above a limit, the one of the sound alone counts."""
    average = file.kilobits
    if average is None or fits(average, limit) or average > _MOST_COVERS * limit:
        return average
    return (sound_kilobits(file.path) if file.server is None else None) or average


def usual_form(call: Call) -> tuple[Form, int]:
    """The form and the bit rate for an app that names neither."""
    settings = call.server.settings
    usual = settings.transcoding.lossy
    preferred = settings.opensubsonic.format
    form = FORMS[preferred if preferred in usual else usual[0]]
    return form, form.kilobits(settings.transcoding.bit_rate)


def _cover_of(call: Call, text: str) -> str | None:
    """The cover of a picture's id, or of a song, album, artist or playlist."""
    server = call.server
    if text.startswith(ids.ALBUM):
        return finding.album(call, text)["cover_id"]
    if text.startswith(ids.ARTIST):
        return finding.artist(call, text)["cover_id"]
    if (made := plan.made_playlist(text)) is not None:
        return shapes.first_cover(server.tracks.in_order(made.tracks(call)))
    if (track := server.tracks.full([text]).get(text)) is not None:
        return track.summary.cover_id
    playlist = readable_playlist(call, text)
    return shapes.first_cover(server.tracks.in_order(playlist.tracks)) if playlist else text


ENDPOINTS: dict[str, Sending] = {"stream": stream, "download": download, "getCoverArt": cover}
