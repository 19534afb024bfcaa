"""The gateway as an agent sees it: one chat completion at a time, over HTTP on a unix socket.

A small client of our own, because an agent must start in a fraction of a second and any HTTP library costs
more than the rest of it.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from kage_nvim.agent_runtime.log import Usage

LINE = 1 << 20
"""Bytes that one header line may have."""
WORST = 64 << 20
"""Bytes that one event of a stream, or one whole answer, may have."""


class ModelError(Exception):
    """The gateway's own word on why there is no answer; ``kind`` is its error type."""

    def __init__(self, kind: str, message: str, names: list[str], *, midway: bool = False) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.names = names
        self.midway = midway


class GatewayGone(Exception):
    """Nobody listens on the socket, or the connection was lost before the answer was whole."""


class ToolCall(msgspec.Struct):
    """One call as the model wrote it; ``arguments`` is JSON if the model did well."""

    id: str = ""
    name: str = ""
    arguments: str = ""


class Answer(msgspec.Struct):
    """One whole answer of a model."""

    text: str = ""
    calls: list[ToolCall] = []
    finish: str = ""
    usage: Usage = msgspec.field(default_factory=Usage)


class Gateway:
    """The gateway's socket, with the token that names this agent's player."""

    def __init__(self, socket: str, token: str) -> None:
        self._socket = socket
        self._token = token

    async def complete(self, body: dict[str, Any], on_text: Callable[[str], None]) -> Answer:
        """One call of a model; ``on_text`` gets its words as they arrive.

        Raises:
            ModelError: the gateway or the provider refused or failed.
            GatewayGone: the gateway is not there, or ended midway.
        """
        try:
            async with self._post(msgspec.json.encode(body)) as (status, headers, chunks):
                if "event-stream" in headers.get("content-type", ""):
                    return await _streamed(chunks, on_text)
                whole = b"".join([chunk async for chunk in chunks])
        except (OSError, EOFError, ValueError, asyncio.LimitOverrunError) as error:
            raise GatewayGone(str(error) or type(error).__name__) from error
        return _whole(status, whole, on_text)

    @asynccontextmanager
    async def _post(self, body: bytes) -> AsyncIterator[tuple[int, dict[str, str], AsyncIterator[bytes]]]:
        reader, writer = await asyncio.open_unix_connection(self._socket, limit=LINE)
        try:
            head = (
                "POST /v1/chat/completions HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n"
                f"Authorization: Bearer {self._token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode("ascii") + body)
            await writer.drain()
            status, headers = await _head(reader)
            yield status, headers, _body(reader, headers)
        finally:
            writer.close()


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    first = (await reader.readline()).split(None, 2)
    if len(first) < 2 or not first[0].startswith(b"HTTP/"):
        raise ConnectionResetError("no HTTP answer")
    headers: dict[str, str] = {}
    while (line := await reader.readline()) not in (b"\r\n", b"\n"):
        if not line:
            raise ConnectionResetError("the answer ended within its headers")
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(first[1]), headers


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := int((await reader.readline()).split(b";")[0] or b"-", 16):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
    elif "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    else:
        while chunk := await reader.read(65536):
            yield chunk


async def _events(chunks: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
    """The data of each server-sent event; one line each, as every chat API sends them."""
    rest = b""
    async for chunk in chunks:
        *lines, rest = (rest + chunk).split(b"\n")
        if len(rest) > WORST:
            raise ValueError("an event of the stream has no end")
        for line in lines:
            if line.startswith(b"data:"):
                yield line[5:].strip()
    if rest.startswith(b"data:"):
        yield rest[5:].strip()


async def _streamed(chunks: AsyncIterator[bytes], on_text: Callable[[str], None]) -> Answer:
    answer = Answer()
    begun: dict[int, ToolCall] = {}
    async for data in _events(chunks):
        if data == b"[DONE]":
            return answer
        event = _object(data)
        if "error" in event:
            raise _error(event["error"], midway=True)
        _account(answer, event)
        for choice in event.get("choices") or []:
            delta = choice.get("delta") or {}
            answer.finish = choice.get("finish_reason") or answer.finish
            if text := delta.get("content"):
                answer.text += text
                on_text(text)
            for part in delta.get("tool_calls") or []:
                _grow(answer, begun, part)
    raise ConnectionResetError("the stream ended without its end")


def _grow(answer: Answer, begun: dict[int, ToolCall], part: dict[str, Any]) -> None:
    """Add a piece of a tool call; servers that give every call index 0 tell them apart by id."""
    index = part.get("index")
    index = len(begun) if index is None else index
    call = begun.get(index)
    if call is None or (part.get("id") and call.id and part["id"] != call.id):
        call = begun[index] = ToolCall()
        answer.calls.append(call)
    function = part.get("function") or {}
    call.id = part.get("id") or call.id
    call.name = call.name or function.get("name") or ""
    call.arguments += _arguments(function.get("arguments"))


def _arguments(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


def _whole(status: int, data: bytes, on_text: Callable[[str], None]) -> Answer:
    body = _object(data, status)
    if "error" in body or status >= 400:
        raise _error(body.get("error", f"HTTP {status}"))
    answer = Answer()
    _account(answer, body)
    choice = (body.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    answer.finish = choice.get("finish_reason") or ""
    answer.text = message.get("content") or ""
    if answer.text:
        on_text(answer.text)
    for index, part in enumerate(message.get("tool_calls") or []):
        _grow(answer, {}, {**part, "index": index})
    return answer


def _object(data: bytes, status: int = 200) -> dict[str, Any]:
    try:
        value = msgspec.json.decode(data)
    except msgspec.DecodeError:
        value = None
    if not isinstance(value, dict):
        said = data[:200].decode("utf-8", "replace")
        raise ModelError("provider", f"expected JSON, found (HTTP {status}): {said or 'nothing'}", [])
    return value


def _error(error: object, *, midway: bool = False) -> ModelError:
    if not isinstance(error, dict):
        return ModelError("provider", str(error), [], midway=midway)
    return ModelError(
        str(error.get("type") or "provider"),
        str(error.get("message") or "no reason given"),
        list(error.get("names") or []),
        midway=midway,
    )


def _account(answer: Answer, body: dict[str, Any]) -> None:
    """Take the gateway's own sums, or the provider's if this is no gateway."""
    if isinstance(kage := body.get("kage"), dict):
        answer.usage = msgspec.convert(kage, Usage)
    elif isinstance(usage := body.get("usage"), dict):
        details = usage.get("prompt_tokens_details") or {}
        answer.usage = Usage(
            tokens_in=usage.get("prompt_tokens") or 0,
            tokens_cached=details.get("cached_tokens") or 0,
            tokens_out=usage.get("completion_tokens") or 0,
        )
