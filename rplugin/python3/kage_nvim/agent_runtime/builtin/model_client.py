"""The gateway as an agent sees it: one chat completion at a time, over HTTP on a unix socket.

A small client of our own, because an agent must start in a fraction of a second and any HTTP library costs
more than the rest of it.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import msgspec

from kage_nvim.agent_runtime.log import Usage
from kage_nvim.agent_runtime.text import Halves, joined

LINE = 1 << 20
"""Bytes that one header line may have."""
WORST = 64 << 20
"""Bytes that one event of a stream, or one whole answer, may have."""


class ModelError(Exception):
    """Why there is no answer; ``kind`` is the gateway's error type, or ``gateway`` when what it sent is none.

    ``broken`` says that the answer broke off or the gateway failed, so that the same call may do better;
    ``usage`` is what the call used all the same.
    """

    def __init__(
        self,
        kind: str,
        message: str,
        names: list[str],
        *,
        broken: bool = False,
        usage: Usage | None = None,
    ) -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.names = names
        self.broken = broken
        self.usage = usage


class GatewayGone(Exception):
    """Nobody listens on the socket, or the connection was lost before an answer began. ``asked`` when the
    request may have reached the gateway, so that it may cost."""

    def __init__(self, message: str, *, asked: bool) -> None:
        super().__init__(message)
        self.asked = asked


class ToolCall(msgspec.Struct):
    """One call as the model wrote it; ``arguments`` is JSON if the model did well."""

    id: str = ""
    name: str = ""
    arguments: str = ""


class Answer(msgspec.Struct):
    """One whole answer of a model; ``window`` is its context in tokens, if the gateway knows. ``notices`` are
    the gateway's lines for the user (another player answered), ``warning`` names a budget nearly used up."""

    text: str = ""
    calls: list[ToolCall] = []
    finish: str = ""
    usage: Usage = msgspec.field(default_factory=Usage)
    window: int = 0
    notices: list[str] = []
    warning: str = ""


class Gateway:
    """The gateway's socket, with the token that names this agent's player."""

    def __init__(self, socket: str, token: str) -> None:
        self._socket = socket
        self._token = token

    async def complete(self, body: dict[str, Any], on_text: Callable[[str], None]) -> Answer:
        """One call of a model; ``on_text`` gets its words as they arrive.

        Raises:
            ModelError: the gateway or the provider refused or failed, or the answer broke off.
            GatewayGone: the gateway is not there, or went before it answered.
        """
        request = msgspec.json.encode(body)
        async with self._request("POST", "/v1/chat/completions", request) as (status, headers, chunks):
            try:
                if "event-stream" in headers.get("content-type", ""):
                    return await _streamed(chunks, on_text)
                return _whole(status, b"".join([chunk async for chunk in chunks]), on_text)
            except (OSError, EOFError, ValueError) as error:
                raise _broken(error) from error

    async def waiting(self) -> str:
        """What the gateway waits for before it asks this agent's provider again; empty for nothing, and when
        it cannot say."""
        try:
            async with self._request("GET", "/v1/kage/usage", b"") as (status, _, chunks):
                said = _object(b"".join([chunk async for chunk in chunks]), status)
        except (OSError, EOFError, ValueError, GatewayGone, ModelError):
            return ""
        return str(said.get("waiting") or "")

    @asynccontextmanager
    async def _request(
        self, method: str, path: str, body: bytes
    ) -> AsyncIterator[tuple[int, dict[str, str], AsyncIterator[bytes]]]:
        try:
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=LINE)
        except OSError as error:
            raise GatewayGone(str(error), asked=False) from error
        try:
            status, headers = await self._send(reader, writer, f"{method} {path}", body)
            yield status, headers, _body(reader, headers)
        finally:
            writer.close()

    async def _send(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, line: str, body: bytes
    ) -> tuple[int, dict[str, str]]:
        try:
            head = (
                f"{line} HTTP/1.1\r\nHost: gateway\r\nConnection: close\r\n"
                f"Authorization: Bearer {self._token}\r\nContent-Type: application/json\r\n"
                f"Content-Length: {len(body)}\r\n\r\n"
            )
            writer.write(head.encode("ascii") + body)
            await writer.drain()
            return await _head(reader)
        except (OSError, EOFError) as error:
            raise GatewayGone(str(error) or type(error).__name__, asked=True) from error
        except ValueError as error:
            raise _broken(error) from error


async def _head(reader: asyncio.StreamReader) -> tuple[int, dict[str, str]]:
    line = await reader.readline()
    if not line:
        raise ConnectionResetError("it hung up without an answer")
    first = line.split(None, 2)
    if len(first) < 2 or not first[0].startswith(b"HTTP/") or not first[1].isdigit():
        raise ValueError("it is no HTTP")
    headers: dict[str, str] = {}
    while (line := await reader.readline()) not in (b"\r\n", b"\n"):
        if not line:
            raise ConnectionResetError("the answer ended within its headers")
        name, _, value = line.decode("latin-1").partition(":")
        headers[name.strip().lower()] = value.strip()
    return int(first[1]), headers


async def _body(reader: asyncio.StreamReader, headers: dict[str, str]) -> AsyncIterator[bytes]:
    if headers.get("transfer-encoding", "").lower() == "chunked":
        while size := _size(await reader.readline()):
            yield await reader.readexactly(size)
            await reader.readexactly(2)
    elif "content-length" in headers:
        yield await reader.readexactly(int(headers["content-length"]))
    else:
        while chunk := await reader.read(65536):
            yield chunk


def _size(line: bytes) -> int:
    """The size of the chunk that begins with this line."""
    if not line:
        raise ConnectionResetError("it ended without its end")
    try:
        return int(line.split(b";")[0], 16)
    except ValueError:
        raise ValueError("it is not made of chunks") from None


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
    halves = Halves()

    def say(text: str, *, last: bool = False) -> None:
        if text := halves.feed(text, last=last):
            answer.text += text
            on_text(text)

    async for data in _events(chunks):
        if data == b"[DONE]":
            say("", last=True)
            return _tidy(answer)
        event = _object(data)
        if "error" in event:
            raise _error(event, broken=True)
        _account(answer, event)
        for choice in event.get("choices") or []:
            delta = choice.get("delta") or {}
            answer.finish = choice.get("finish_reason") or answer.finish
            say(delta.get("content") or "")
            for part in delta.get("tool_calls") or []:
                _grow(answer, begun, part)
    raise ConnectionResetError("it ended without its end")


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


def _tidy(answer: Answer) -> Answer:
    """Join what was split between the pieces of a call."""
    for call in answer.calls:
        call.id, call.name, call.arguments = joined(call.id), joined(call.name), joined(call.arguments)
    return answer


def _arguments(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else json.dumps(value)


def _whole(status: int, data: bytes, on_text: Callable[[str], None]) -> Answer:
    body = _object(data, status)
    if "error" in body or status >= 400:
        raise _error({"error": f"the gateway answered HTTP {status}", **body}, broken=status == 500)
    answer = Answer()
    _account(answer, body)
    choice = (body.get("choices") or [{}])[0]
    message = choice.get("message") or {}
    answer.finish = choice.get("finish_reason") or ""
    answer.text = joined(message.get("content") or "")
    if answer.text:
        on_text(answer.text)
    for index, part in enumerate(message.get("tool_calls") or []):
        _grow(answer, {}, {**part, "index": index})
    return _tidy(answer)


def _object(data: bytes, status: int = 200) -> dict[str, Any]:
    try:
        value = json.loads(data)  # takes halves of characters, unlike msgspec
    except (ValueError, RecursionError):
        value = None
    if not isinstance(value, dict):
        said = data[:200].decode("utf-8", "replace")
        raise ValueError(f"expected JSON, found (HTTP {status}): {said or 'nothing'}")
    return value


def _broken(error: Exception) -> ModelError:
    why = str(error) or type(error).__name__
    return ModelError("gateway", f"the gateway's answer broke off: {why}", [], broken=True)


def _error(body: dict[str, Any], *, broken: bool) -> ModelError:
    error = body["error"]
    if not isinstance(error, dict):
        error = {"message": str(error)}
    kage = body.get("kage")
    return ModelError(
        str(error.get("type") or "provider"),
        joined(str(error.get("message") or "no reason given")),
        list(error.get("names") or []),
        broken=broken,
        usage=msgspec.convert(kage, Usage) if isinstance(kage, dict) else None,
    )


def _account(answer: Answer, body: dict[str, Any]) -> None:
    """Take the gateway's own sums, or the provider's if this is no gateway."""
    if isinstance(kage := body.get("kage"), dict):
        answer.usage = msgspec.convert(kage, Usage)
        answer.window = int(kage.get("window") or 0)
        answer.notices = [str(line) for line in kage.get("notices") or []]
        answer.warning = str(kage.get("warning") or "")
    elif isinstance(usage := body.get("usage"), dict):
        details = usage.get("prompt_tokens_details") or {}
        answer.usage = Usage(
            tokens_in=usage.get("prompt_tokens") or 0,
            tokens_cached=details.get("cached_tokens") or 0,
            tokens_out=usage.get("completion_tokens") or 0,
        )
