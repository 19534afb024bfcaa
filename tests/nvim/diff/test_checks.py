"""What checks say of yours, in the panel; and when a pick asks for them."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nvim.diff.conftest import Diff

BASE = "".join(f"line {n}\n" for n in range(1, 31))
ONE = BASE.replace("line 5\n", "five\n").replace("line 20\n", "twenty\n")
TWO = BASE.replace("line 5\n", "FIVE\n")
RESULT = {"command": "c", "seconds": 0.1, "summary": "", "failures": [], "tail": "", "cached": False}


@pytest.fixture
def calc(diff: Diff) -> Diff:
    diff.changes(
        calc={"path": "calc.txt", "base": BASE, "a1": ONE, "a2": TWO},
        same={"path": "same.txt", "base": "a\n", "a1": "b\n", "a2": "b\n"},
    )
    return diff


def push(diff: Diff, commit: str, *results: dict[str, Any]) -> None:
    """What kaged tells of the checks of yours."""
    params = {"repository": str(diff.root), "commit": commit, "results": [RESULT | r for r in results]}
    diff.editor.lua("require('kage.checks').push(...)", params)


def yours(diff: Diff) -> list[str]:
    """The rows of the headline from that of yours on."""
    lines = [line.strip() for line in diff.windows()[0]["lines"]]
    lines = lines[: lines.index("")]
    found = [index for index, line in enumerate(lines) if line.startswith("yours")]
    return lines[found[0] :] if found else []


def group(diff: Diff) -> str:
    """How the row of yours is coloured."""
    rows = diff.editor.screen(160, 30)
    row = next(index for index, line in enumerate(rows) if line.startswith(" yours"))
    found = diff.editor.lua("return vim.inspect_pos and vim.fn.screenattr(...)", row + 1, 2)
    return str(found)


def test_the_panel_says_what_checks_say_of_yours(calc: Diff) -> None:
    calc.open(path="calc.txt")
    assert yours(calc) == []
    push(calc, "c1", {"name": "lint", "state": "running"}, {"name": "test", "state": "running"})
    assert yours(calc) == ["yours ◐0/2  lint  test"]
    failed = {"path": "calc.txt", "line": 3, "text": "wrong"}
    test = {"name": "test", "state": "fail", "passed": 12, "total": 14, "failures": [failed]}
    push(calc, "c1", {"name": "lint", "state": "pass"}, test)
    assert yours(calc) == ["yours ✗1/2  test 12/14"]
    shown = "return vim.tbl_map(function(d) return { d.lnum, d.message } end, vim.diagnostic.get())"
    assert calc.editor.lua(shown) == [[2, "test: wrong"]]
    push(calc, "c1", {"name": "lint", "state": "pass"}, {"name": "test", "state": "timeout"})
    assert yours(calc) == ["yours ✗1/2  test timeout"]
    push(calc, "c2", {"name": "lint", "state": "pass"}, {"name": "test", "state": "pass"})
    assert yours(calc) == ["yours ✓2/2"] and calc.editor.lua(shown) == []
    bright = group(calc)
    calc.go(1)
    calc.keys("Gotyped<Esc>")
    calc.editor.until("return vim.fn.getbufline(vim.fn.winbufnr(1), 4)[1]:find('before edits') ~= nil")
    assert yours(calc) == ["yours ✓2/2 before edits"] and group(calc) != bright
    push(calc, "c2", {"name": "lint", "state": "pass"}, {"name": "test", "state": "pass"})
    assert yours(calc) == ["yours ✓2/2 before edits"], "the same text, told again"
    push(calc, "c3", {"name": "lint", "state": "pass"}, {"name": "test", "state": "pass"})
    assert yours(calc) == ["yours ✓2/2"], "checked in a shell"
    calc.editor.screen(80, 30)
    push(calc, "c4", {"name": "a_rather_long_name_of_a_check", "state": "fail", "passed": 1, "total": 9})
    windows = calc.windows()
    assert all(len(line) <= windows[0]["width"] for line in windows[0]["lines"])


def test_the_panel_says_what_checks_say_of_candidates(calc: Diff) -> None:
    calc.open(path="calc.txt", columns=80)
    base = {"kind": "agent", "commit": "c", "files": 1, "added": 1, "removed": 1, "weakened": []}
    more = [
        {"number": 1, "checks": {"test": "fail"}, "checked": "12/14 ✓, 1 new failure", "green": False},
        {"number": 2, "checks": {"test": "running"}, "checked": "3/14 ✓"},
        {"number": 3, "checks": {"test": "pass"}, "checked": "14/14 ✓, tests weakened", "green": False},
    ]
    calc.editor.lua("kaged.update(2, ...)", [base | one for one in more])
    calc.editor.until("return vim.fn.getbufline('kage://k7/files', 1, 9)[3]:find('12/14') ~= nil")
    panel = calc.windows()[0]
    text = "\n".join(panel["lines"])
    assert "✗12/14 1 new" in " ".join(text.split()) and "◐3/14" in text
    assert all(len(line) <= panel["width"] for line in panel["lines"])


def asked(diff: Diff) -> int:
    return int(
        diff.editor.lua("return #vim.tbl_filter(function(r) return r.method == 'check' end, kaged.requests)")
    )


PICKS = {
    "pick": ([], "1do"),
    "reset": ([], "1dodr"),
    "operator": ([], "1goG"),
    "file": ([], "1dO"),
    "inline": (["inline"], "do"),
    "between": ([1, 2], "dp"),
    "take": ([], ":Kage take<CR>"),
}


@pytest.mark.parametrize("how", PICKS)
def test_a_pick_asks_once_the_picking_rests(calc: Diff, how: str) -> None:
    words, keys = PICKS[how]
    calc.editor.lua("require('kage').setup({ check_on_pick = true })")
    calc.editor.lua("kaged.answers = { subscribe = { epoch = 0, seq = 0, repository = '', runs = {} } }")
    calc.editor.lua("vim.cmd.edit(...)", str(calc.root / "calc.txt"))
    calc.editor.screen(160, 30)
    calc.editor.lua("require('kage.diff').open(...)", words)
    if how == "inline":
        calc.editor.until("return vim.fn.maparg('do', 'n') ~= ''")
    else:
        calc.editor.until("return #vim.api.nvim_list_tabpages() == 2 and #vim.fn.tabpagebuflist() > 2")
        calc.shown()
    calc.editor.lua(
        "kaged.answers.check = { commit = 'c', results = { { name = 't', state = 'pass', failures = {} } } }"
    )
    calc.go(0 if how == "inline" else 1)
    calc.keys("5G" + keys)
    calc.keys("20G" + keys)
    assert asked(calc) == 0, "a pick that follows soon is waited for"
    one = "local one = require('kage.checks').of(...) "
    calc.editor.until(one + "return one and #one.results == 1", str(calc.root))
    calc.editor.lua("vim.wait(50)")
    assert asked(calc) == 1
    assert calc.editor.lua(one + "return one.stale", str(calc.root)) is False
