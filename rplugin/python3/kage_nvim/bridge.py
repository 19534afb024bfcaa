"""The only file that calls Neovim from Python: it carries messages between Lua and the link to kaged.

Lua  --KageSend/KageReply-->  Bridge  -->  EditorLink (a thread)  -->  kaged
Lua  <--one exec_lua for all that wait--   Bridge  <--  EditorLink
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import Any, Protocol

from kage_nvim.editor_link import EditorLink
from kage_nvim.errors import KageError

DELIVER = "require('kage.host').on_messages(...)"
UNPACKABLE = (OverflowError, TypeError, ValueError)
"""What msgpack raises at what it has no form for, such as a number of more than 64 bits."""


class Link(Protocol):
    """What the bridge needs of a connection to kaged; see ``EditorLink``."""

    def send(self, number: int, method: str, params: dict[str, Any]) -> None:
        """Ask kaged."""

    def reply(self, call: int, result: Any, error: dict[str, Any] | None) -> None:
        """Answer kaged."""


class Bridge:
    """Queues in both directions; no method waits."""

    def __init__(
        self, nvim: Any, link: Callable[[Callable[[dict[str, Any]], None]], Link] = EditorLink
    ) -> None:
        self._nvim = nvim
        self._lock = threading.Lock()
        self._waiting: list[dict[str, Any]] = []
        self._link = link(self._arrived)

    def send(self, number: int, method: str, params: Any) -> None:
        """Pass a request on; the answer is delivered to Lua with the same number."""
        self._link.send(number, method, _object(params))

    def reply(self, call: int, result: Any, error: dict[str, Any] | None) -> None:
        """Pass on Lua's answer to a call of kaged's."""
        self._link.reply(call, None if error else _object(result), error or None)

    def _arrived(self, message: dict[str, Any]) -> None:
        """On the link's thread: queue, and wake the plugin host's loop unless it is awake already."""
        with self._lock:
            self._waiting.append(message)
            first = len(self._waiting) == 1
        if first:
            self._nvim.async_call(self._deliver)

    def _deliver(self) -> None:
        with self._lock:
            messages, self._waiting = self._waiting, []
        try:
            self._nvim.exec_lua(DELIVER, messages, async_=True)
        except UNPACKABLE:
            for message in messages:  # one that cannot be said must not take the others with it
                self._deliver_one(message)

    def _deliver_one(self, message: dict[str, Any]) -> None:
        try:
            self._nvim.exec_lua(DELIVER, [message], async_=True)
        except UNPACKABLE as error:
            what = message.get("method") or message.get("push") or "an answer"
            wire = KageError(f"{what} cannot be told to Neovim: {error}", code="unpackable").to_wire()
            if "call" in message:
                self._link.reply(message["call"], None, wire)
            elif "id" in message:
                self._nvim.exec_lua(DELIVER, [{"id": message["id"], "error": wire}], async_=True)


def _object(value: Any) -> Any:
    """Lua cannot tell an empty object from an empty list; where the protocol wants objects, it is one."""
    return {} if value is None or value == [] else value
