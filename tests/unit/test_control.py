"""What is told to agents one right after the other."""

from __future__ import annotations

import asyncio
from types import SimpleNamespace
from typing import Any

import pytest

from kage_nvim.orchestrator import control


def test_who_is_resumed_while_ending_starts_when_that_is_over(monkeypatch: pytest.MonkeyPatch) -> None:
    """Else the end that is under way would be taken for that of the new process."""
    order: list[str] = []

    async def started(*_: Any, **__: Any) -> None:
        order.append("started")

    monkeypatch.setattr(control, "chosen", lambda run, _which: run.agents)
    monkeypatch.setattr(control, "living", lambda _agent: False)
    monkeypatch.setattr(control, "_by_hand", lambda *_: None)
    monkeypatch.setattr(control, "_start_again", started)

    async def go() -> None:
        agent = SimpleNamespace(number=1, ending=asyncio.Lock())
        run: Any = SimpleNamespace(agents=[agent])
        nobody: Any = None
        async with agent.ending:
            asked = asyncio.ensure_future(control.resume(nobody, run, "all", nobody))
            for _ in range(10):
                await asyncio.sleep(0)
            order.append("ended")
        assert await asked == [1]

    asyncio.run(go())
    assert order == ["ended", "started"]
