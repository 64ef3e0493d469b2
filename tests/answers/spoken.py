"""Transcripts in many scripts: quick, slow, one after another and at once."""

from __future__ import annotations

from dataclasses import replace

from hypothesis import strategies as st

from models import Segment, Transcript, Word, seconds
from tests.builders import segment, word

LATIN = (
    " so", " I", " mean,", " ends.", " Why?", " a", " well", "-known", " $4", ",500", " 3", ".5", " 25", "%",
    " don", "'t", " state", "-of", "-the", "-art", " va", " ?", " «", " dit", " »", " 1", " 000", " example",
    ".com", " Donaudampfschifffahrtsgesellschaft", " " + "w" * 42, " " + "l" * 43, " " + "x" * 200,
    " https://example.com/a/long/path?query=of&many=parts", " e\u0301te\u0301", " “yes”", " (no)",
)  # fmt: skip
CHINESE = (
    "我",
    "们",
    "今天",
    "去",
    "公园",
    "。",
    "，",
    "“",
    "好",
    "”",
    "吗",
    "？",
    "（",
    "是",
    "）",
    "3",
    "月",
)
JAPANESE = (
    "朝",
    "早く",
    "起きて",
    "、",
    "コン",
    "ピュ",
    "ー",
    "タ",
    "「",
    "は",
    "い",
    "」",
    "き",
    "ゃ",
    "。",
    "々",
)
THAI = ("ส", "ว", "ั", "ส", "ด", "ี", "เ", "ร", "า", " ก", "ำ", "ล", "ั", "ง", "ไ", "ป", "ๆ", "โรงเรียน")
INDIC = (
    " नमस्ते",
    " क्षि",
    " की",
    " हिन्दी।",
    " வணக்கம்",
    " বাংলা",
    " မြ",
    "န်",
    "မ",
    "ာ",
    "။",
    " ខ្មែរ",
    "ស",
    "្រ",
    "ី",
)
OTHERS = (" مرحبا", "،", " بكم", " שלום", "?", " 안녕", "하세요", " привет,", " мир.", " γειά", " ሰላም", "።")
SIGNS = (
    " 😀",
    "👨",
    "\u200d",
    "👩",
    " 👍",
    "🏽",
    " 🇩",
    "🇪",
    " ❤",
    "\ufe0f",
    "\u200b",
    " \u200e",
    " ——",
    " …",
)
HOSTILE = (
    " -->", " <b>", " </i>", " &amp;", " {\\an8}", " {y:i}", " \\N", " two\nlines", "a\r\n\r\nb", " 1",
    "\x00", "", " ", "\u2028", " NOTE", " " + "long " * 40, " " + "字" * 60, " " + "?" * 50, " <<",
    " <3",
)  # fmt: skip
SCRIPTS = (LATIN, CHINESE, JAPANESE, THAI, INDIC, OTHERS, SIGNS, HOSTILE)

gaps = st.sampled_from([0.0, 0.0, 0.0, 0.05, 0.3, 0.9, 1.2, 4.0])
lengths = st.sampled_from([0.0, 0.02, 0.1, 0.2, 0.3, 0.5, 1.0, 8.0])


@st.composite
def utterances(draw: st.DrawFn, speaker: int | None, begin: float, max_size: int = 14) -> list[Segment]:
    """What one voice says, in order of time."""
    made, now = [], begin
    for _ in range(draw(st.integers(1, 4))):
        script = draw(st.sampled_from(SCRIPTS))
        said: list[Word] = []
        for text in draw(st.lists(st.sampled_from(script), min_size=1, max_size=max_size)):
            now += draw(gaps)
            length = draw(lengths)
            said.append(word(text, now, now + length, speaker, space=""))
            now += length
        made.append(segment(said, speaker))
        if draw(st.integers(0, 9)) == 0:
            made[-1] = replace(made[-1], words=())
    return made


@st.composite
def transcripts(draw: st.DrawFn) -> Transcript:
    """Voices that speak at once, as in channels of their own, or take turns; some end with the recording."""
    speakers = draw(st.sampled_from([(None,), (0,), (0, 1), (0, 1, 2), (None, None)]))
    at_once = draw(st.booleans())
    segments: list[Segment] = []
    for speaker in speakers:
        latest = max((part.stop for part in segments), default=0) / 16_000
        begin = draw(st.sampled_from([0.0, 0.4, 3.0])) if at_once else latest
        segments += draw(utterances(speaker, begin))
    segments.sort(key=lambda part: (part.start, part.stop))
    end = max(part.stop for part in segments) + seconds(draw(st.sampled_from([0.0, 0.0, 0.1, 3.0])))
    names = draw(
        st.sampled_from([(), ("Ann", "Øyvind <b> of the very long name in the north"), ("山田太郎", None)])
    )
    return Transcript("en", max(end, seconds(0.2)), tuple(segments), names=names)
