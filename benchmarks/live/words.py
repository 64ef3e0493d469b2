"""Words of live sessions side by side: how late, how right, at what cost."""

from __future__ import annotations

import os
from collections.abc import Sequence
from functools import reduce
from operator import add
from pathlib import Path

from benchmarks.live.excerpts import SECONDS, read_excerpts
from benchmarks.live.scores import Known, Score, by_file, score
from benchmarks.live.systems import Baseline, Server, System, WhisperLiveKit
from benchmarks.report import note, table
from benchmarks.values import Options

TITLE = "Live: words"

SESSIONS, QUICK_SESSIONS = (1, 4, 8, 12), (1, 4)
EXCERPTS = 2  # in each row at least: one session hears two in turn

METHOD = f"""\
Excerpts of about {SECONDS:.0f} s of conversations of 2 to 6 speakers, played in real time to so many sessions
at once, each to another one: to this server over `/v1/realtime` (24 kHz, pieces of 50 ms, `server_vad` and
`delay` as they are by default, Whisper base int8), without and with live speakers; and to LocalAgreement-2 on
a growing buffer, cut behind sentences from 15 s on, with faster-whisper behind one lock
(`benchmarks/live/peers/baseline.py`: the same weights, beam 5, all cores, fed in the same process).
WhisperLiveKit, where `WHISPERLIVEKIT` names its `whisperlivekit-server`, runs with the same weights and
LocalAgreement; what it has not told a minute after the end counts as left out. When a word was said is known
from the words of the same excerpt sent as a file. A passage is what is said without a pause of half a second.
All times are p50 / p90 in seconds. `first`: of the first words told for good, after the passage began.
`sign`: of the first word shown, after the first word of the turn. `word`: of every word told for good, after
it was said. `last`: until all words of a passage were told, after its end. `final`: of `completed` after
`speech_stopped`. `ended`: the same after the last word of the turn. `changed`: words told before the end of a
turn that its `completed` does not have. `file`: the word error rate of the same excerpts sent as files."""

HEADER = (
    "sessions", "", "first", "sign", "word", "last", "final", "ended", "changed", "WER", "file",
    "CPU s/s",
)  # fmt: skip


def measure(options: Options) -> str:
    counts = QUICK_SESSIONS if options.quick else SESSIONS
    excerpts = read_excerpts(options.eval_dir)[: max(counts)]
    scores: dict[str, list[Score]] = {}
    with Server.running() as process:
        known = [by_file(process.base_url, excerpt) for excerpt in excerpts]
        scores["server"] = _scores(Server(process), known, counts)
        scores["server, speakers"] = _scores(Server(process, diarize=True), known, counts)
    with Baseline.running() as baseline:
        scores["one lock"] = _scores(baseline, known, counts)
    if program := os.environ.get("WHISPERLIVEKIT"):
        with WhisperLiveKit.running(Path(program)) as peer:
            scores["WhisperLiveKit"] = _scores(peer, known, counts)
    rows = [
        (str(count), name, *found[n].cells())
        for n, count in enumerate(counts)
        for name, found in scores.items()
    ]
    return "\n\n".join([METHOD, table(HEADER, rows)])


def _scores(system: System, known: Sequence[Known], counts: Sequence[int]) -> list[Score]:
    found = []
    for count in counts:
        rounds = [known[first : first + count] for first in range(0, max(count, EXCERPTS), count)]
        runs = (score(system.run([each.excerpt for each in heard]), heard) for heard in rounds)
        found.append(reduce(add, runs))
        note(f"{type(system).__name__}, {count}: {' | '.join(found[-1].cells())}")
    return found
