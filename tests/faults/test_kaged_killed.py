"""kaged killed with -9 at each named point: the next use mends what is left; nothing of the user's moved."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.conftest import until
from tests.e2e.scripts import FIX
from tests.e2e.stage import Stage, digest, tape

UNDONE = [
    "spawn.intent",
    "slot.acquire.action",
    "spawn.base.action",
    "spawn.base.done",
    "spawn.slots.done",
    "spawn.panes.intent",
    "spawn.panes.done",
]
"""A spawn killed here is taken back whole."""
DONE = ["spawn.action", "spawn.done"]
"""Here its agents are at work already."""


@pytest.fixture
def fixed(stage: Stage, tmp_path: Path) -> Iterator[Stage]:
    """A stage whose player mends calc.py by a recording."""
    stage.recorded(fix=tape(tmp_path / "fix.jsonl", FIX))
    yield stage


@pytest.mark.parametrize("point", UNDONE)
def test_a_spawn_that_was_cut_off_is_taken_back(fixed: Stage, point: str) -> None:
    before = digest(fixed.repository)
    cut = fixed.run("spawn", "-n", "2", "mend add", KAGE_FAIL_AT=point)
    assert cut.returncode == 1
    assert "kaged" in cut.stderr
    assert fixed.json("status")["runs"] == []
    assert digest(fixed.repository) == before
    until(lambda: fixed.panes() == [], 5, "no pane left")
    fixed.shell("spawn", "-n", "2", "mend add")
    fixed.shell("wait", "--timeout", "40")
    assert [agent["state"] for agent in fixed.agents()] == ["done", "done"]
    assert [Path(agent["worktree"]).parent.name for agent in fixed.agents()] == ["1", "2"], (
        "slots are used again"
    )
