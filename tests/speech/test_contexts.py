"""How much the encoder hears of and after a window."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from models import seconds
from utils.speech.contexts import FULL, full_context, longest_window, short_contexts


@given(num_samples=st.integers(1, FULL))
def test_a_context_holds_its_window_and_some_silence_or_all_that_the_model_takes(num_samples: int) -> None:
    contexts = short_contexts(num_samples)
    assert sorted(set(contexts)) == list(contexts)
    assert all(num_samples <= context <= FULL for context in contexts)
    first, last = contexts[0], contexts[-1]
    assert first - num_samples >= seconds(4) or first == FULL
    assert last - num_samples >= seconds(10) or last == FULL
    assert all(context % seconds(1) == 0 for context in contexts)


def test_a_long_window_has_one_context() -> None:
    assert short_contexts(seconds(27)) == full_context(seconds(27)) == (FULL,)
    assert short_contexts(seconds(2)) == (seconds(6), seconds(12))


def test_windows_are_shorter_where_their_length_costs() -> None:
    assert longest_window(full_context) == FULL
    assert longest_window(short_contexts) < FULL
