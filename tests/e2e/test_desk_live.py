"""`:KageDiff` while agents work: their side follows them, nothing of what the user sees or holds moves."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from tests.conftest import until
from tests.e2e.desk import Desk
from tests.e2e.stage import Stage

LINES = "".join(f"line {n}\n" for n in range(1, 61))
WAIT = "while [ ! -e {flag} ]; do sleep 0.05; done"
TEXT = "return table.concat(vim.fn.getbufline(vim.fn.winbufnr(3), 1, '$'), ' ')"


@pytest.fixture
def slow(stage: Stage) -> Path:
    """A player that edits one file in three steps; each waits for a file of that number in its HOME."""
    (stage.repository / "long.txt").write_text(LINES)
    flags = stage.home / "flags"
    flags.mkdir()
    edits = ["5s/.*/first/", "40s/.*/second/", "41s/.*/third/"]
    steps = "; ".join(
        f"{WAIT.format(flag=flags / str(n))}; sed -i '{e}' long.txt" for n, e in enumerate(edits)
    )
    stage.configure(
        f'sandbox = "off"\n[players.slow]\ncommand = """{steps}; {WAIT.format(flag=flags / "3")}"""\n'
    )
    return flags


def test_a_working_agent_is_followed(stage: Stage, slow: Path) -> None:
    with Desk(stage, columns=120, rows=40, files=("long.txt",)) as desk:
        desk.command("KageSpawn 1 edit it")
        desk.until_screen("1●")
        desk.command("KageDiff")
        desk.until_screen("no changes yet")
        (slow / "0").touch()
        desk.until_lua(f"{TEXT}:find('first') ~= nil")
        desk.until_screen("● working")
        desk.type("20Gzo22Gma")
        before = desk.until_lua("return vim.fn.line('.') == 22 and vim.fn.winsaveview()")
        (slow / "1").touch()
        desk.until_lua(f"{TEXT}:find('second') ~= nil")
        assert desk.lua("return vim.fn.winsaveview()") == before
        assert desk.lua("return vim.fn.foldclosed(20)") == -1, "a fold that was opened stays open"
        refused = stage.run("accept", "1")
        assert refused.returncode == 4 and "agent 1 still works" in refused.stderr
        (slow / "2").touch()
        desk.until_lua(f"{TEXT}:find('third') ~= nil")
        store = stage.json("status")["runs"][0]["store"]
        live = Path(store) / "refs/kage" / stage.json("status")["runs"][0]["id"] / "live"
        assert (live / "1").exists()
        (slow / "3").touch()
        desk.until_screen("1✓")
        desk.until_screen("● working", gone=True)
        assert not (live / "1").exists()
        status = stage.json("status")["runs"][0]["candidates"]
        assert [(c["number"], c["live"]) for c in status] == [(1, False)]
        stage.shell("accept", "1")
        until(lambda: "third" in (stage.repository / "long.txt").read_text(), 5, "landed")
        command = desk.lua(
            """
            require("kage").setup({ diff = { provider = function(ctx)
              command = ctx.git("diff", "--name-only", ctx.base, ctx.tree(1))
              same = ctx.tree(0) == ctx.base and ctx.tree(1) == ctx.commits[1]
            end } })
            vim.cmd("tabclose | KageDiff")
            vim.wait(5000, function() return command ~= nil end)
            return same and command
            """
        )
        listed = subprocess.run(command, capture_output=True, text=True, check=True)
        assert listed.stdout == "long.txt\n", "a provider's git has all that it is told of"
