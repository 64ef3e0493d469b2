"""Pairs of a container and a codec, with or without video, that PyAV can write."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

SOUND = {
    "wav": "pcm_s16le pcm_u8 pcm_s24le pcm_s32le pcm_f32le pcm_f64le pcm_alaw pcm_mulaw adpcm_ima_wav"
    " adpcm_ms adpcm_swf adpcm_yamaha g722 g726 mp3 mp2 ac3 flac wmav2",
    "w64": "pcm_s16le adpcm_ms mp3 g726",
    "aiff": "pcm_s16be pcm_s16le pcm_f32be pcm_alaw adpcm_ima_qt",
    "au": "pcm_s16be pcm_mulaw g722 pcm_f64be",
    "caf": "pcm_s16le pcm_f32be alac adpcm_ima_qt mp3 libopencore_amrnb flac",
    "voc": "pcm_u8 pcm_s16le pcm_alaw pcm_mulaw",
    "flac": "flac",
    "mp3": "mp3",
    "mp2": "mp2",
    "adts": "aac",
    "latm": "aac",
    "ac3": "ac3",
    "eac3": "eac3",
    "amr": "libopencore_amrnb",
    "tta": "tta",
    "wv": "wavpack",
    "ogg": "vorbis libopus flac",
    "webm": "libopus vorbis",
    "matroska": "aac ac3 alac eac3 flac mp3 libopus pcm_s16le pcm_s24le pcm_f32le tta vorbis wavpack"
    " real_144",
    "mp4": "aac ac3 alac flac libopus mp3 pcm_s16le",
    "ipod": "aac alac",
    "mov": "aac alac pcm_s16le pcm_mulaw adpcm_ima_qt nellymoser",
    "3gp": "aac libopencore_amrnb",
    "ismv": "aac",
    "flv": "aac mp3 nellymoser pcm_s16le adpcm_swf",
    "avi": "mp3 pcm_s16le ac3 adpcm_ms aac",
    "asf": "wmav1 wmav2 mp3 pcm_s16le",
    "mpegts": "aac mp2 mp3 ac3 libopus",
    "mpeg": "mp2 ac3 pcm_dvd",
    "rm": "real_144 ac3",
    "nut": "vorbis pcm_s16be",
    "mxf_opatom": "pcm_s16le",
    "wtv": "mp2",
    "ircam": "pcm_s16le",
    "sox": "pcm_s32le",
}

RATES = {
    "libopencore_amrnb": 8_000,
    "real_144": 8_000,
    "nellymoser": 8_000,
    "libopus": 48_000,
    "pcm_dvd": 48_000,
    "ac3": 48_000,
    "eac3": 48_000,
    "adpcm_swf": 44_100,
    "wmav1": 44_100,
    "wmav2": 44_100,
    "mp3": 44_100,
}
DEFAULT_RATE = 16_000
RATES_IN = {"flv": 44_100, "mxf_opatom": 48_000, "mpeg": 48_000, "wtv": 48_000, "mpegts": 48_000}
MONO_ONLY = {"g722", "g726", "libopencore_amrnb", "nellymoser", "real_144"}
MONO_CONTAINER = "mxf_opatom"
FIXED_RATES = ("nellymoser", "libopus", "real_144")  # of codecs, whatever the container


@dataclass(frozen=True, slots=True)
class Pair:
    """A container, an audio codec and a rate in Hz, in FFmpeg's names; `video` is a codec or nothing, and
    `options` are the muxer's."""

    container: str
    codec: str
    rate: int
    layout: str = "mono"
    video: str = ""
    size: tuple[int, int] = (64, 48)
    options: Mapping[str, str] = field(default_factory=dict)

    @property
    def name(self) -> str:
        extra = [self.video, *(f"{key}={value}" for key, value in self.options.items())]
        return " ".join(["/".join((self.container, self.codec)), *filter(None, extra)])

    @property
    def widest(self) -> Pair:
        """In stereo where it can be."""
        is_mono = self.codec in MONO_ONLY or self.container == MONO_CONTAINER
        return self if is_mono else replace(self, layout="stereo")


FRAGMENTED = {"movflags": "frag_keyframe+empty_moov+default_base_moof", "frag_duration": "500000"}

SPECIAL = (
    Pair("wav", "pcm_s16le", 16_000, options={"rf64": "always"}),
    Pair("mp3", "mp3", 44_100, options={"id3v2_version": "3", "write_id3v1": "1"}),
    Pair("mp4", "aac", 44_100, options=FRAGMENTED),
    Pair("mov", "pcm_s16le", 16_000, options={**FRAGMENTED, "brand": "qt  "}),
    Pair("matroska", "aac", 44_100, video="libx264"),
    Pair("mp4", "aac", 48_000, video="libx264"),
    Pair("mov", "aac", 44_100, video="mpeg4"),
    Pair("3gp", "libopencore_amrnb", 8_000, video="h263", size=(176, 144)),
    Pair("mpegts", "aac", 48_000, video="libx264"),
    Pair("avi", "mp3", 44_100, video="mpeg4"),
    Pair("flv", "mp3", 44_100, video="flv"),
    Pair("webm", "libopus", 48_000, video="libvpx"),
    Pair("webm", "vorbis", 44_100, "stereo", video="libvpx-vp9"),
    Pair("mpeg", "mp2", 44_100, video="mpeg1video"),
    Pair("vob", "ac3", 48_000, video="mpeg2video"),
    Pair("asf", "wmav2", 44_100, video="wmv2"),
    Pair("mxf", "pcm_s16le", 48_000, video="mpeg2video"),
    Pair("nut", "vorbis", 44_100, "stereo", video="mpeg4"),
    Pair("wtv", "mp2", 48_000, video="mpeg2video"),
)


def sound_pairs() -> tuple[Pair, ...]:
    """Every pair of `SOUND`; Vorbis is in stereo, the only layout that FFmpeg's own encoder has."""
    return tuple(
        Pair(container, codec, _rate(container, codec), "stereo" if codec == "vorbis" else "mono")
        for container, codecs in SOUND.items()
        for codec in codecs.split()
    )


def _rate(container: str, codec: str) -> int:
    rate = RATES.get(codec, DEFAULT_RATE)
    return rate if codec in FIXED_RATES else RATES_IN.get(container, rate)
