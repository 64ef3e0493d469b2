# ruff: noqa: E402 (the imports need the packages that are looked for first)
"""The scores of the benchmarks, on cases small enough to work out by hand."""

from __future__ import annotations

from pathlib import Path

import pytest

for package in ("jiwer", "meeteval", "psutil", "pyannote.metrics", "whisper_normalizer"):
    pytest.importorskip(package, reason=f"{package} is not installed: pip install -r requirements-bench.txt")

from benchmarks.__main__ import main
from benchmarks.report import replace_section, table
from benchmarks.speakers.scores import (
    annotate,
    attributed_errors,
    diarization_errors,
    read_reference,
    read_stm,
    speaker_turns,
    word_runs,
)
from benchmarks.text_scores import Errors, count_errors, normalise
from benchmarks.values import Message, Turn


@pytest.mark.parametrize(
    ("language", "text", "expected"),
    [
        ("en", "Mr. Brown can't find twenty-five colours!", "mister brown can not find 25 colors"),
        ("de", "Schöne Grüße, Tür!", "schöne grüße tür"),
        ("es", "¿Qué tal, señor?", "que tal senor"),
        ("ru", "Ещё ёлка.", "еще елка"),
        ("zh", "你好, 世界。", "你好世界"),
        ("ja", "東京 です。", "東京です"),
    ],
)
def test_each_language_has_its_normalisation(language: str, text: str, expected: str) -> None:
    assert normalise(text, language) == expected


def test_words_are_counted_and_characters_for_chinese() -> None:
    assert count_errors("one two three", "One, two.", "de") == Errors(1, 3)
    assert count_errors("a b", "", "en") == Errors(2, 2)
    assert count_errors("你好世界", "你好世", "zh") == Errors(1, 4)


def test_errors_add_up_over_files() -> None:
    total = sum([Errors(1, 2), Errors(1, 8)], Errors())
    assert total == Errors(2, 10)
    assert total.rate == 0.2
    assert Errors().rate == 0.0


def word(text: str, start: float, end: float, speaker: str | None) -> Message:
    return {"word": text, "start": start, "end": end, "speaker": speaker}


def test_words_join_into_turns_until_the_speaker_changes_or_pauses() -> None:
    words = [
        word("good", 0.0, 0.3, "A"),
        word("day", 0.4, 0.8, "A"),
        word("hm", 0.8, 0.9, None),
        word("sir", 1.3, 1.6, "A"),
        word("you", 1.7, 2.0, "B"),
        word("too", 2.1, 2.4, "B"),
    ]
    assert word_runs(words) == [
        Turn(0.0, 0.8, "A", "good day"),
        Turn(1.3, 1.6, "A", "sir"),
        Turn(1.7, 2.4, "B", "you too"),
    ]
    assert word_runs([]) == []


def test_turns_of_the_answer_come_before_its_words() -> None:
    words = [word("one", 0.0, 1.0, "A")]
    assert speaker_turns({"words": words}) == [Turn(0.0, 1.0, "A", "one")]
    turns = [{"start": 0.0, "end": 2.0, "speaker": "B"}]
    assert speaker_turns({"words": words, "turns": turns}) == [Turn(0.0, 2.0, "B")]


def test_annotation_keeps_two_speakers_at_one_time() -> None:
    annotation = annotate([Turn(0.0, 1.0, "A"), Turn(0.0, 1.0, "B"), Turn(2.0, 3.0, "A")])
    assert annotation.chart() == [("A", 2.0), ("B", 1.0)]


def test_diarization_errors_are_told_apart_and_forgiven_within_the_collar(tmp_path: Path) -> None:
    rttm, uem = tmp_path / "x.rttm", tmp_path / "x.uem"
    row = "SPEAKER x 1 {} {} <NA> <NA> {} <NA> <NA>\n"
    rttm.write_text(row.format(0.0, 4.0, "first") + row.format(4.0, 4.0, "second"))
    uem.write_text("x 1 0.0 10.0\n")
    reference, scored = read_reference(rttm, uem, "x")

    # A second of the second speaker goes to the first; the last one is missed; one is invented beyond.
    turns = [Turn(0.0, 5.0, "A"), Turn(5.0, 7.0, "B"), Turn(8.0, 9.0, "B")]
    errors = diarization_errors(reference, scored, turns, collar=0.0)
    parts = (errors.total, errors.missed, errors.false_alarm, errors.confusion)
    assert parts == pytest.approx((8.0, 1.0, 1.0, 1.0))
    assert errors.rate == pytest.approx(3 / 8)

    # The collar takes 0.25 s from each side of 0, 4 and 8 s.
    errors = diarization_errors(reference, scored, turns, collar=0.25)
    parts = (errors.total, errors.missed, errors.false_alarm, errors.confusion)
    assert parts == pytest.approx((7.0, 0.75, 0.75, 0.75))
    assert (errors + errors).rate == pytest.approx(errors.rate)


def test_attributed_errors_pair_speakers_whatever_their_names(tmp_path: Path) -> None:
    stm = tmp_path / "x.stm"
    stm.write_text("x 1 bob 2.0 3.0 <o> and you\nx 1 ann 0.0 1.0 <o> Good day, sir.\n")
    reference = read_stm(stm)
    assert [turn.speaker for turn in reference] == ["ann", "bob"]
    right = [Turn(0.0, 1.0, "A", "good day sir"), Turn(2.0, 3.0, "B", "and you")]
    assert attributed_errors(reference, right, "en") == Errors(0, 5)
    one_voice = [Turn(0.0, 3.0, "A", "good day sir and you")]
    assert attributed_errors(reference, one_voice, "en") == Errors(4, 5)


def test_a_section_is_replaced_alone_and_added_once() -> None:
    document = "# Title\n\n<!-- wer -->\nold\n<!-- /wer -->\n\n<!-- memory -->\nkept\n<!-- /memory -->\n"
    replaced = replace_section(document, "wer", r"new \1")
    assert replaced == document.replace("old", r"new \1")
    added = replace_section(document, "overhead", "new")
    assert added == document + "\n<!-- overhead -->\nnew\n<!-- /overhead -->\n"
    assert replace_section(added, "overhead", "new") == added


def test_table_is_markdown() -> None:
    assert table(("set", "WER"), [("en", "1.0 %")]) == "| set | WER |\n| --- | ---: |\n| en | 1.0 % |"


def test_missing_audio_is_said_with_status_2(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["wer", "--eval", str(tmp_path)]) == 2
    assert "not found: set --eval or EVAL_DIR to the evaluation audio" in capsys.readouterr().err


def test_memory_needs_a_server_of_its_own() -> None:
    with pytest.raises(SystemExit):
        main(["memory", "--base-url", "http://127.0.0.1:1"])
