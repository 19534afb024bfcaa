"""One JSON object a line, whatever a path is made of."""

from __future__ import annotations

import os

import pytest

from kage_nvim.model import Selection, Task
from kage_nvim.protocol import Message, b64, decode, dumps, encode, loads, unb64

LATIN = os.fsdecode(b"caf\xe9.txt")


def test_a_message_is_one_line_and_comes_back() -> None:
    message = Message(id=7, method="send", params={"text": "two\nlines", "agent": 2})
    line = encode(message)
    assert line.count(b"\n") == 1
    assert decode(line) == message


def test_a_path_that_is_no_utf8_survives() -> None:
    assert decode(encode(Message(push="update", params={"path": LATIN}))).params == {"path": LATIN}
    task = Task("x", selection=Selection(LATIN, 1, 2, "é"), variants={2: "more"})
    assert loads(dumps(task), Task) == task


@pytest.mark.parametrize("line", [b"", b"{", b"[1]", b'{"id": "x"}', b"\xff\xfe"])
def test_anything_else_is_a_value_error(line: bytes) -> None:
    with pytest.raises(ValueError):
        decode(line)


def test_bytes_travel_as_text() -> None:
    data = bytes(range(256))
    assert unb64(b64(data)) == data
