"""What left the machine: a file for each run, ``outgoing.jsonl`` in its folder, which goes when the run goes.

    {"call": "…", "time": …, "agent": 2, "player": "fast", "provider": "openai", "address": "…", "model": "…",
     "bytes": 81234, "secrets": {"AWS_ACCESS_KEY": 1}, "kept": 7, "messages": [ … ], "tools": [ … ]}
    {"call": "…", "ended": …, "status": "ok", "tokens_in": 19000, "tokens_out": 310}

The first line is written before the first byte leaves. ``messages`` are as they were sent, placeholders in
place of secrets; only those that the agent's call before did not send alike: ``kept`` is how many that were.
``tools`` (and whatever else was sent) stand there when they changed.
"""

from __future__ import annotations

import hashlib
import os
import time
import uuid
from collections import OrderedDict
from collections.abc import Mapping
from typing import Any

from kage_nvim import discover, paths
from kage_nvim.gateway.pieces import Usage, to_json
from kage_nvim.model import Player

NAME = "outgoing.jsonl"
AGENTS = 1_000
"""Agents whose last call is remembered; after that, all of a call is written again."""


class Outgoing:
    """Writes down what is sent for whom."""

    def __init__(self) -> None:
        self._last: OrderedDict[tuple[str, int], list[bytes]] = OrderedDict()

    def sent(
        self,
        run: str,
        number: int,
        name: str,
        player: Player,
        body: dict[str, Any],
        secrets: Mapping[str, int],
    ) -> str:
        """Note a request that is about to leave; returns the call's name for ``ended``."""
        messages = body.get("messages") or []
        rest = {key: body[key] for key in ("tools", "tool_choice", "response_format") if body.get(key)}
        texts = [to_json(message) for message in messages]
        extra = to_json(rest)
        digests = [hashlib.blake2b(text, digest_size=16).digest() for text in (extra, *texts)]
        before = self._last.get((run, number), [])
        kept = 0
        while kept < min(len(digests), len(before)) - 1 and digests[kept + 1] == before[kept + 1]:
            kept += 1
        line: dict[str, Any] = {
            "call": uuid.uuid4().hex[:12],
            "time": time.time(),
            "agent": number,
            "player": name,
            "provider": discover.provider(player.model or ""),
            "address": player.api_base or "",
            "model": player.model or "",
            "bytes": len(extra) + sum(map(len, texts)),
            "secrets": dict(secrets),
            "kept": kept,
            "messages": messages[kept:],
        }
        if rest and before[:1] != digests[:1]:
            line |= rest
        _append(run, line)
        self._last[run, number] = digests
        self._last.move_to_end((run, number))
        while len(self._last) > AGENTS:
            self._last.popitem(last=False)
        return str(line["call"])

    def ended(self, run: str, call: str, status: str, usage: Usage | None = None) -> None:
        """Note how it ended: ``ok``, ``failed`` or ``cut``."""
        used = usage or Usage()
        _append(
            run,
            {
                "call": call,
                "ended": time.time(),
                "status": status,
                "tokens_in": used.tokens_in,
                "tokens_out": used.tokens_out,
            },
        )


def _append(run: str, line: dict[str, Any]) -> None:
    """One write of one line, to a file that only the user may read."""
    folder = paths.run_folder(run)
    folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    file = os.open(folder / NAME, os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC, 0o600)
    try:
        os.write(file, to_json(line) + b"\n")
    finally:
        os.close(file)
