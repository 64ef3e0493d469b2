"""Lists as the hosted API pages them. What is not known is left out of what is listed, since the Node client
declares it as optional and not as null.
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


def page_of(found: Sequence[L], limit: int) -> Page[L]:
    """The first `limit` of what was found; one more than that shows that there is a further page."""
    data = found[:limit]
    first, last = (data[0].id, data[-1].id) if data else (None, None)
    return Page(data=data, first_id=first, last_id=last, has_more=len(found) > limit)
