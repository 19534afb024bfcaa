"""OpenAI's responses: the request, with the kinds of tools that chat completions do not have.

A free-form tool (``custom``, such as Codex's ``apply_patch``) becomes a function of one text, a shell on the
agent's machine (``local_shell``) a function of a command; a ``namespace`` of tools is laid out flat, its name
before theirs. ``Tools`` remembers which is what, to call them by what the agent knows.
"""

from __future__ import annotations

from typing import Any

from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.wires.reading import (
    Object,
    Talk,
    a_count,
    a_text,
    an_object,
    as_json,
    call,
    function,
    image,
    objects,
    text_part,
)

PASSED_ON = ("temperature", "top_p", "parallel_tool_calls")
FREE_TEXT: Object = {
    "type": "object",
    "properties": {"input": {"type": "string", "description": "the tool's whole input, as plain text"}},
    "required": ["input"],
}
SHELL: Object = {
    "type": "object",
    "properties": {
        "command": {"type": "array", "items": {"type": "string"}, "description": "program and arguments"},
        "working_directory": {"type": "string"},
        "timeout_ms": {"type": "integer"},
    },
    "required": ["command"],
}


class Tools:
    """The tools of a request, as functions; what the agent does not run itself (web search) is left out."""

    def __init__(self, asked: dict[str, Any]) -> None:
        self.functions: list[Object] = []
        self._kinds: dict[str, str] = {}
        self._names: dict[str, Object] = {}
        for tool in objects(asked.get("tools"), "tools"):
            self._add(tool, "")

    def kind(self, name: str) -> str:
        """``function``, ``custom`` or ``local_shell``."""
        return self._kinds.get(name, "function")

    def named(self, name: str) -> Object:
        """A tool's name as the agent knows it, with its namespace."""
        return self._names.get(name, {"name": name})

    def _add(self, tool: Object, space: str) -> None:
        kind = tool.get("type")
        own = a_text(tool.get("name"), "tools.name")
        name = flat(space, own)
        told = a_text(tool.get("description"), "tools.description")
        if kind == "namespace":
            for inner in objects(tool.get("tools"), "tools.tools"):
                self._add(inner, own)
            return
        if kind == "function" and name:
            self.functions.append(function(name, told, tool.get("parameters")))
        elif kind == "custom" and name:
            form = an_object(tool.get("format"), "tools.format")
            if grammar := a_text(form.get("definition"), "tools.format.definition"):
                told += f"\n\nThe input follows this grammar ({form.get('syntax')}):\n{grammar}"
            self.functions.append(function(name, told, FREE_TEXT))
        elif kind == "local_shell":
            name = own = "local_shell"
            self.functions.append(function(name, "Runs a command on this machine.", SHELL))
        else:
            return
        self._kinds[name] = str(kind)
        self._names[name] = {"name": own} | ({"namespace": space} if space else {})


def flat(space: str, name: str) -> str:
    """A tool's name for a model that knows no namespaces."""
    return f"{space}__{name}" if space else name


def read(asked: dict[str, Any], tools: Tools) -> dict[str, Any]:
    """The internal body."""
    if asked.get("previous_response_id"):
        raise Problem(
            "bad_request", "Kage keeps no conversations: send all items instead of `previous_response_id`."
        )
    talk = Talk()
    if instructions := a_text(asked.get("instructions"), "instructions"):
        talk.say("system", [text_part(instructions)])
    given = asked.get("input")
    items = [{"role": "user", "content": given}] if isinstance(given, str) else objects(given, "input")
    for item in items:
        _read_item(talk, item)
    if not any(message["role"] != "system" for message in talk.messages):
        raise Problem("bad_request", "`input` is missing or empty.")
    body = {name: asked[name] for name in PASSED_ON if asked.get(name) is not None}
    effort = an_object(asked.get("reasoning"), "reasoning").get("effort")
    body |= {"reasoning_effort": effort} if effort else {}
    body |= _format(an_object(an_object(asked.get("text"), "text").get("format"), "text.format"))
    return body | {
        "model": a_text(asked.get("model"), "model"),
        "messages": talk.messages,
        "tools": tools.functions or None,
        "tool_choice": _choice(asked.get("tool_choice")) if tools.functions else None,
        "max_tokens": a_count(asked.get("max_output_tokens"), "max_output_tokens"),
        "stream": asked.get("stream") is True,
    }


def _read_item(talk: Talk, item: Object) -> None:
    """One item of the input. Thoughts and what a provider's own tools did are left out."""
    kind = item.get("type") or "message"
    if kind == "message":
        _read_message(talk, item)
    elif kind in ("function_call", "custom_tool_call", "local_shell_call"):
        talk.answer([], [_read_call(kind, item)])
    elif kind in ("function_call_output", "custom_tool_call_output", "local_shell_call_output"):
        identity = a_text(item.get("call_id") or item.get("id"), "input.call_id")
        talk.result(identity, _parts(item.get("output")))


def _read_message(talk: Talk, item: Object) -> None:
    role = item.get("role")
    parts = _parts(item.get("content"))
    if role == "assistant":
        talk.answer(parts, [])
    elif role in ("system", "developer"):
        talk.say("system", parts)
    elif role in ("user", None):
        talk.say("user", parts)
    else:
        raise Problem("bad_request", "a message of `input` has a role that is none.")


def _read_call(kind: str, item: Object) -> Object:
    identity = a_text(item.get("call_id") or item.get("id"), "input.call_id")
    if kind == "local_shell_call":
        return call(identity, "local_shell", as_json(an_object(item.get("action"), "input.action")))
    space = a_text(item.get("namespace"), "input.namespace")
    name = flat(space, a_text(item.get("name"), "input.name"))
    if kind == "custom_tool_call":
        return call(identity, name, as_json({"input": a_text(item.get("input"), "input.input")}))
    return call(identity, name, a_text(item.get("arguments"), "input.arguments") or "{}")


def _parts(value: Any) -> list[Object]:
    """Content, or a tool's output: a text, or parts with texts and images."""
    if isinstance(value, str):
        return [text_part(value)] if value else []
    if isinstance(value, dict):
        return [text_part(as_json(value))]
    parts = []
    for part in objects(value, "input.content"):
        kind = part.get("type")
        if kind in ("input_text", "output_text", "text", "refusal"):
            text = a_text(part.get("text") or part.get("refusal"), "input.content.text")
            parts += [text_part(text)] if text else []
        elif kind == "input_image" and part.get("image_url"):
            parts.append(image(a_text(part["image_url"], "input.content.image_url")))
        elif kind == "input_file" and part.get("file_data"):
            data = a_text(part["file_data"], "input.content.file_data")
            parts.append({"type": "file", "file": {"file_data": data}})
    return parts


def _format(wanted: Object) -> Object:
    if wanted.get("type") == "json_schema":
        kept = {name: wanted[name] for name in ("name", "schema", "strict") if wanted.get(name) is not None}
        return {"response_format": {"type": "json_schema", "json_schema": {"name": "answer", **kept}}}
    if wanted.get("type") == "json_object":
        return {"response_format": {"type": "json_object"}}
    return {}


def _choice(choice: Any) -> str | Object | None:
    if isinstance(choice, str):
        return choice if choice in ("auto", "none", "required") else "auto"
    if isinstance(choice, dict) and choice.get("type") in ("function", "custom") and choice.get("name"):
        return {"type": "function", "function": {"name": a_text(choice["name"], "tool_choice.name")}}
    return None
