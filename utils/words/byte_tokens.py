"""Bytes of byte-level BPE tokens. Pure."""

from __future__ import annotations


def _bytes_by_character() -> dict[str, int]:
    """GPT-2 writes every byte as a printable character: itself if it is one, else the next from U+0100
    (`bytes_to_unicode` of openai/gpt-2 `encoder.py`)."""
    ranges = (range(ord("!"), ord("~") + 1), range(ord("¡"), ord("¬") + 1), range(ord("®"), ord("ÿ") + 1))
    printable = [byte for part in ranges for byte in part]
    others = [byte for byte in range(256) if byte not in printable]
    return {chr(byte): byte for byte in printable} | {chr(256 + n): byte for n, byte in enumerate(others)}


BYTES_BY_CHARACTER = _bytes_by_character()


def token_bytes(token: str) -> bytes:
    """The bytes of a token as spelled in the vocabulary: `Ġday` is ` day`."""
    return bytes(BYTES_BY_CHARACTER[character] for character in token)
