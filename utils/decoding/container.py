"""Opens audio containers, hostile ones included: no other file is opened, and no video decoder runs."""

from __future__ import annotations

import io
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from functools import cache
from itertools import islice
from typing import BinaryIO

import av
from av.codec.codec import Codec, codecs_available
from av.container import InputContainer
from av.stream import Disposition

from exceptions import InvalidAudioError
from utils.decoding.tracks import Track
from utils.words.languages import language_tag

# Self-contained formats. Playlists (hls, dash, concat, sdp) are left out: they name other files and
# addresses, and a hostile upload must not make the server open those.
CONTAINERS = (
    "aac,ac3,adx,aea,aiff,amr,ape,asf,asf_o,ast,au,avi,avr,bonk,caf,dsf,dss,dts,dtshd,dv,eac3,flac,flv,g723_1,gsm,"
    "gxf,hca,iff,ilbc,ircam,loas,matroska,webm,mlp,mov,mp4,m4a,3gp,3g2,mj2,mp3,mpeg,mpegts,mpc,mpc8,mxf,"
    "nistsphere,nsv,nut,ogg,oma,opus,osq,paf,pva,pvf,qcp,qoa,rm,shn,sox,swf,tak,truehd,tta,tty,voc,vqf,w64,"
    "wav,wsd,wtv,wv,xwma"
)
FIRST_PACKETS = 200  # of all streams, among which the first of each film is
INVALID_SEEK = -22  # EINVAL, as FFmpeg's own files answer

SECONDARY = Disposition.comment | Disposition.hearing_impaired | Disposition.visual_impaired


class FilePart:
    """A file from `start` on, for FFmpeg. A header may send it anywhere: that is an answer, not an error."""

    def __init__(self, file: BinaryIO, start: int = 0) -> None:
        self._file = file
        self._start = start
        file.seek(start)

    def read(self, size: int) -> bytes:
        try:
            return self._file.read(size)
        except MemoryError:  # within the limit of this process; PyAV would print what is raised here
            return b""

    def seek(self, offset: int, whence: int = io.SEEK_SET) -> int:
        if whence == io.SEEK_SET:
            offset += self._start
        try:
            return max(INVALID_SEEK, self._file.seek(offset, whence) - self._start)
        except (OSError, ValueError, OverflowError):
            return INVALID_SEEK

    def tell(self) -> int:
        return self._file.tell() - self._start


@contextmanager
def opened(
    file: BinaryIO, start: int = 0, options: Mapping[str, str] | None = None
) -> Iterator[InputContainer]:
    """The container that begins at `start`. Raises InvalidAudioError."""
    limits = {"format_whitelist": CONTAINERS, "codec_whitelist": audio_decoders()}
    try:
        part = FilePart(file, start)
        container = av.open(part, "r", metadata_errors="replace", options={**limits, **(options or {})})
    except Exception as error:  # whatever a library raises about a file is the file's fault
        raise InvalidAudioError(
            "The file could not be decoded as audio. Send flac, mp3, mp4, mpeg, mpga, m4a, ogg, wav or webm."
        ) from error
    with container:
        yield container


@cache
def audio_decoders() -> str:
    """Their names, comma-separated. Without this list FFmpeg decodes video frames to learn their format."""
    return ",".join(sorted(filter(_is_audio_decoder, codecs_available)))


def _is_audio_decoder(name: str) -> bool:
    try:
        return Codec(name, "r").type == "audio"
    except ValueError:  # an encoder
        return False


def tracks_of(container: InputContainer) -> list[Track]:
    """Its audio streams, in their order."""
    return [
        Track(
            number=number,
            codec=stream.codec_context.name if stream.codec_context else "unknown",
            language=language_tag(stream.language or "") or None,
            is_default=bool(stream.disposition & Disposition.default),
            is_secondary=bool(stream.disposition & SECONDARY),
            can_decode=stream.codec_context is not None,
        )
        for number, stream in enumerate(container.streams.audio, start=1)
    ]


def first_time(container: InputContainer) -> int | None:
    """When the first stream that is played begins, in microseconds; None if only one stream is. It reads
    packets, so that the container must be opened again."""
    films = [s for s in container.streams.video if not s.disposition & Disposition.attached_pic]
    if len(films) + len(container.streams.audio) < 2:
        return None
    starts = [(s.start_time, s.time_base) for s in container.streams.audio]
    # FFmpeg takes the start of a film from its decoder, and without one from the other streams.
    with suppress(Exception):  # what cannot be read further ends decoding later
        for packet in islice(container.demux(), FIRST_PACKETS):
            if packet.stream in films:
                starts.append((packet.pts if packet.pts is not None else packet.dts, packet.time_base))
    known = [int(time * base * av.time_base) for time, base in starts if time is not None and base]
    return min(known, default=None)
