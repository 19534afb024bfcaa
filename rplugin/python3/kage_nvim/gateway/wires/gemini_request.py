"""Gemini's generateContent: the request. Names come in either spelling, ``camelCase`` or ``snake_case``.

Calls may have no id; then results belong to the calls of the same name, in order.
"""

from __future__ import annotations

import re
from collections import defaultdict
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
    data_url,
    function,
    image,
    objects,
    text_part,
)

CHOICES = {"AUTO": "auto", "ANY": "required", "NONE": "none", "VALIDATED": "auto"}
SETTINGS = {"temperature": "temperature", "topP": "top_p", "seed": "seed", "stopSequences": "stop"}


def read(asked: dict[str, Any]) -> dict[str, Any]:
    """The internal body, without model and stream, which are in the address."""
    talk = Talk()
    system = _get(asked, "systemInstruction")
    if isinstance(system, str):
        system = {"parts": [{"text": system}]}
    talk.say("system", _parts(_contents(an_object(system, "systemInstruction"))))
    contents = asked.get("contents")
    if isinstance(contents, str):
        contents = {"parts": [{"text": contents}]}
    turns = [contents] if isinstance(contents, dict) else objects(contents, "contents")
    ids = _Ids()
    for turn in turns:
        _read_turn(talk, turn, ids)
    if not any(message["role"] != "system" for message in talk.messages):
        raise Problem("bad_request", "`contents` is missing or empty.")
    tools = _tools(asked.get("tools"))
    settings = an_object(_get(asked, "generationConfig"), "generationConfig")
    body = {ours: value for theirs, ours in SETTINGS.items() if (value := _get(settings, theirs)) is not None}
    return body | {
        "messages": talk.messages,
        "tools": tools or None,
        "tool_choice": _choice(an_object(_get(asked, "toolConfig"), "toolConfig")) if tools else None,
        "max_tokens": a_count(_get(settings, "maxOutputTokens"), "maxOutputTokens"),
        "response_format": _format(settings),
    }


def _get(body: Object, name: str) -> Any:
    """A field in either spelling."""
    value = body.get(name)
    return body.get(re.sub(r"[A-Z]", lambda big: "_" + big[0].lower(), name)) if value is None else value


class _Ids:
    """Ids for calls that have none, found again by the name of the function."""

    def __init__(self) -> None:
        self._made = 0
        self._open: defaultdict[str, list[str]] = defaultdict(list)

    def of_call(self, name: str, given: str) -> str:
        self._made += 1
        identity = given or f"call_{self._made}"
        self._open[name].append(identity)
        return identity

    def of_result(self, name: str, given: str) -> str:
        waiting = self._open[name]
        identity = given or (waiting[0] if waiting else "")
        if identity in waiting:
            waiting.remove(identity)
        return identity or self.of_call(name, "")


def _contents(turn: Object) -> list[Object]:
    return objects(turn.get("parts"), "contents.parts")


def _read_turn(talk: Talk, turn: Object, ids: _Ids) -> None:
    parts = _contents(turn)
    if turn.get("role") == "model":
        calls = [_read_call(made, ids) for part in parts if (made := _get(part, "functionCall"))]
        talk.answer(_parts(parts), calls)
        return
    for part in parts:
        if came := _get(part, "functionResponse"):
            _read_result(talk, an_object(came, "functionResponse"), ids)
    talk.say("user", _parts(parts))


def _read_call(made: Any, ids: _Ids) -> Object:
    made = an_object(made, "functionCall")
    name = a_text(made.get("name"), "functionCall.name")
    identity = ids.of_call(name, a_text(made.get("id"), "functionCall.id"))
    return call(identity, name, as_json(an_object(made.get("args"), "functionCall.args")))


def _read_result(talk: Talk, came: Object, ids: _Ids) -> None:
    name = a_text(came.get("name"), "functionResponse.name")
    identity = ids.of_result(name, a_text(came.get("id"), "functionResponse.id"))
    response = an_object(came.get("response"), "functionResponse.response")
    output = response.get("output")
    text = output if response.keys() == {"output"} and isinstance(output, str) else as_json(response)
    talk.result(identity, [text_part(text), *_parts(_contents(came))])


def _parts(parts: list[Object]) -> list[Object]:
    """What of the parts a model can read: text and images; not the model's own thoughts."""
    found = []
    for part in parts:
        if text := a_text(part.get("text"), "parts.text"):
            found += [] if part.get("thought") else [text_part(text)]
        elif inline := an_object(_get(part, "inlineData"), "inlineData"):
            kind, data = a_text(_get(inline, "mimeType"), "mimeType"), a_text(inline.get("data"), "data")
            url = data_url(kind, data)
            is_image = kind.startswith("image/")
            found.append(image(url) if is_image else {"type": "file", "file": {"file_data": url}})
        elif file := an_object(_get(part, "fileData"), "fileData"):
            found.append(image(a_text(_get(file, "fileUri"), "fileUri")))
    return found


def _tools(value: Any) -> list[Object]:
    """The functions; Google's own tools (search, code execution) are not to be had."""
    tools = [value] if isinstance(value, dict) else objects(value, "tools")
    return [
        function(
            a_text(declared.get("name"), "functionDeclarations.name"),
            a_text(declared.get("description"), "functionDeclarations.description"),
            _get(declared, "parametersJsonSchema") or schema(declared.get("parameters")),
        )
        for tool in tools
        for declared in objects(_get(tool, "functionDeclarations"), "functionDeclarations")
        if declared.get("name")
    ]


def schema(value: Any) -> Any:
    """A schema of Google's as JSON Schema: types in small letters, ``nullable`` as a type, numbers bare."""
    if isinstance(value, list):
        return [schema(one) for one in value]
    if not isinstance(value, dict):
        return value
    known = {name: _keyword(name, inner) for name, inner in value.items() if name != "nullable"}
    if isinstance(kind := value.get("type"), str):
        known["type"] = [kind.lower(), "null"] if value.get("nullable") is True else kind.lower()
    return known


def _keyword(name: str, value: Any) -> Any:
    if name in ("properties", "$defs") and isinstance(value, dict):
        return {inner: schema(one) for inner, one in value.items()}
    if name in ("items", "anyOf", "additionalProperties"):
        return schema(value)
    if name.startswith(("min", "max")) and isinstance(value, str) and value.isdigit():
        return int(value)  # Google's own libraries write 64-bit numbers as text
    return value


def _choice(config: Object) -> str | Object | None:
    calling = an_object(_get(config, "functionCallingConfig"), "functionCallingConfig")
    mode = CHOICES.get(str(calling.get("mode")).upper())
    allowed = _get(calling, "allowedFunctionNames")
    if mode == "required" and isinstance(allowed, list) and len(allowed) == 1:
        return {"type": "function", "function": {"name": a_text(allowed[0], "allowedFunctionNames")}}
    return mode


def _format(settings: Object) -> Object | None:
    if _get(settings, "responseMimeType") != "application/json":
        return None
    wanted = _get(settings, "responseJsonSchema") or schema(_get(settings, "responseSchema"))
    if not wanted:
        return {"type": "json_object"}
    return {"type": "json_schema", "json_schema": {"name": "answer", "schema": wanted}}
