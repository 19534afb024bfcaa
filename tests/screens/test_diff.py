"""Whole sessions of `:KageDiff` typed into a real Neovim in a real tmux, and what stands on the screen.

kaged is a table of texts here: looked at is what a person sees, whatever the number of agents and the width.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.e2e.desk import Desk
from tests.e2e.stage import Stage
from tests.nvim.editor import lua_string

STUB = Path(__file__).parents[1] / "nvim" / "diff" / "stub.lua"
MAIN = "import sys\n\n\n" + "".join(
    f'def step_{n}(value):\n    """Step {n}."""\n    total = value + {n}\n    return total * {n}\n\n\n'
    for n in range(1, 16)
)
FORMS = ("int(value) + 5", "float(value) + 5\n    total += 1", "round(value) + 5")
INIT = """
vim.o.laststatus = 2
vim.o.showtabline = 0
vim.o.ruler = false
vim.o.fillchars = "foldopen:-,foldsep: "
local file = assert(io.open({texts}))
loadfile({stub})(vim.uv.cwd(), vim.json.decode(file:read("a")))
kaged.answers = {{ subscribe = {{ epoch = 0, seq = 0, repository = "", runs = {{}} }} }}
"""
Opened = Callable[[int, int, int], Desk]


def version(agent: int) -> str:
    """What an agent makes of it: all agree at the top, one leaves step 3, at step 5 there are three ways."""
    text = MAIN.replace("import sys\n", "import os\nimport sys\n")
    text = text.replace("value + 5", FORMS[agent % 3])
    text = text.replace("total * 14", f"total * 14 + {agent}")
    return text if agent == 2 else text.replace("value + 3\n", "value + 33\n")


def others(agent: int) -> dict[str, str]:
    """Its other files: a new one, wide characters, tabs, a long line, CRLF, no newline at the end."""
    return {
        "new.py": "print(1)\n",
        "wide.txt": f"漢字の行\n\ttab {agent}\n{'x' * 200}{agent}\n",
        "crlf.txt": f"one\r\ntwo {agent}\r\n",
        "end.txt": f"one\nfour {agent}",
    }


@pytest.fixture
def opened(home: Path, repository: Path, tmp_path: Path) -> Iterator[Opened]:
    """Opens ``:KageDiff`` on src/main.py, for so many agents, columns and rows."""
    stage = Stage(home, repository)
    before = {
        "new.py": None,
        "wide.txt": "漢字の行\n\ttab\n",
        "crlf.txt": "one\r\ntwo\r\n",
        "end.txt": "one\ntwo",
    }
    with ExitStack() as stack:

        def make(agents: int, columns: int, rows: int) -> Desk:
            table: dict[str, dict[str, object]] = {"src/main.py": {"base": MAIN, "agents": {}}}
            table["src/main.py"]["agents"] = {str(n): {"text": version(n)} for n in range(1, agents + 1)}
            for path, base in before.items():
                changed = {str(n): {"text": others(n)[path]} for n in (1, 2)}
                table[path] = {"agents": changed} | ({"base": base} if base else {})
            for path, file in table.items():
                if "base" in file:
                    (repository / path).parent.mkdir(exist_ok=True)
                    (repository / path).write_bytes(str(file["base"]).encode())
            texts = tmp_path / "texts.json"
            texts.write_text(json.dumps(table))
            init = INIT.format(texts=lua_string(str(texts)), stub=lua_string(str(STUB)))
            return stack.enter_context(
                Desk(stage, columns=columns, rows=rows, files=("src/main.py",), init=init)
            )

        yield make
    stage.close()


def cells(shown: str) -> list[list[str]]:
    """The rows of the windows, split at the lines between them, from the row of titles on."""
    rows = [line.split("│") for line in shown.split("\n")]
    width = max(map(len, rows))
    return [row for row in rows if len(row) == width]


def check(desk: Desk, *, texts: int) -> list[list[str]]:
    """Nothing asks for Enter or failed; so many texts are there, their like lines side by side."""
    shown = desk.screen()
    assert "Press ENTER" not in shown and "E96" not in shown, shown
    assert not re.search(r"\bE\d+:|rror (exec|detec)", desk.messages()), desk.messages()
    rows = cells(shown)
    first = len(rows[0]) - texts
    assert first in (0, 1) and rows[0][first].startswith(" yours"), shown
    for row in rows:
        names = [re.search(r"def step_\d+|-- +\d+ lines", cell) for cell in row[first:]]
        assert len({name and name[0] for name in names}) == 1, shown
    return rows


def test_two_agents_on_80_columns(opened: Opened) -> None:
    desk = opened(2, 80, 24)
    desk.command("KageDiff")
    shown = desk.until_screen(r"│ 1 agent +\+\d -\d +1 more: \]a$")
    check(desk, texts=2)
    assert re.search(r"^▌ +M main\.py", shown, re.MULTILINE), "the panel shows the file that is open"
    desk.type("]c")
    desk.until_screen(r"2 (choices )?open only 1")
    assert re.search(r"total = value \+ 33", desk.screen()), "no name covers what differs"
    desk.type("do")
    desk.until_screen(r"value \+ 33 +│ +total = value \+ 33")
    check(desk, texts=2)
    desk.type("]k2do")
    desk.until_screen("1 open 1/2")
    desk.type("]a")
    desk.until_screen(r"│ 2 agent .*1 more: \[a")
    check(desk, texts=2)


def test_three_agents_on_120_columns(opened: Opened) -> None:
    desk = opened(3, 120, 40)
    before = desk.until_screen(r"^import sys")
    desk.command("KageDiff")
    desk.until_screen(r"│ 1 agent .*│ 2 agent .*1 more: \]a$")
    check(desk, texts=3)
    desk.type("zR")
    desk.until_screen(r"def step_2\(.*def step_2\(.*def step_2\(")
    desk.keys("C-d", "C-d")
    desk.type("]a")
    desk.until_screen(r"│ 2 agent .*│ 3 agent .*1 more: \[a$")
    assert "lines:" not in desk.screen(), "folds that are open are so for the next agents, too"
    check(desk, texts=3)
    desk.keys("C-w", "l")
    desk.type("[a")
    desk.until_screen(r"│ 1 agent .*│ 2 agent ")
    check(desk, texts=3)
    assert "step_1(" not in desk.screen(), "and the lines that were in sight still are"
    desk.type("zMgg]cdp")
    desk.until_screen("total = value [+] 33 .*total = value [+] 33 .*total = value [+] 33")
    check(desk, texts=3)
    desk.type("u")
    desk.until_screen("total = value [+] 3 .*total = value [+] 33 .*total = value [+] 3$")
    for name in ("crlf.txt", "end.txt", "new.py", "wide.txt"):
        desk.type("]f")
        desk.until_screen(rf"yours {name} ".replace(".", r"\."))
        check(desk, texts=3)
    desk.command("tabclose")
    desk.until_screen(r"^import sys")
    assert desk.screen().split("\n")[:30] == before.split("\n")[:30]


def test_five_agents_on_240_columns(opened: Opened) -> None:
    desk = opened(5, 240, 60)
    diffopt = desk.lua("return vim.o.diffopt")
    desk.command("KageDiff")
    shown = desk.until_screen(r"│ 1 agent .*│ 2 agent .*│ 3 agent .*2 more: \]a$")
    assert "import os 5 of 5 agree (1 2 3 4 5)" in shown and "value + 33 4 of 5 agree (1 3 4 5)" in shown
    both = r"value \+ 3 +│ +total = value \+ 33 .*│ +total = value \+ 3 +│ +total = value \+ 33 "
    desk.until_screen(both)  # in one row: no text of three or four is moved away from its like
    check(desk, texts=4)
    desk.type("]k")
    desk.until_screen(r"choice 1/2: 1 4 \| 2 5 \| 3")
    desk.type("5do")
    desk.until_screen("no more|1 open|1 choice open")
    desk.type("]a")
    desk.until_screen(r"│ 3 agent .*│ 4 agent .*│ 5 agent .*2 more: \[a$")
    check(desk, texts=4)
    desk.type("gt")
    assert desk.lua("return vim.o.diffopt") == diffopt
    desk.type("gT")
    desk.until_screen(r"│ 3 agent")
    desk.command("tabclose")
    assert desk.lua("return vim.o.diffopt") == diffopt


def test_nine_agents_by_number_and_a_screen_that_changes(opened: Opened) -> None:
    desk = opened(9, 240, 60)
    desk.command("KageDiff 1 2 3 4 5 6 7 8 9")
    desk.until_screen(r"│ 1 agent .*│ 7 agent .*2 more: \]a$")
    check(desk, texts=8)
    desk.type("]a")
    desk.until_screen(r"│ 3 agent .*│ 9 agent .*2 more: \[a$")
    for columns, rows, texts in ((80, 24, 3), (120, 40, 4), (60, 20, 2), (240, 60, 8)):
        desk.tmux("resize-window", "-t", "work", "-x", str(columns), "-y", str(rows))
        desk.until_lua(f"return vim.o.columns == {columns} and vim.o.lines == {rows}")
        desk.until_screen(r"│ 3 agent.*│ 9 agent" if texts == 8 else r"│ 3 agent")
        check(desk, texts=texts)
