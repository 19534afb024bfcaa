"""Secrets stay here: placeholders for them on the way out, and the secrets again in answers.

A placeholder is a keyed hash of the secret and of the run: the same in every call of every agent of a run,
also after a restart of the gateway, without a table on the disk, and of no use to the provider. What it
stands for is known from the agent's next request, which holds its whole history.
"""

from __future__ import annotations

import asyncio
import hashlib
import hmac
import json
import os
import re
from collections import Counter, OrderedDict
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim.gateway import detect
from kage_nvim.gateway.detect import MARK, Found
from kage_nvim.gateway.pieces import Delta, End

AT_ONCE = 16_384
"""Characters that are scanned on the event loop (4 ms); more go to a thread."""
REMEMBERED = 50_000
"""Texts whose secrets are known, by hash: a history comes again with each call."""
RUNS = 500
SHORTEST_KEY = 8
"""A shorter key of a provider's is none; replacing it would garble texts."""
_DATA_URL = re.compile(r"data:[\w/+.-]+;base64,")
_BASE64 = re.compile(r"[A-Za-z0-9+/\s]*={0,2}\s*")
_NONE: frozenset[str] = frozenset()
_SKIPPED = frozenset({"id", "tool_call_id", "role", "type", "signature", "encrypted_content", "model"})


class Vault:
    """What one run's placeholders stand for; ``by_value`` the other way round."""

    def __init__(self, run: str, key: bytes) -> None:
        self._run = run
        self._key = key
        self.by_value: dict[str, tuple[str, Found]] = {}
        self.by_placeholder: dict[str, str] = {}

    def put(self, found: Found) -> None:
        """Know a secret."""
        known = self.by_value.get(found.value)
        if known and (found.in_place or not known[1].in_place):
            return
        text = f"{self._run}\0{found.value}".encode("utf-8", "surrogatepass")
        sign = hmac.new(self._key, text, hashlib.sha256).hexdigest()[:12]
        placeholder = f"{MARK}{found.kind}_{sign}"
        self.by_value[found.value] = (placeholder, found)
        self.by_placeholder[placeholder] = found.value

    def masked(self, text: str, kinds: dict[str, str]) -> str:
        """The text with placeholders, longest first (one may hold another); ``kinds`` gets the used."""
        for value in sorted((v for v in self.by_value if v in text), key=len, reverse=True):
            placeholder, found = self.by_value[value]
            old, new = (f":{value}@", f":{placeholder}@") if found.in_place else (value, placeholder)
            if old in text:
                text = text.replace(old, new)
                kinds[placeholder] = found.kind
        return text


class Secrets:
    """All runs' vaults. ``own`` gives the gateway's own keys, which no provider but theirs may see."""

    def __init__(self, key_file: Path, own: Callable[[], set[str]]) -> None:
        self._key_file = key_file
        self._own = own
        self._key: bytes | None = None
        self._vaults: OrderedDict[str, Vault] = OrderedDict()
        self._scanned: OrderedDict[bytes, list[Found]] = OrderedDict()

    async def mask(
        self, run: str, body: dict[str, Any], entropy: bool
    ) -> tuple[dict[str, Any], Counter[str]]:
        """The body with every secret replaced, and how many different ones there were of each kind."""
        vault = self._vault(run)
        fresh = {}
        for text in _texts(body):
            if len(text) > 3 and (digest := _digest(text, entropy)) not in self._scanned:
                fresh[digest] = text
        if sum(map(len, fresh.values())) > AT_ONCE:
            found = await asyncio.to_thread(_scan, fresh, entropy)
        else:
            found = _scan(fresh, entropy)
        self._scanned.update(found)
        for text in _texts(body):
            if len(text) > 3:
                digest = _digest(text, entropy)
                self._scanned.move_to_end(digest)
                for secret in self._scanned[digest]:
                    vault.put(secret)
        while len(self._scanned) > REMEMBERED:
            self._scanned.popitem(last=False)
        for key in self._own():
            if len(key) >= SHORTEST_KEY:
                vault.put(Found("PROVIDER_KEY", key))
        kinds: dict[str, str] = {}
        masked = _walk(body, lambda text: vault.masked(text, kinds))
        return masked, Counter(kinds.values())

    def nothing(self) -> Restorer:
        """What leaves an answer as it is."""
        return Restorer({})

    def keys_only(self) -> Restorer:
        """What masks the gateway's own keys in answers, and puts nothing in."""
        return Restorer(self._masks())

    def restorer(self, run: str) -> Restorer:
        """What turns an answer's pieces back. A provider's key that a server sends by itself is masked."""
        return Restorer(self._masks() | self._vault(run).by_placeholder)

    def _masks(self) -> dict[str, str]:
        return {key: "[key]" for key in self._own() if len(key) >= SHORTEST_KEY}

    def _vault(self, run: str) -> Vault:
        if run not in self._vaults:
            self._vaults[run] = Vault(run, self._secret())
        self._vaults.move_to_end(run)
        while len(self._vaults) > RUNS:
            self._vaults.popitem(last=False)
        return self._vaults[run]

    def _secret(self) -> bytes:
        """This installation's key, made once."""
        if self._key is None:
            try:
                made = os.open(self._key_file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            except FileExistsError:
                pass
            else:
                with os.fdopen(made, "wb") as file:
                    file.write(os.urandom(32))
            self._key = self._key_file.read_bytes()
        return self._key


class Restorer:
    """Replaces needles in texts that come in pieces. Of each text only the end that may begin a needle is
    held back, until its next piece or until another text goes on."""

    def __init__(self, needles: dict[str, str]) -> None:
        self._needles = needles
        self._held: dict[tuple[str, int], str] = {}

    def pieces(self, piece: Delta | End) -> list[Delta | End]:
        """The pieces to pass on in place of this one."""
        return [*self.flush(), piece] if isinstance(piece, End) else [*self.delta(piece)]

    def delta(self, delta: dict[str, Any]) -> list[dict[str, Any]]:
        """The deltas to pass on in place of this one."""
        if not self._needles:
            return [delta]
        new, channels = dict(delta), set()
        for name in ("content", "reasoning_content"):
            if isinstance(delta.get(name), str):
                channels.add((name, 0))
                new[name] = self._feed((name, 0), delta[name])
                if not new[name]:
                    del new[name]
        if delta.get("tool_calls"):
            new["tool_calls"] = [self._call(call, channels) for call in delta["tool_calls"]]
        if delta.get("thinking_blocks"):
            new["thinking_blocks"] = self._thoughts(delta["thinking_blocks"], channels)
        before = self.flush(channels)
        return [*before, new] if new else before

    def flush(self, except_for: set[tuple[str, int]] | None = None) -> list[dict[str, Any]]:
        """What is held of texts that do not go on."""
        ended = [channel for channel in self._held if channel not in (except_for or set())]
        found: list[dict[str, Any]] = []
        for name, index in ended:
            text = self._held.pop((name, index))
            if name == "tool_calls":
                found.append({name: [{"index": index, "function": {"arguments": text}}]})
            elif name == "thinking_blocks":
                found.append({name: [{"type": "thinking", "thinking": text}]})
            else:
                found.append({name: text})
        return found

    def _call(self, call: dict[str, Any], channels: set[tuple[str, int]]) -> dict[str, Any]:
        function = call.get("function") or {}
        if not isinstance(function.get("arguments"), str):
            return call
        channel = ("tool_calls", int(call.get("index") or 0))
        channels.add(channel)
        text = self._feed(channel, function["arguments"], quoted=True)
        return {**call, "function": {**function, "arguments": text}}

    def _thoughts(self, blocks: list[Any], channels: set[tuple[str, int]]) -> list[Any]:
        new = []
        for index, block in enumerate(blocks):
            if isinstance(block, dict) and isinstance(block.get("thinking"), str):
                channels.add(("thinking_blocks", index))
                block = {**block, "thinking": self._feed(("thinking_blocks", index), block["thinking"])}
            new.append(block)
        return new

    def _feed(self, channel: tuple[str, int], text: str, *, quoted: bool = False) -> str:
        text = self._held.pop(channel, "") + text
        for needle, value in self._needles.items():
            if needle in text:
                text = text.replace(needle, json.dumps(value, ensure_ascii=False)[1:-1] if quoted else value)
        keep = max((_begun(text, needle) for needle in self._needles), default=0)
        if keep:
            self._held[channel] = text[-keep:]
        return text[: len(text) - keep]


def _begun(text: str, needle: str) -> int:
    """How many characters at the end of the text are the beginning of the needle."""
    for size in range(min(len(text), len(needle) - 1), 0, -1):
        if text.endswith(needle[:size]):
            return size
    return 0


def _scan(texts: dict[bytes, str], entropy: bool) -> dict[bytes, list[Found]]:
    return {digest: detect.find(text, entropy) for digest, text in texts.items()}


def _digest(text: str, entropy: bool) -> bytes:
    data = text.encode("utf-8", "surrogatepass")
    return hashlib.blake2b(data, digest_size=16, person=b"entropy" if entropy else b"").digest()


def _texts(node: Any, name: str = "", skipped: frozenset[str] = _SKIPPED) -> Iterator[str]:
    """Every text that may hold a secret. A tool's arguments are JSON within a text: both are looked at."""
    if isinstance(node, str):
        if name not in skipped:
            yield node
            if name == "arguments" and (inner := _decoded(node)) is not None:
                yield from _texts(inner, "", _NONE)
    elif isinstance(node, dict):
        for key, value in node.items():
            if not (skipped and _is_file(name, key, node)):
                yield from _texts(value, key, skipped)
    elif isinstance(node, list):
        for value in node:
            yield from _texts(value, name, skipped)


def _walk(node: Any, change: Callable[[str], str], name: str = "", skipped: frozenset[str] = _SKIPPED) -> Any:
    """The node with every text changed; parts that stay the same are the same objects."""
    if isinstance(node, str):
        if name in skipped:
            return node
        if name == "arguments" and (inner := _decoded(node)) is not None:
            new = _walk(inner, change, "", _NONE)
            node = node if new is inner else json.dumps(new, ensure_ascii=False)
        return change(node)
    if isinstance(node, dict):
        pairs = {
            key: value if skipped and _is_file(name, key, node) else _walk(value, change, key, skipped)
            for key, value in node.items()
        }
        return pairs if any(pairs[key] is not node[key] for key in node) else node
    if isinstance(node, list):
        items = [_walk(value, change, name, skipped) for value in node]
        return items if any(a is not b for a, b in zip(items, node, strict=True)) else node
    return node


def _decoded(text: str) -> dict[str, Any] | None:
    try:
        return msgspec.json.decode(text, type=dict[str, Any])
    except (msgspec.MsgspecError, UnicodeEncodeError, RecursionError):
        return None


def _is_file(name: str, key: str, node: dict[str, Any]) -> bool:
    """True for an image or another file in base64, by the field that it stands in (``key`` of a node that is
    the field ``name``) and by how it looks: what a tool prints may begin with ``data:``, too."""
    value = node[key]
    if not isinstance(value, str):
        return False
    if key in ("image_url", "file_data") or (name, key) == ("image_url", "url"):
        begun = _DATA_URL.match(value)
        return begun is not None and bool(_BASE64.fullmatch(value, begun.end()))
    return key == "data" and not {"media_type", "format"}.isdisjoint(node) and bool(_BASE64.fullmatch(value))
