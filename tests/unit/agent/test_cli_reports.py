"""A CLI whose terminal word is in a file that it leaves behind: what the real mini wrote."""

from __future__ import annotations

from pathlib import Path

import pytest

from kage_nvim.agent_runtime.clis.events import read
from kage_nvim.agent_runtime.clis.status import Authority
from kage_nvim.agent_runtime.players import describe
from kage_nvim.model import State

MINI = Path(__file__).parents[2] / "fixtures" / "clis" / "mini"


@pytest.mark.parametrize(
    ("case", "code", "state", "reason"),
    [
        ("done", 0, State.DONE, "add adds"),
        ("down", 1, State.FAILED, "Connection error"),
        ("garbage", 1, State.FAILED, "Expecting value"),
    ],
)
def test_the_report_says_how_it_ended(case: str, code: int, state: State, reason: str) -> None:
    cli = describe("mini", {})
    authority = Authority(cli)
    authority.begin()
    authority.process(True)
    events = read(cli).report((MINI / f"{case}.json").read_bytes())
    for event in events:
        authority.event(event)
    authority.process(False, code)
    assert authority.finding.state is state
    assert reason in authority.finding.reason
    if case == "done":
        commands = [event.fields["args"]["command"] for event in events if event.kind == "tool"]
        assert commands[0] == "sed -i 's/a - b/a + b/' calc.py; cat calc.py"
        assert [event.fields["ok"] for event in events if event.kind == "result"][:2] == [True, False]


def test_its_screen_tells_the_step() -> None:
    reader = read(describe("mini", {}))
    steps = [e for line in (MINI / "done.txt").read_bytes().splitlines() for e in reader.feed(line)]
    assert [event.text for event in steps] == ["step 1", "step 2", "step 3"]
