"""Recorded streams with what living ones bring along: cuts, noise, events of later versions."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kage_nvim.agent_runtime.clis.events import read
from kage_nvim.agent_runtime.clis.trial import of_events
from kage_nvim.agent_runtime.players import describe

CLIS = Path(__file__).parents[2] / "fixtures" / "clis"
CASES = [
    (name, case)
    for name in ("claude", "codex", "opencode", "gemini", "qwen")
    for case in json.loads((CLIS / name / "expected.json").read_text("utf-8"))
]
NOISE = [
    b"(node:12) Warning: a line of stderr between the events\n",
    b"\xff\xfe\x00 no text at all \x1b[31m\n",
    b"{ broken json\n",
    b'["a list", 1]\n',
    b'{"type": "some_event_of_a_later_version", "data": {"status": "error", "result": "failed"}}\n',
    b'{"type": null, "subtype": 7, "message": "not an object", "part": [], "item": "text", "error": []}\n',
    b'{"type": "telemetry", "blob": "' + b"x" * 2_000_000 + b'"}\n',
    b"\n",
]


def lines_of(name: str, case: str) -> list[bytes]:
    return (CLIS / name / f"{case}.jsonl").read_bytes().splitlines(keepends=True)


def state(name: str, lines: list[bytes]) -> str:
    return str(of_events(describe(name, {}), b"".join(lines))["state"])


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{n}-{c}" for n, c in CASES])
def test_noise_between_the_lines_changes_nothing(name: str, case: str) -> None:
    lines = lines_of(name, case)
    noisy = [part for i, line in enumerate(lines) for part in (NOISE[i % len(NOISE)], line)] + NOISE
    assert state(name, noisy) == state(name, lines)


@pytest.mark.parametrize(("name", "case"), CASES, ids=[f"{n}-{c}" for n, c in CASES])
def test_a_cut_stream_has_not_ended(name: str, case: str) -> None:
    """Wherever it is cut, also within a line: until the first event that ends it, it is at work."""
    description, lines = describe(name, {}), lines_of(name, case)
    reader = read(description)
    for count, line in enumerate(lines):
        ends = [e for e in reader.feed(line) if e.kind in ("done", "failed", "interrupted")]
        half = [*lines[:count], line[: len(line) // 2]]
        assert state(name, half) in ("starting", "working", "unknown"), (count, line[:200])
        if ends:
            break
        assert state(name, lines[: count + 1]) in ("starting", "working", "unknown"), (count, line[:200])
