"""Tasks in parts, in the editor: what a planner proposes is seen first, and clashes are places to go to."""

from __future__ import annotations

from typing import Any

from tests.conftest import until
from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon

PLAN = {
    "plan": "261122-101010-abcd",
    "player": "big",
    "parts": {"1": "mend add\nin calc.py", "2": "mend sub"},
}


def test_what_a_planner_proposes_is_edited_before_anything_starts(nvim: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["plan"] = lambda _: PLAN
    kaged.answers["spawn"] = lambda _: {"run": "r1", "agents": [{}, {}], "notes": []}
    nvim.screen()
    nvim.command("KageSpawn 2 --parts mend calc")
    nvim.until_screen("2 parts, proposed by @big")
    assert kaged.asked("plan")[0]["task"]["text"] == "mend calc" and kaged.asked("plan")[0]["count"] == 2
    assert nvim.lines() == ["mend calc", "", "## 1", "mend add", "in calc.py", "", "## 2", "mend sub"]
    assert kaged.asked("spawn") == []
    nvim.keys(" well<C-s>")
    until(lambda: kaged.asked("spawn"), what="spawn")
    asked = kaged.asked("spawn")[0]
    assert asked["course"]["parts"] == {"1": "mend add\nin calc.py", "2": "mend sub well"}
    assert asked["plan"] == PLAN["plan"] and asked["task"]["text"] == "mend calc"
    assert "variants" not in asked["task"] and "count" not in asked


def test_parts_by_hand_need_no_planner(nvim: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["spawn"] = lambda _: {"run": "r1", "agents": [{}, {}], "notes": []}
    nvim.command("KageSpawn --parts")
    nvim.until("return vim.bo.buftype == 'acwrite'")
    nvim.lua("vim.api.nvim_buf_set_lines(0, 0, -1, false, { 'mend', '## 1', 'a', '## 2', 'b' })")
    nvim.keys("<C-s>")
    until(lambda: kaged.asked("spawn"), what="spawn")
    assert kaged.asked("spawn")[0]["course"] == {"parts": {"1": "a", "2": "b"}}
    assert kaged.asked("plan") == []
    nvim.command("KageSpawn --document docs/PLAN.md propose")
    until(lambda: len(kaged.asked("spawn")) == 2, what="spawn")
    assert kaged.asked("spawn")[1]["course"] == {"proposals": "docs/PLAN.md"}


def test_clashes_are_a_quickfix_list(nvim: Editor, kaged: FakeDaemon) -> None:
    part: dict[str, Any] = {"number": 1, "title": "mend\x1b add", "text": "", "state": "done", "files": 1}
    clash = {
        "kind": "contradiction",
        "path": "calc.py",
        "line": 2,
        "agents": [1, 2],
        "text": "1 and 2 differ",
    }
    union = {"number": 3, "files": 1, "checked": "2/2 ✓", "missing": [], "green": True, "clashes": [clash]}
    kaged.answers["parts"] = lambda _: {
        "run": "r1",
        "parts": [part | {"checked": "1/2 ✓"}],
        "union": union,
        "verdict": "candidate 3 is the union of parts 1 and 2",
    }
    nvim.screen()
    nvim.command("Kage parts")
    nvim.until("return #vim.fn.getqflist() == 1")
    assert nvim.lua("return { vim.fn.getqflist()[1].lnum, vim.fn.getqflist()[1].text }") == [
        2,
        "contradiction: 1 and 2 differ",
    ]
    text = "\n".join(nvim.lua("return require('kage.parts').lines(...)", kaged.answers["parts"]({})))
    assert "1 ✓ mend  add  1 file  1/2 ✓" in text and "! calc.py:2" in text and ":KageAccept 3" in text
    waits = {"parts": [part | {"checked": ""}], "without": "no union: part 1 alone changed anything"}
    text = "\n".join(nvim.lua("return require('kage.parts').lines(...)", waits))
    assert text.endswith("part 1 alone changed anything")
