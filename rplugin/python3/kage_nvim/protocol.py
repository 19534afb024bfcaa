"""One JSON object a line, over kaged's unix socket, in both directions.

    client → kaged   {"id": 7, "method": "spawn", "params": {…}}       a request
    kaged  → client  {"id": 7, "result": {…}} or {"id": 7, "error": {code, message, fix, exit, data}}
    kaged  → client  {"push": "update", "params": {…}}                 no answer
    kaged  → client  {"call": 3, "method": "editor.buffers", "params": {…}}
    client → kaged   {"reply": 3, "result": {…}} or {"reply": 3, "error": {…}}

The first request is ``hello``. Bytes travel as base64 in fields whose names end in ``_b64``. A line may be
up to ``MAX_LINE`` bytes.
"""

from __future__ import annotations

import base64
import json
from typing import Any, TypeVar

import msgspec

T = TypeVar("T")

PROTOCOL = 1
"""The version spoken here; kaged also answers the one before."""
MAX_LINE = 256 * 1024 * 1024


class Message(msgspec.Struct, omit_defaults=True):
    """Any line of the protocol; the fields that are set say which kind it is."""

    id: int | None = None
    method: str | None = None
    params: dict[str, Any] = {}
    result: Any = None
    error: dict[str, Any] | None = None
    push: str | None = None
    call: int | None = None
    reply: int | None = None


class Hello(msgspec.Struct, omit_defaults=True):
    """Who speaks: the parameters of ``hello``.

    ``env`` holds what belongs to the client and never a key; ``keys`` the names of the key variables it has.
    """

    protocol: int
    version: str
    kind: str
    pid: int
    cwd: str = ""
    env: dict[str, str] = {}
    keys: list[str] = []
    run: str = ""
    number: int = 0
    token: str = ""


def dumps(value: object) -> bytes:
    """JSON of any structure. A path that is no UTF-8 (a lone surrogate in Python) is escaped, not refused."""
    try:
        return msgspec.json.encode(value)
    except UnicodeEncodeError:
        return json.dumps(msgspec.to_builtins(value, str_keys=True)).encode("ascii")


def loads(data: bytes, kind: type[T]) -> T:
    """The structure that ``dumps`` wrote.

    Raises:
        ValueError: it is not one (``msgspec.DecodeError`` is a ValueError).
    """
    try:
        return msgspec.json.decode(data, type=kind)
    except msgspec.ValidationError:
        raise
    except msgspec.DecodeError:
        return msgspec.convert(json.loads(data), kind, str_keys=True)


def encode(message: Message) -> bytes:
    """One line, newline included."""
    return dumps(message) + b"\n"


def decode(line: bytes) -> Message:
    """The message of one line.

    Raises:
        ValueError: the line is not one.
    """
    return loads(line, Message)


def b64(data: bytes) -> str:
    """Bytes as they travel."""
    return base64.b64encode(data).decode("ascii")


def unb64(text: str) -> bytes:
    """The bytes that ``b64`` wrote."""
    return base64.b64decode(text, validate=True)
