from __future__ import annotations

import base64
from urllib.parse import quote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tests.builders import thorough
from utils.data_url import decode_data_url


@thorough
@given(st.binary(max_size=300), st.sampled_from(["audio/wav", "", "audio/webm;codecs=opus"]))
def test_what_was_packed_is_unpacked_also_in_lines_and_in_percent(data: bytes, kind: str) -> None:
    body = base64.encodebytes(data).decode()
    for sent in (body, body.replace("\n", ""), body.replace("\n", "\r\n"), quote(body)):
        assert decode_data_url(f"data:{kind};base64,{sent}") == data


@pytest.mark.parametrize("url", ["", "data:", "data:audio/wav,abcd", "http://x/a.wav", "data:;base64,a-_b"])
def test_other_urls_are_refused(url: str) -> None:
    with pytest.raises(ValueError, match=r"must have the form data:|not valid base64"):
        decode_data_url(url)
