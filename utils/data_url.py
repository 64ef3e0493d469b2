"""Decodes base64 data: URLs (RFC 2397), in which clients send files."""

from __future__ import annotations

import base64
import binascii
from urllib.parse import unquote

PREFIX = "data:"
ENCODING = ";base64"


def decode_data_url(url: str) -> bytes:
    """The content of `data:audio/wav;base64,…`; the declared type is ignored. Raises ValueError."""
    head, comma, body = url.strip().partition(",")
    if not comma or not head[: len(PREFIX)].lower() == PREFIX or not head.lower().endswith(ENCODING):
        raise ValueError("it must have the form data:audio/wav;base64,…")
    try:
        return base64.b64decode("".join(unquote(body).split()), validate=True)
    except (binascii.Error, ValueError) as error:
        raise ValueError("it is not valid base64") from error
