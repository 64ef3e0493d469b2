"""data: URLs (RFC 2397), as far as clients send files in them."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote

PREFIX = "data:"
ENCODING = ";base64"


def decode_data_url(url: str) -> bytes:
    """What `data:audio/wav;base64,…` holds; the type that it claims is not looked at. Raises ValueError."""
    head, comma, body = url.strip().partition(",")
    if not comma or not head[: len(PREFIX)].lower() == PREFIX or not head.lower().endswith(ENCODING):
        raise ValueError("it must read data:audio/wav;base64,…")
    try:
        return base64.b64decode("".join(unquote(body).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is not valid base64") from error
