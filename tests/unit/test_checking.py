"""What follows when an agent is done: whatever breaks in its checks, it is seen as done."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kage_nvim.model import State
from kage_nvim.orchestrator import course
from kage_nvim.orchestrator.checking.bench import is_named
from kage_nvim.orchestrator.turns import Turns


@pytest.mark.parametrize("broken", ["checked", "repaired", "upheld"])
def test_a_mistake_in_its_checks_leaves_no_agent_behind(
    broken: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fine(*_: Any) -> Any:
        return "all well" if broken != "upheld" else None

    async def fails(*_: Any) -> Any:
        raise OSError("the disk is gone")

    async def not_repaired(*_: Any) -> bool:
        return False

    for name, made in {"checked": fine, "repaired": not_repaired, "upheld": fine}.items():
        monkeypatch.setattr(course, name, fails if name == broken else made)
    over: list[tuple[Any, ...]] = []
    turns = Turns(SimpleNamespace())  # type: ignore[arg-type]
    monkeypatch.setattr(turns, "_over", lambda *words: over.append(words[2:]))
    record = SimpleNamespace(captured=1, repairs=[], status=SimpleNamespace(reason=""))
    agent: Any = SimpleNamespace(number=3, record=record, has_gone_on=lambda _: False)
    monkeypatch.setattr("kage_nvim.orchestrator.turns.repairs.settle", lambda _: None)
    asyncio.run(turns._checked(SimpleNamespace(id="r"), agent, "exit 0", 1))  # type: ignore[arg-type]
    assert over == [(State.DONE, "exit 0", 1)]
    assert "the disk is gone" in caplog.text and "agent 3" in caplog.text


@pytest.mark.parametrize(
    ("path", "named"),
    [
        ("requirements.txt", True),
        ("web/package-lock.json", True),
        ("uv.lock", True),
        ("bun.lockb", True),
        ("tools/install.sh", True),  # the command names it
        ("src/install.py", False),
        ("README.md", False),
    ],
)
def test_what_setup_depends_on(path: str, named: bool) -> None:
    assert is_named(path, "sh tools/install.sh --quick") is named
