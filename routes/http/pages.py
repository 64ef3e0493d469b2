"""Cursor pagination as in the hosted API. Unknown fields of list items are omitted, since the Node client
declares them as optional and not as null.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Generic, Literal, Protocol, TypeVar

from pydantic import BaseModel


class Listed(Protocol):
    @property
    def id(self) -> str: ...


T = TypeVar("T")
L = TypeVar("L", bound=Listed)


class Page(BaseModel, Generic[T]):
    object: Literal["list"] = "list"
    data: Sequence[T]
    first_id: str | None = None
    last_id: str | None = None
    has_more: bool


def page_of(rows: Sequence[L], limit: int) -> Page[L]:
    """A page of the first `limit` rows; callers fetch one more, which shows whether a further page exists."""
    data = rows[:limit]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return Page(data=data, first_id=first, last_id=last, has_more=len(rows) > limit)
