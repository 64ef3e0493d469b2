"""JSON in blocks is the JSON of the whole."""

from __future__ import annotations

import json

from hypothesis import given
from hypothesis import strategies as st

from utils.answers.json_blocks import text, with_member

words = st.text(st.characters(exclude_categories=["Cs"]))


@given(st.dictionaries(words, words | st.floats(allow_nan=False) | st.none(), min_size=1), st.lists(words))
def test_it_reads_as_what_was_written(members: dict[str, object], blocks: list[str]) -> None:
    made = b"".join(with_member(members, "made in blocks", text(block.encode() for block in blocks)))
    assert json.loads(made) == {**members, "made in blocks": "".join(blocks)}
