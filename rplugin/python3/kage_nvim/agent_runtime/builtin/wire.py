"""Messages as they go out and calls as they come in: what a provider needs beyond OpenAI's chat shape is
added here, never kept."""

from __future__ import annotations

from typing import Any

import msgspec

from kage_nvim.agent_runtime.builtin import schemas
from kage_nvim.agent_runtime.builtin.protocol_text import FormatError, arguments
from kage_nvim.agent_runtime.text import joined
from kage_nvim.model import AgentSpec

Message = dict[str, Any]
CACHED = {"type": "ephemeral"}


class Call(msgspec.Struct):
    """One tool call to execute; ``id`` is empty if it was written as text, ``wrong`` says what is."""

    id: str
    name: str
    args: object
    wrong: str = ""


def marked(messages: list[Message], shared: int) -> list[Message]:
    """Three markers of the four that may be: the system's words, what the run's agents share, the end."""
    sent = list(messages)
    task = messages[1]["content"]
    blocks = [_block(task[:shared], marked=True), *([_block(task[shared:])] if task[shared:] else [])]
    sent[0] = {**messages[0], "content": [_block(messages[0]["content"], marked=True)]}
    sent[1] = {**messages[1], "content": blocks}
    if len(messages) > 2 and messages[-1]["content"]:
        sent[-1] = {**messages[-1], "content": [_block(messages[-1]["content"], marked=True)]}
    return sent


def _block(text: str, *, marked: bool = False) -> Message:
    block: Message = {"type": "text", "text": text}
    return {**block, "cache_control": CACHED} if marked else block


def as_text(message: Message) -> Message:
    """A message of a native conversation for a model that knows no tools."""
    if message["role"] == "tool":
        return {"role": "user", "content": f"Result:\n{message['content']}"}
    calls = [call["function"] for call in message.get("tool_calls") or []]
    blocks = [f'```json\n{{"tool": "{call["name"]}", "args": {call["arguments"]}}}\n```' for call in calls]
    content = "\n".join([message["content"], *blocks]) if blocks else message["content"]
    return {"role": message["role"], "content": content}


def wordless(message: Message) -> Message:
    """Calls without words have no content: Anthropic takes no empty text."""
    return {**message, "content": None} if message.get("tool_calls") and not message["content"] else message


def request(spec: AgentSpec, messages: list[Message], *, tools: bool) -> dict[str, Any]:
    """The body of one call, with the player's own settings."""
    body: dict[str, Any] = {"model": spec.model, "messages": messages, "stream": spec.stream}
    if tools:
        body["tools"] = schemas.SCHEMAS
    if spec.stream:
        body["stream_options"] = {"include_usage": True}
    if spec.temperature is not None:
        body["temperature"] = spec.temperature
    if spec.max_tokens is not None:
        body["max_tokens"] = spec.max_tokens
    return body


def native_call(id: str, name: str, args: object) -> Message:
    """A call as it stands in the conversation; malformed arguments would make providers refuse it all."""
    function = {"name": name or "unknown", "arguments": msgspec.json.encode(args).decode()}
    return {"id": id, "type": "function", "function": function}


def checked(id: str, name: str, args: object) -> Call:
    """A call as the model made it, checked; what is wrong with it is told to the model."""
    name = schemas.known(joined(name))
    try:
        given = arguments(args) if isinstance(args, str) else args
        return Call(id, name, schemas.check(name, given))
    except (FormatError, schemas.CallError) as error:
        return Call(id, name, {}, wrong=str(error))
