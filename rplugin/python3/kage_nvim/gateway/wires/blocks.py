"""Deltas, sorted into blocks: thoughts, text and calls, one after the other.

The younger protocols send an answer block by block, each begun, filled and ended before the next begins.
Deltas come in any order: pieces of parallel calls interleave, text goes on between them. So one block is open
at a time and passed on as it grows; what belongs to others waits until it may end: words at any time, a call
when its arguments are whole.
"""

from __future__ import annotations

import codecs
import json
from collections.abc import Iterator
from typing import Any, Literal

from kage_nvim.gateway import stamp
from kage_nvim.gateway.pieces import Delta

Event = tuple[Literal["start", "more", "stop"], "Block", str]
"""A block begins, grows by that text, ends."""


class Block:
    """``text`` is what it holds: words, or a call's arguments. ``signature`` is by which a provider knows its
    own thoughts again."""

    def __init__(self, kind: Literal["thinking", "redacted", "text", "call"]) -> None:
        self.kind = kind
        self.id = ""
        self.name = ""
        self.text = ""
        self.signature = ""
        self.ended = False
        self._halves = codecs.getincrementaldecoder("utf-16-le")("replace")

    def feed(self, piece: str, *, last: bool = False) -> str:
        """Add text; returns what can be passed on. A character may be split between two pieces, and its
        halves alone cannot be written."""
        whole = self._halves.decode(piece.encode("utf-16-le", "surrogatepass"), last)
        self.text += whole
        return whole

    @property
    def arguments(self) -> dict[str, Any] | None:
        """What a call's text says, if it is a JSON object."""
        try:
            value = json.loads(self.text or "{}")
        except (ValueError, RecursionError):
            return None
        return value if isinstance(value, dict) else None

    @property
    def may_end(self) -> bool:
        """Whether nothing that belongs to it is still to come; ``{}`` is how some servers begin."""
        if self.kind != "call":
            return True
        return self.text.rstrip().endswith("}") and bool(self.arguments)


class Blocks:
    """The answer so far. ``all`` are its blocks in the order in which they began."""

    def __init__(self) -> None:
        self.all: list[Block] = []
        self._open: Block | None = None
        self._waiting: list[Block] = []
        self._calls: dict[int, Block] = {}

    @property
    def calls(self) -> bool:
        """Whether any tool is called."""
        return any(block.kind == "call" for block in self.all)

    def add(self, delta: Delta) -> Iterator[Event]:
        """Sort one delta in."""
        yield from self._thoughts(delta)
        if text := delta.get("content"):
            yield from self._grow(self._words("text"), text)
        for part in delta.get("tool_calls") or []:
            function = part.get("function") or {}
            block = self._call(part)
            if not block.text and (name := function.get("name")) and name != block.name:
                block.name += name
            arguments = function.get("arguments") or ""
            yield from self._grow(block, arguments if isinstance(arguments, str) else json.dumps(arguments))

    def end(self) -> Iterator[Event]:
        """The answer is whole: pass on what waits."""
        while self._waiting or self._open:
            yield from self._close()
            if self._waiting:
                yield from self._begin(self._waiting.pop(0))

    def _thoughts(self, delta: Delta) -> Iterator[Event]:
        thoughts = delta.get("thinking_blocks") or []
        for thought in thoughts:
            if thought.get("type") == "redacted_thinking":
                block = Block("redacted")
                self._waiting.append(block)
                yield from self._grow(block, thought.get("data") or "")
                continue
            block = self._words("thinking")
            yield from self._grow(block, thought.get("thinking") or "")
            block.signature = thought.get("signature") or block.signature
        if not thoughts and (text := delta.get("reasoning_content")):
            yield from self._grow(self._words("thinking"), text)

    def _words(self, kind: Literal["thinking", "text"]) -> Block:
        """The block that words of this kind go to: one that is not at its end, or a new one."""
        for block in [*self._waiting, *([self._open] if self._open else [])]:
            if block.kind == kind and not block.signature:
                return block
        block = Block(kind)
        self._waiting.append(block)
        return block

    def _call(self, part: dict[str, Any]) -> Block:
        """The call that a part belongs to; servers that give every call the same index differ by id."""
        index = part.get("index")
        index = len(self._calls) if index is None else index
        block = self._calls.get(index)
        identity = part.get("id")
        if block is None or (identity and block.id and identity != block.id):
            block = self._calls[index] = Block("call")
            self._waiting.append(block)
        block.id = block.id or identity or ""
        return block

    def _grow(self, block: Block, piece: str) -> Iterator[Event]:
        if block.ended:
            return
        whole = block.feed(piece)
        if block is self._open:
            if whole:
                yield "more", block, whole
            return
        while self._waiting and (self._open is None or self._open.may_end):
            following = self._waiting[0]
            if following.kind == "call" and not following.text:
                return  # its name may go on
            yield from self._close()
            yield from self._begin(self._waiting.pop(0))

    def _begin(self, block: Block) -> Iterator[Event]:
        block.id = block.id or f"call_{stamp.current().hex()}"
        self._open = block
        self.all.append(block)
        yield "start", block, ""
        if block.text:
            yield "more", block, block.text

    def _close(self) -> Iterator[Event]:
        block, self._open = self._open, None
        if block is None:
            return
        if rest := block.feed("", last=True):
            yield "more", block, rest
        block.ended = True
        yield "stop", block, ""


def gathered(deltas: list[Delta]) -> Blocks:
    """The blocks of a whole answer."""
    blocks = Blocks()
    for delta in deltas:
        for _ in blocks.add(delta):
            pass
    for _ in blocks.end():
        pass
    return blocks
