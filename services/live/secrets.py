"""Client secrets: short-lived keys that a web page opens live sessions with."""

from __future__ import annotations

import hashlib
import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, TypeVar

PREFIX = "ek_"
MAX_SECRETS = 1000  # of one owner; the oldest makes room

S = TypeVar("S")


@dataclass(frozen=True, slots=True)
class ClientSecret(Generic[S]):
    """Whose sessions it opens, until when in Unix time, and how they are set up."""

    owner: str
    expires_at: int
    session: S


class ClientSecrets(Generic[S]):
    """Held in memory as digests. A secret opens any number of sessions, which may outlive it."""

    def __init__(self, clock: Callable[[], float] = time.time) -> None:
        self._clock = clock
        self._secrets: dict[bytes, ClientSecret[S]] = {}  # the oldest first

    def create(self, owner: str, seconds: int, session: S) -> tuple[str, int]:
        """The secret, and the Unix time at which it expires."""
        now = self._clock()
        self._secrets = {key: known for key, known in self._secrets.items() if known.expires_at > now}
        own = [key for key, known in self._secrets.items() if known.owner == owner]
        for key in own[: max(0, len(own) + 1 - MAX_SECRETS)]:
            del self._secrets[key]
        value, expires_at = PREFIX + secrets.token_urlsafe(24), int(now) + seconds
        self._secrets[_digest(value)] = ClientSecret(owner, expires_at, session)
        return value, expires_at

    def find(self, value: str) -> ClientSecret[S] | None:
        """None for a secret that is unknown or has expired."""
        known = self._secrets.get(_digest(value))
        return known if known and known.expires_at > self._clock() else None


def _digest(value: str) -> bytes:
    return hashlib.sha256(value.encode()).digest()
