"""`:Kage review` in the editor: diagnostics, quickfix list, report, and patches like hunks."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import refused
from tests.conftest import until
from tests.nvim.editor import Editor
from tests.nvim.kaged import FakeDaemon

CODE = Path("calc.py")
MUL = "    return a * b"


def finding(id: str, **more: Any) -> dict[str, Any]:
    base: dict[str, Any] = {
        **{"id": id, "path": "calc.py", "first": 2, "last": 2, "severity": "error", "role": "correctness"},
        **{
            "agreed": ["correctness", "tests"],
            "claim": "add subtracts",
            "evidence": "`a - b`",
            "patch": None,
        },
        **{"confidence": 0.9, "verdict": "holds", "why": "", "judged": "", "code": "", "dismissed": False},
        "yours": [2, 2],
    }
    return base | more


PATCH = {"first": 2, "last": 2, "old": ["    return a - b"], "lines": ["    # the sum", "    return a + b"]}
FOUND = [
    finding("one", patch=PATCH),
    finding(
        "two", first=6, last=6, yours=[6, 6], severity="hint", claim="mul\x1b[31m is\nbare", agreed=["style"]
    ),
    finding("away", first=3, yours=None, claim="only in the candidate", severity="warning"),
    finding("no", claim="wrong claim", verdict="refuted", why="it is not so"),
]


@pytest.fixture
def editor(kaged: FakeDaemon, repository: Path, start_nvim: Callable[..., Editor]) -> Editor:
    review = {
        **{"id": "r260101-000000-abcd", "repository": str(repository.resolve()), "created": 1.0},
        **{"kind": "candidate", "title": "candidate 2", "base": "b", "head": "h", "new": "n", "run": "k7"},
        **{"number": 2, "files": ["calc.py"], "notes": ["tests did not end: no budget"], "cost_usd": 0.01},
        **{"tokens_in": 1, "tokens_out": 1, "seconds": 3.0, "schema": 1, "findings": FOUND},
        "reviewers": [
            {"role": "tests", "player": "one", "state": "failed", "reason": "no budget", "found": 0}
        ],
    }

    def answer(params: dict[str, Any]) -> dict[str, Any]:
        if not params["confirmed"]:
            raise refused("first", code="confirm", questions=[{"id": "q1", "text": "Trust?"}])
        return review

    (repository / "many.txt").write_bytes(MANY)
    kaged.answers["review"] = answer
    kaged.answers["review_file"] = lambda _: {"lines": ["one", "two", "three", "four"]}
    editor = start_nvim(args=["calc.py"])
    editor.lua(
        "vim.ui.select = function(items, _, done) done(items[1]) end; vim.o.columns, vim.o.lines = 100, 40"
    )
    editor.lua(
        "Fired = {}; vim.api.nvim_create_autocmd('User', { pattern = 'KageReview',"
        " callback = function(event) table.insert(Fired, event.data.findings) end })"
    )
    return editor


# A file that is not open, with the same line again and again, ends of CRLF, and none at its end.
MANY = b"\r\n".join([b"same", b"top", *[b"same"] * 7, b"last"])
SHIFTED = [
    finding(
        name, path="many.txt", first=line, last=line, yours=[line, line], claim=f"{name} here", patch=patch
    )
    for name, line, patch in [
        ("grows", 2, {"first": 2, "last": 2, "old": ["top"], "lines": ["top", "a", "b"]}),
        ("amid", 6, {"first": 6, "last": 6, "old": ["same"], "lines": ["AMID"]}),
        ("end", 10, {"first": 10, "last": 10, "old": ["last"], "lines": ["END"]}),
    ]
]


def test_patches_of_one_file_follow_each_other(editor: Editor, kaged: FakeDaemon, repository: Path) -> None:
    review = kaged.answers["review"]({"confirmed": ["q1"]})
    review |= {"kind": "yours", "number": None, "findings": SHIFTED}
    kaged.answers["review"] = lambda _: review
    editor.lua("vim.cmd('Kage review')")
    opened(editor)
    editor.lua(
        "vim.fn.setqflist({}, ' ', { title = 'mine', items = { { filename = 'calc.py', lnum = 1 } } })"
    )
    for name in ("grows", "amid", "end"):
        at(editor, f"{name} here")
        editor.keys("a")
        until(lambda: "applied to many" in editor.lua("return vim.fn.execute('1messages')"), 10, name)
    assert (repository / "many.txt").read_bytes() == MANY
    review["findings"] = [dict(one) for one in SHIFTED]  # shown again, what was applied still is
    kaged.answers["review_again"] = lambda _: review
    editor.lua("vim.cmd('Kage review last')")
    until(lambda: "nothing is left" in editor.lua("return vim.fn.execute('1messages')"), 10, "again")
    assert editor.lua("return vim.fn.search('Nothing is left', 'w')") > 0
    editor.lua(
        "vim.api.nvim_buf_call(vim.fn.bufnr('many.txt'),"
        " function() vim.cmd('setl nofixeol | silent write') end)"
    )
    wanted = [b"same", b"top", b"a", b"b", *[b"same"] * 3, b"AMID", *[b"same"] * 3, b"END"]
    assert (repository / "many.txt").read_bytes() == b"\r\n".join(wanted)
    undone = "vim.api.nvim_buf_call(vim.fn.bufnr('many.txt'), function() vim.cmd('silent undo') end)"
    editor.lua(undone)
    assert editor.lua("return vim.api.nvim_buf_get_lines(vim.fn.bufnr('many.txt'), 7, 12, false)") == [
        *["AMID", "same", "same", "same", "last"]
    ]
    # The user's own list stays on top; the review's has lost what is done.
    assert editor.lua("return vim.fn.getqflist({ title = 0 }).title") == "mine"
    editor.lua("vim.cmd('silent colder')")
    assert editor.lua("return #vim.fn.getqflist()") == 0


def opened(editor: Editor) -> str:
    until(
        lambda: editor.lua("return vim.api.nvim_buf_get_name(0)").startswith("kage://review/"),
        10,
        "the report",
    )
    return "\n".join(editor.lua("return vim.api.nvim_buf_get_lines(0, 0, -1, false)"))


def at(editor: Editor, text: str) -> None:
    assert editor.lua(f"return vim.fn.search([[\\V{text}]], 'w')") > 0


def diagnostics(editor: Editor) -> Any:
    return editor.lua(
        "return vim.tbl_map(function(d) return { d.lnum, d.severity, d.message } end,"
        " vim.diagnostic.get(nil, { namespace = vim.api.nvim_create_namespace('kage.review') }))"
    )


def test_findings_stand_beside_the_lines_and_in_a_report(editor: Editor, kaged: FakeDaemon) -> None:
    editor.lua("vim.cmd('Kage review 2 --role tests --role=style')")
    report = opened(editor)
    asked = kaged.asked("review")[-1]
    assert (asked["base"], asked["roles"], asked["confirmed"]) == ("2", ["tests", "style"], ["q1"])
    for part in ("candidate 2", "add subtracts", "error · correctness, tests · held", "+     return a + b"):
        assert part in report
    assert "\x1b" not in report and "did not end: no budget" in report and "refuted: it is not so" in report
    assert diagnostics(editor) == [
        [1, 1, "add subtracts (correctness, tests)"],
        [5, 4, "mul [31m is bare (style)"],
    ]
    lists = editor.lua(
        "return vim.tbl_map(function(i) return { vim.fn.bufname(i.bufnr), i.lnum } end, vim.fn.getqflist())"
    )
    assert [line for _, line in lists] == [2, 6, 3] and lists[2][0].startswith("kage://review/")
    at(editor, "Refuted, dismissed")
    assert editor.lua("return vim.fn.foldclosed('.')") > 0
    # Where it stands in no file of the user's, the reviewed text is shown.
    at(editor, "only in the candidate")
    editor.keys("<CR>")
    until(lambda: editor.lua("return vim.fn.getline(3)") == "three", 10, "the reviewed file")
    assert editor.lua("return vim.fn.line('.')") == 3 and editor.lua("return Fired[#Fired]") == 3


def test_a_report_does_not_take_the_keys_of_one_who_types(editor: Editor) -> None:
    editor.lua("vim.cmd('Kage review'); vim.cmd.startinsert()")
    until(lambda: editor.lua("return #vim.api.nvim_list_wins()") == 2, 10, "the report")
    editor.keys("ad")
    until(lambda: editor.lua("return vim.fn.getline(1)").startswith("ad"), 10, "what was typed")
    assert editor.lua("return vim.fn.bufname() .. vim.fn.mode()") == "calc.pyi"


def test_a_patch_is_applied_like_a_hunk(editor: Editor, kaged: FakeDaemon, repository: Path) -> None:
    before = (repository / "calc.py").read_text()
    editor.lua("vim.cmd('Kage review')")
    opened(editor)
    # The lines moved meanwhile; what is suggested goes where they are now.
    editor.lua("vim.api.nvim_buf_set_lines(vim.fn.bufnr('calc.py'), 0, 0, false, { '# above' })")
    at(editor, "add subtracts")
    editor.keys("a")
    lines = "return vim.api.nvim_buf_get_lines(vim.fn.bufnr('calc.py'), 0, 4, false)"
    wanted = ["# above", "def add(a, b):", "    # the sum", "    return a + b"]
    until(lambda: editor.lua(lines) == wanted, 10, "the patch")
    assert (repository / "calc.py").read_text() == before
    assert [message for _, _, message in diagnostics(editor)] == ["mul [31m is bare (style)"]
    # Undone there, it can be applied again; redone, it is in.
    editor.lua(
        "vim.o.hidden = false; vim.api.nvim_set_current_win(vim.fn.win_findbuf(vim.fn.bufnr('calc.py'))[1])"
    )
    for key, shown in (("u", 2), ("<C-r>", 1), ("u", 2)):
        editor.keys(key)
        until(lambda shown=shown: len(diagnostics(editor)) == shown, 10, f"{key} is seen")  # type: ignore[misc]
    assert editor.lua(lines)[:3] == ["# above", "def add(a, b):", "    return a - b"]
    assert [line for line, _, _ in diagnostics(editor)] == [2, 6]
    editor.lua("vim.cmd('wincmd b')")
    at(editor, "add subtracts")
    editor.keys("<CR>")  # to a buffer that is not written
    until(lambda: editor.lua("return vim.fn.bufname() .. vim.fn.line('.')") == "calc.py3", 10, "there")
    editor.keys("<C-w>p")
    at(editor, "mul")
    editor.keys("d")
    until(lambda: [line for line, _, _ in diagnostics(editor)] == [2], 10, "it is dismissed")
    assert kaged.asked("review_dismiss")[-1]["finding"] == "two"


def test_a_patch_for_other_lines_is_refused(editor: Editor) -> None:
    editor.lua("vim.cmd('Kage review')")
    opened(editor)
    editor.lua("vim.api.nvim_buf_set_lines(vim.fn.bufnr('calc.py'), 1, 2, false, { '    return 7' })")
    at(editor, "add subtracts")
    editor.keys("a")
    until(
        lambda: "no longer those that were reviewed" in editor.lua("return vim.fn.execute('messages')"),
        10,
        "why",
    )
    assert editor.lua("return vim.fn.getbufline('calc.py', 2)") == ["    return 7"]
    assert editor.lua(
        "local p = { first = 2, last = 2, old = { 'x' }, lines = {} };"
        "local place = require('kage.review.patch').place;"
        "return { place({ 'a', 'x' }, p, 1), place({ 'x', 'b', 'x' }, p, 2) or 0, place({ 'x', 'x' }, p, 2),"
        " place({ 'a' }, p, 9) or 0, place({ '' }, { old = {}, lines = {} }), place({ 'a', 'x\\r' }, p, 2) }"
    ) == [2, 0, 2, 0, 1, 2]
