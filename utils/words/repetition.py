"""Detects text that says its end twice. Pure."""

from __future__ import annotations

SHORTEST = 3  # letters; twice less than that is in many words


def repeats_its_end(text: str) -> bool:
    """Whether the last letters, marks and spaces aside, repeat those before them, as in "Good morning. Good
    morning." """
    letters = "".join(filter(str.isalnum, text.casefold()))
    longest = len(letters) // 2
    return any(letters[-n:] == letters[-2 * n : -n] for n in range(SHORTEST, longest + 1))
