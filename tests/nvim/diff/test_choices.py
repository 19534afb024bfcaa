"""Places where agents agree or differ: shown, walked, decided by place and across files; a property test."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.nvim.diff.conftest import Diff
from tests.nvim.editor import Editor

HERE = Path(__file__).parent
BASE = "".join(f"line {n}\n" for n in range(1, 41))
AGREED = BASE.replace("line 3\n", "line three\n")
ONE = AGREED.replace("line 10\n", "tens = one + größe\n").replace("line 30\n", "a\nb\n")
TWO = AGREED.replace("line 10\n", "tens = one + groß\n").replace("line 30\n", "c\n").replace("line 20\n", "")
THREE = AGREED.replace("line 30\n", "a\nb\n")
OTHER = BASE.replace("line 10\n", "x\n")


@pytest.fixture
def three(diff: Diff) -> Diff:
    diff.changes(
        calc={"path": "src/calc.py", "base": BASE, "a1": ONE, "a2": TWO, "a3": THREE},
        more={
            "path": "src/more.py",
            "base": BASE,
            "a1": ONE,
            "a2": ONE,
            "a3": BASE.replace("line 10\n", "x\n"),
        },
        made={"path": "src/new.py", "a1": "n = 1\n", "a2": "n = 1\n", "a3": "n = 1\n"},
    )
    return diff


def title(diff: Diff, index: int = 1) -> str:
    return " ".join(diff.windows()[index]["title"].split())


def line(diff: Diff) -> int:
    return int(diff.editor.lua("return vim.fn.line('.')"))


def highlighted(diff: Diff, window: int) -> list[str]:
    """The words marked in a window."""
    return list(
        diff.editor.lua(
            """
            local buffer = vim.api.nvim_win_get_buf(...)
            local space = vim.api.nvim_get_namespaces()["kage.diff.words"]
            return vim.tbl_map(function(mark)
              local row, c0, c1 = mark[2], mark[3], mark[4].end_col
              return vim.api.nvim_buf_get_text(buffer, row, c0, row, c1, {})[1]
            end, vim.api.nvim_buf_get_extmarks(buffer, space, 0, -1, { details = true }))
            """,
            diff.windows()[window]["id"],
        )
    )


def shown_file(diff: Diff, name: str) -> None:
    diff.editor.until("return vim.api.nvim_buf_get_name(vim.fn.winbufnr(2)):find(..., 1, true) ~= nil", name)


@pytest.mark.parametrize("seed", [1])
def test_what_became_of_places_is_told_in_any_order(nvim: Editor, seed: int) -> None:
    stats: dict[str, Any] = nvim.lua(
        "return loadfile((...))(select(2, ...))",
        str(HERE / "spots_property.lua"),
        seed,
        3000,
        str(HERE / "places.lua"),
    )
    assert stats["cases"] == 3000
    assert stats["places"] > 8000 and stats["choices"] > 1000
    assert stats["beside"] > 1000 and stats["edited"] > 100
    assert stats["other"] < 30, "two ways to the same text are rare"


@pytest.mark.parametrize(
    ("one", "other", "words"),
    [
        ("\tgröße = 1", "\tgrösse = 1", ["größe", "grösse"]),
        ("a\tb", "a\t\tb", ["\t", "\t\t"]),
        ("x = 見る", "x = 見た", ["る", "た"]),
        ("cafe\u0301s", "cafes", ["cafe\u0301s", "cafes"]),
        ("f(a, b)", "f(a, c)", ["b", "c"]),
        ("same", "same", []),
    ],
)
def test_words_that_differ(nvim: Editor, one: str, other: str, words: list[str]) -> None:
    found = nvim.lua(
        """
        local lines = { ... }
        local ranges = { require("kage.diff.places.wordwise").differ({ lines[1] }, { lines[2] }) }
        local words = {}
        for side = 1, 2 do
          for _, range in ipairs(ranges[side]) do
            words[#words + 1] = lines[side]:sub(range.c0 + 1, range.c1)
          end
        end
        return words
        """,
        one,
        other,
    )
    assert list(found) == words


def test_places_are_named_and_taken_by_place(three: Diff) -> None:
    three.open(path="src/calc.py")
    for text in ("3 of 3 agree (1 2 3)", "choice 1/2: 1 | 2", "only 2"):
        three.editor.until_screen(text, 160, 30)
    assert highlighted(three, 2)[0] == "größe" and highlighted(three, 3)[0] == "groß"
    assert "2 choices open" in title(three)
    three.go(3)
    three.go(1)
    three.at(3)
    three.keys("do")
    assert three.yours()[2] == "line three", "who is in focus does not matter where all agree"
    three.at(10)
    assert "1/2: 1|2" in title(three)
    three.keys("do")
    assert three.yours()[9] == "tens = one + groß", "the one in focus"
    three.keys("3do")
    three.editor.until_screen("agent 3 leaves these lines as they are; 1do takes", 160)
    three.keys("1do")
    assert three.yours()[8:11] == ["line 9", "tens = one + größe", "line 11"]
    assert title(three).endswith("1 open 1/2, 1 taken")
    assert "conflict" not in title(three, 3)
    three.keys("uu")
    assert three.yours()[9] == "line 10"
    three.editor.until("return vim.wo[vim.fn.win_getid(2)].winbar:find('2 open') ~= nil")
    three.at(20)
    three.keys("do")
    assert three.yours()[19] == "line 21", "a lone one is taken whoever is in focus"
    three.at(10)
    three.keys("ccmine<Esc>")
    three.editor.until("return vim.wo[vim.fn.win_getid(2)].winbar:find('edited') ~= nil")


def test_places_that_touch_are_each_reached(diff: Diff) -> None:
    """An insertion between two lines that others change, text behind a last line that another changes."""
    diff.changes(
        calc={
            "path": "src/calc.py",
            "base": BASE,
            "a1": BASE.replace("line 9\n", "line 9\nfrom one\n") + "bottom\n",
            "a2": BASE.replace("line 10\n", "ten of two\n").replace("line 40\n", "forty\n"),
            "a3": BASE.replace("line 9\n", "nine of three\n"),
        }
    )
    diff.open(path="src/calc.py")
    diff.go(1)
    for where in (9, 10):
        diff.at(where)
        diff.keys("1do")
        assert diff.yours()[8:11] == ["line 9", "from one", "line 10"]
        diff.keys("u")
    diff.at(9)
    diff.keys("2do")
    assert diff.yours()[8:11] == ["line 9", "ten of two", "line 11"], (
        "]c stops at the first line of the block only"
    )
    diff.keys("u")
    diff.at(10)
    diff.keys("do")
    assert diff.yours()[8:11] == ["line 9", "ten of two", "line 11"]
    diff.at(10)
    diff.keys("do")
    assert diff.yours()[8:11] == ["line 9", "from one", "ten of two"], (
        "again reaches the next one at the line"
    )
    for keys, end in (("1do", ["line 40", "bottom"]), ("2do", ["forty", "bottom"])):
        diff.keys("G" + keys)
        assert diff.yours()[-2:] == end


def test_choices_are_walked_from_file_to_file(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.keys("gg]k")
    assert line(three) == 10
    three.keys("]k")
    assert line(three) == 30
    three.keys("2[k")
    assert line(three) == 10
    three.go(3)
    three.keys("]k")
    assert three.editor.lua("return vim.api.nvim_get_current_line()") == "c"
    three.go(1)
    three.keys("]k")
    three.editor.until_screen("on to src/more.py", 160)
    shown_file(three, "more.py")
    three.editor.until("return vim.api.nvim_win_get_cursor(vim.fn.win_getid(2))[1] == 10")
    three.keys("]k")
    three.editor.until_screen("no more choices below; 2 open in other files, [k goes there", 160)


def test_what_all_agree_on_is_taken_in_all_files(three: Diff) -> None:
    three.editor.screen(160, 30)
    three.editor.lua("kaged.answers = { subscribe = { epoch = 0, seq = 0, repository = '', runs = {} } }")
    three.editor.command(f"cd {three.root}")
    three.editor.command("Kage take")
    three.editor.until_screen(
        "took 1 hunk in 1 file and 1 file whole; 3 choices are left (:Kage choices)", 160
    )
    calc = three.root / "src/calc.py"
    assert calc.read_text() == BASE, "not written"
    lines = "return vim.api.nvim_buf_get_lines(vim.fn.bufnr(...), 0, -1, true)"
    assert three.editor.lua(lines, str(calc)) == BASE.replace("line 3\n", "line three\n").splitlines()
    assert (three.root / "src/new.py").read_text() == "n = 1\n"
    three.editor.command("Kage choices")
    three.editor.until("return #vim.fn.getqflist() == 3")
    found = three.editor.lua(
        "return vim.tbl_map(function(i) return { i.lnum, i.text } end, vim.fn.getqflist())"
    )
    assert found == [
        [10, "1 | 2: tens = one + größe"],
        [30, "1 3 | 2: a"],
        [10, "1 2 | 3: tens = one + größe"],
    ]
    three.editor.command("Kage! take")
    three.editor.until("return #vim.fn.getqflist() == 1")
    more = three.editor.lua(lines, str(three.root / "src/more.py"))
    assert more == ONE.splitlines()
    three.editor.command(f"buffer {calc}")
    three.keys("u")
    assert three.editor.lua("return vim.fn.getline(3)") == "line three", "one step each"
    assert three.editor.lua("return vim.fn.getline(30)") == "line 30"
    three.keys("u")
    assert three.editor.lines() == BASE.splitlines()


def test_what_was_decided_for_the_base_is_not_taken_again(three: Diff) -> None:
    three.open(path="src/calc.py")
    three.at(3)
    three.keys("dr")
    assert "base kept" in title(three)
    three.at(10)
    three.keys("dr")
    assert "1 open" in title(three)
    three.editor.lua("kaged.answers = { subscribe = { epoch = 0, seq = 0, repository = '', runs = {} } }")
    three.editor.command("1,12Kage take")
    three.editor.until_screen("nothing is left on which all agents agree; 2 choices are left", 160)
    three.editor.command("Kage choices")
    three.editor.until("return #vim.fn.getqflist() == 2")
    assert three.yours() == BASE.splitlines()


def test_names_fit_narrow_windows(three: Diff) -> None:
    three.open(1, 2, 3, path="src/calc.py", columns=110)
    rows = three.editor.screen(110, 30)
    assert any("line three =3/3" in row for row in rows) and any("line 10 1/2: 1|2" in row for row in rows)
    assert not any("agree" in row for row in rows), "no room"


def test_what_was_put_together_of_others_agrees_with_nobody(three: Diff) -> None:
    """Candidate 4 repeats 1 and 2: where those differ it makes no majority."""
    code = """
    local voices, how, spans = { 1, 2, 3 }, "same", { [1] = { 1, 2 } }
    local names, choices = require("kage.diff.places.names"), require("kage.diff.places.choices")
    local function told(agents)
      local place = { first = 1, past = 2, versions = { { agents = agents, how = how, spans = spans } } }
      local spot = { place = place, kind = choices.kind(place), state = "open", number = 1 }
      return { names.told(spot, voices, 1)[1], choices.agreed(place, voices, true) or 0 }
    end
    return { told({ 1, 2, 4 }), told({ 1, 4 }), told({ 1, 2, 3, 4 }), told({ 4, 5 }) }
    """
    assert three.editor.lua(code) == [
        ["2 of 3 agree (1 2 4)", 1],
        ["only 1 4", 0],
        ["3 of 3 agree (1 2 3 4)", 1],
        ["only 4 5", 0],
    ]
