"""Results to JSON and back."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from models import ChunkResult, Transcript
from tests.builders import chunks, result, segment, thorough, words
from utils.transcript.codec import decode, encode

texts = st.text(st.characters(exclude_categories=["Cs"]))  # no half of a surrogate pair: it is no text
few = settings(thorough, max_examples=20)  # each is a large tree
st.register_type_strategy(str, texts)


@few
@given(st.from_type(ChunkResult))
def test_a_chunk_result_comes_back_as_it_was(result: ChunkResult) -> None:
    assert repr(decode(ChunkResult, encode(result))) == repr(result)  # repr: NaN is not equal to itself


@pytest.mark.parametrize(
    "data", [b"", b"{}", b"[]", b"[{}]", b"[null]", b"\x80\x04N.", encode(Transcript(None, 0, ()))]
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(ValueError, match="validation error"):
        decode(ChunkResult, data)


def test_results_of_versions_without_languages_are_read() -> None:
    """They say nothing of the language of a segment, nor of several in a transcript."""
    (chunk,) = chunks([0, 10], 0)
    told = result(chunk, [segment(words("guten Morgen"))])
    data = encode(told).replace(b',"language":null}', b"}")
    assert data != encode(told)
    assert decode(ChunkResult, data) == told
    whole = Transcript("de", 16_000, told.segments)
    data = encode(whole).replace(b',"languages":[]', b"").replace(b',"language":null}', b"}")
    assert b"languages" not in data
    read = decode(Transcript, data)
    assert replace(read, segments=tuple(read.segments)) == whole
