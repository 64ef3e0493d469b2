"""Writes recordings in their codecs, with RTTM, UEM, STM and a manifest."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

from benchmarks.eval_set import MANIFEST
from benchmarks.files.encoding import encode
from benchmarks.files.pairs import Pair
from benchmarks.hard.drafts import Draft
from benchmarks.hard.mixing import Utterance
from models import SAMPLE_RATE, Audio


@dataclass(frozen=True, slots=True)
class Codec:
    """`bit_rate` 0 is the codec's own."""

    suffix: str
    pair: Pair
    bit_rate: int = 0


CODECS = {
    "flac": Codec("flac", Pair("flac", "flac", 16_000)),
    "opus": Codec("ogg", Pair("ogg", "libopus", 48_000), 12_000),
    "mp3": Codec("mp3", Pair("mp3", "mp3", 16_000), 24_000),
    "aac": Codec("m4a", Pair("ipod", "aac", 16_000), 24_000),
    "alaw": Codec("wav", Pair("wav", "pcm_alaw", 8_000)),
    "amr": Codec("amr", Pair("amr", "libopencore_amrnb", 8_000), 7_950),
}


def write(folder: Path, draft: Draft, samples: Audio, reference: Sequence[Utterance]) -> dict[str, object]:
    """Writes one recording and its references; returns its line of the manifest."""
    codec = CODECS[draft.scene.codec]
    audio = folder / f"{draft.name}.{codec.suffix}"
    pcm = (samples * 32767).astype("<i2")
    audio.write_bytes(encode(pcm, codec.pair, bit_rate=codec.bit_rate))
    seconds = len(samples) / SAMPLE_RATE
    sounds = [(u.turn.speaker, start, end) for u in reference for start, end in u.sounds]
    whole = [(u.turn.speaker, u.turn.start, u.turn.end) for u in reference]
    _write_lines(folder / f"{draft.name}.rttm", _rttm(draft.name, sounds))
    _write_lines(folder / f"{draft.name}.utt.rttm", _rttm(draft.name, whole))
    _write_lines(folder / f"{draft.name}.uem", [f"{draft.name} 1 0.000 {seconds:.3f}"])
    has_text = all(utterance.has_text for utterance in reference)
    if has_text:
        _write_lines(folder / f"{draft.name}.stm", _stm(draft.name, reference))
    languages = list(dict.fromkeys(utterance.language for utterance in reference))
    return {
        "uri": draft.name,
        "kind": draft.group,
        "quick": draft.is_quick,
        "audio": audio.name,
        "rttm": f"{draft.name}.rttm",
        "uem": f"{draft.name}.uem",
        "stm": f"{draft.name}.stm" if has_text else None,
        "duration": round(seconds, 3),
        "speakers": len({utterance.turn.speaker for utterance in reference}),
        "speech": _speech(reference),
        "languages": languages,
        "utterances": [{**asdict(utterance.turn), "language": utterance.language} for utterance in reference],
        "scene": {**asdict(draft.scene), "far": sorted(draft.scene.far)},
    }


def write_manifest(folder: Path, rows: Sequence[dict[str, object]]) -> None:
    _write_lines(folder / MANIFEST, [json.dumps(row, ensure_ascii=False) for row in rows])


def _speech(reference: Sequence[Utterance]) -> dict[str, float]:
    """Seconds that each speaker sounds."""
    totals: defaultdict[str, float] = defaultdict(float)
    for utterance in reference:
        totals[utterance.turn.speaker] += sum(end - start for start, end in utterance.sounds)
    return {speaker: round(total, 2) for speaker, total in sorted(totals.items())}


def _rttm(name: str, rows: Iterable[tuple[str, float, float]]) -> Iterator[str]:
    for speaker, start, end in rows:
        yield f"SPEAKER {name} 1 {start:.3f} {end - start:.3f} <NA> <NA> {speaker} <NA> <NA>"


def _stm(name: str, reference: Sequence[Utterance]) -> Iterator[str]:
    for utterance in reference:
        turn = utterance.turn
        yield f"{name} 1 {turn.speaker} {turn.start:.3f} {turn.end:.3f} <o> {turn.text}"


def _write_lines(path: Path, lines: Iterable[str]) -> None:
    path.write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
