"""`:Kage comment`: the agent hears lines of its own file, whatever the window shows; nothing said is lost."""

from __future__ import annotations

from typing import Any

import pytest

from tests.nvim.diff.conftest import Diff

BASE = "".join(f"line {n}\n" for n in range(1, 31))
ONE = BASE.replace("line 5\n", "line five\nand a half\n").replace("line 20\n", "")
TWO = "# two\n# lines\n" + BASE.replace("line 10\n", "LINE 10\n```\nfenced\n")


@pytest.fixture
def commented(diff: Diff) -> Diff:
    diff.changes(calc={"path": "src/calc.py", "base": BASE, "a1": ONE, "a2": TWO})
    (diff.root / "plain.py").write_text("nothing\n")
    diff.editor.lua(
        """
        kaged.answers = { send = { agents = { 1 }, missed = {} } }
        local request = kaged.request
        function kaged.request(method, params, callback)
          if method == "send" and kaged.deaf == params.agent then
            table.insert(kaged.requests, { method = method, params = params })
            return vim.schedule(function()
              callback({ message = "there is no process to hear it", fix = ":Kage resume" })
            end)
          end
          if method == "diff_file" and kaged.blind then
            return vim.schedule(function()
              callback({ message = "agent 1 has no candidate" })
            end)
          end
          return request(method, params, callback)
        end
        """
    )
    return diff


def comment(diff: Diff, rest: str, bang: bool = False, lines: tuple[int, int] | None = None) -> None:
    """`:Kage comment …` without kaged being watched."""
    first, last = lines or (0, 0)
    words = {"args": rest, "fargs": rest.split(), "bang": bang, "range": 2 if lines else 0}
    diff.editor.lua("require('kage.comments').command(...)", words | {"line1": first, "line2": last})


def sent(diff: Diff, count: int) -> list[dict[str, Any]]:
    """The messages that kaged was asked to send, once there are as many."""
    return list(
        diff.editor.until(
            """
            local found = {}
            for _, one in ipairs(kaged.requests) do
              if one.method == "send" then found[#found + 1] = one.params end
            end
            return #found >= ... and found
            """,
            count,
        )
    )


def test_lines_are_those_of_the_agents_own_file(commented: Diff) -> None:
    commented.open(path="src/calc.py")
    # Yours has lines that the agents do not have, in front of both places: the windows show a merge.
    commented.go(1)
    commented.keys("2GOmine 1<CR>mine 2<CR>mine 3<Esc>")
    commented.editor.until("return vim.fn.getbufline(vim.fn.winbufnr(4), 1, 6)[4]:find('mine') ~= nil")
    commented.go(3)
    row = commented.editor.lua("return vim.fn.search('^fenced$')")
    assert row == 17, "in the merged text it stands three lines further down"
    comment(commented, "why a fence?")
    (first,) = sent(commented, 1)
    assert (first["agent"], first["run"]) == (2, "k7")
    assert first["text"] == (
        "About src/calc.py:12-14 in your version:\n"
        "````diff\n@@ -10,1 +12,3 @@\n-line 10\n+LINE 10\n+```\n+fenced\n````\n\nwhy a fence?"
    )
    own = TWO.splitlines()
    assert own[11:14] == ["LINE 10", "```", "fenced"]
    commented.go(3)
    below = commented.editor.lua("return vim.fn.search('^line 12$', 'w')")
    comment(commented, "keep these", lines=(below, below + 1))
    assert sent(commented, 2)[1]["text"].startswith(
        "About src/calc.py:16-17 in your version:\n```\nline 12\nline 13\n```"
    )
    assert own[15:17] == ["line 12", "line 13"]
    commented.go(1)
    at = commented.editor.lua("return vim.fn.search('^line 20$', 'w')")
    comment(commented, "1 put it back")
    text = sent(commented, 3)[2]["text"]
    assert text.startswith(
        "About src/calc.py:21 (lines that you removed stood in front of it):\n```diff\n@@ -20,1 +20,0 @@"
    )
    assert ONE.splitlines()[20] == "line 21" and at == 23


def test_collected_comments_are_one_message_and_outlive_the_diff(commented: Diff) -> None:
    commented.open(path="src/calc.py")
    commented.go(2)
    commented.at(5)
    comment(commented, "name it 5.5", bang=True)
    comment(commented, "2 no fences", bang=True, lines=(10, 12))
    commented.at(20)
    comment(commented, "why gone?", bang=True)
    assert "» name it 5.5" in "\n".join(commented.editor.screen(160, 30))
    commented.editor.command("tabclose")
    commented.editor.lua("require('kage.comments.list').open()")
    listed = commented.editor.lines()
    assert [line for line in listed if line.startswith("##")] == [
        "## 1. to agent 1 of k7, src/calc.py:5-6",
        "## 2. to agent 2 of k7, src/calc.py:11-15",
        "## 3. to agent 1 of k7, src/calc.py:21",
    ]
    commented.keys(":%s/5.5/half<CR>:w<CR>:q<CR>")
    commented.editor.lua("kaged.deaf = 2")
    comment(commented, "send")
    messages = {one["agent"]: one["text"] for one in sent(commented, 2)}
    assert messages[1].startswith("2 comments on your changes.\n\n1. src/calc.py:5-6 in your version:")
    assert "name it half" in messages[1] and "\n\n2. src/calc.py:21 (lines that you removed" in messages[1]
    commented.editor.until("return #require('kage.comments.store').all() == 1")
    commented.editor.lua("kaged.deaf = nil")
    comment(commented, "send")
    assert sent(commented, 3)[2]["text"].endswith("no fences")
    commented.editor.until("return #require('kage.comments.store').all() == 0")


def test_the_prompt_and_plain_files(commented: Diff) -> None:
    commented.editor.screen(100, 30)
    commented.editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(commented.root / "src/calc.py"))
    comment(commented, "too short")
    assert "which agent" in commented.editor.messages()
    commented.at(5)
    comment(commented, "1")
    commented.editor.until("return vim.fn.bufname() == 'kage://prompt'")
    commented.keys("first line<CR>second line<C-s>")
    assert sent(commented, 1)[0]["text"].endswith("+and a half\n```\n\nfirst line\nsecond line")
    commented.editor.command("edit! plain.py")
    commented.editor.lua("kaged.changes['plain.py'] = nil kaged.blind = true")
    comment(commented, "1 and this?", lines=(1, 1))
    assert sent(commented, 2)[1]["text"] == "About plain.py:1 in my file:\n```\nnothing\n```\n\nand this?"
    commented.editor.lua("kaged.deaf, kaged.blind = 1, nil")
    commented.editor.command("edit! src/calc.py")
    comment(commented, "1 is lost?")
    commented.editor.until("return #require('kage.comments.store').all() == 1")
    assert "The comment is kept" in commented.editor.messages().replace("\n", " ")


def stored(diff: Diff) -> list[dict[str, Any]]:
    """What is collected."""
    return list(diff.editor.lua("return require('kage.comments.store').all()"))


def test_an_open_list_follows_and_keeps_to_its_own(commented: Diff) -> None:
    commented.open(path="src/calc.py")
    commented.go(2)
    commented.at(5)
    comment(commented, "first", bang=True)
    for edits in (False, True):
        commented.editor.lua("require('kage.comments.list').open()")
        window = commented.editor.lua("return vim.api.nvim_get_current_win()")
        if edits:
            commented.keys("Gofor the old one<Esc>")
        commented.go(2)
        comment(commented, "send")
        commented.editor.until("return #require('kage.comments.store').all() == 0")
        comment(commented, f"new {edits}", bang=True)
        commented.editor.lua("vim.api.nvim_set_current_win(...)", window)
        assert (f"new {edits}" in commented.editor.lines()) is not edits
        commented.keys("u:w<CR>" if not edits else ":w<CR>")
        assert [one["text"] for one in stored(commented)] == [f"new {edits}"]
        commented.keys("q")
    assert "had been sent or dropped" in commented.editor.messages().replace("\n", " ")


def test_the_agent_whose_change_was_taken_hears_it(commented: Diff) -> None:
    made = {n: BASE.replace("line 5\n", f"line {n}\nof agent {n}\n") for n in (1, 2)}
    commented.changes(both={"path": "both.py", "base": BASE, "a1": made[1], "a2": made[2]})
    commented.editor.lua("package.loaded['kage.host'].answers = { send = { agents = { 1 }, missed = {} } }")
    commented.open(path="both.py")
    commented.at(5)
    commented.keys("2do")
    commented.editor.until("return vim.fn.getline(6) == 'of agent 2'")
    commented.at(6)
    comment(commented, "why two?", bang=True)
    commented.keys("ggOall mine<Esc>")
    comment(commented, "1 like this", bang=True)
    taken, mine = stored(commented)
    assert (taken["agent"], taken["first"], taken["past"]) == (2, 5, 7)
    assert "+of agent 2" in taken["quote"]
    assert commented.editor.lua("return require('kage.comments.message').compose({ ... })", mine) == (
        "About both.py:1 in my file (my own lines, not in your version):\n```\nall mine\n```\n\nlike this"
    )


def test_each_window_of_the_diff_says_what_is_meant(commented: Diff) -> None:
    commented.open(path="src/calc.py")
    commented.go(0)
    row = commented.editor.lua("return vim.fn.search('calc.py')")
    comment(commented, "all of it", bang=True)
    assert "agents 1, 2 changed src/calc.py" in commented.editor.messages().replace("\n", " ")
    comment(commented, "1 all of it", bang=True, lines=(row, row))
    comment(commented, "9 who?", bang=True)
    assert "Its agents: 1, 2, 3" in commented.editor.messages().replace("\n", " ")
    (whole,) = stored(commented)
    text = commented.editor.lua("return require('kage.comments.message').compose({ ... })", whole)
    assert text == "About src/calc.py as a whole:\n\nall of it"
    windows = [one["name"] for one in commented.windows()]
    commented.editor.lua("require('kage.comments.list').open()")
    commented.keys("<CR>")
    assert commented.editor.lua("return vim.fn.expand('%:t')") == "calc.py"
    commented.editor.command("tabnext")
    names = [one["name"] for one in commented.windows() if one["name"] != "kage://comments"]
    assert names == windows, "no window of the diff shows something else"


def test_two_agents_side_by_side_and_a_subfolder(commented: Diff) -> None:
    commented.open(1, 2, path="src/calc.py")
    commented.go(3)
    commented.at(13)
    comment(commented, "a fence", bang=True)
    comment(commented, "1 and here?", bang=True, lines=(16, 16))
    commented.go(2)
    comment(commented, "nobody", bang=True)
    assert "the base is no agent's" in commented.editor.messages().replace("\n", " ")
    found = [(one["agent"], one["first"], one["past"]) for one in stored(commented)]
    assert found == [(2, 12, 15), (1, 13, 14)]
    commented.editor.command("tabclose")
    commented.editor.command("enew")
    commented.editor.command("cd src")
    commented.editor.lua("require('kage.comments.list').open()")
    assert commented.editor.lines()[0] == "## 1. to agent 2 of k7, src/calc.py:12-14"
