"""Values of form fields in the spellings that clients use."""

from __future__ import annotations

import json

NOT_SENT = frozenset({"", "null", "NULL", "None", "undefined", "nil"})
"""What clients make of an absent value when they write it as text."""


def words(value: str) -> list[str]:
    """Items without commas: one, several with commas between them, or the text of a JSON or Python list."""
    if value.startswith("[") and value.endswith("]"):
        value = value[1:-1]
    items = (item.strip().strip("\"'") for item in value.split(","))
    return [item for item in items if item not in NOT_SENT]


def texts(value: str) -> list[str]:
    """Items that may hold commas: one, or the text of a JSON list of strings."""
    if value.startswith("["):
        try:
            items = json.loads(value)
        except (ValueError, RecursionError):
            return [value]
        if isinstance(items, list) and all(isinstance(item, str | None) for item in items):
            return [item.strip() for item in items if item and item.strip()]
    return [value]
