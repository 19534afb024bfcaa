"""`:KageDiff` of 100 files and three agents in a real Neovim in tmux, with a real kaged behind it.

    .venv/bin/python benchmarks/panel.py [ROUNDS [cold]]

From the command to the end of the first redraw that holds the panel, and from there to that of the diff.
Each round is a Neovim of its own, so that every first use counts; a second opening in it follows. With `cold`
kaged is a new one, too. Prints each round and the medians of the first openings.
"""

from __future__ import annotations

import statistics
import sys
import time
from contextlib import suppress
from typing import Any

import psutil
from ground import machine

PANEL, DIFF = 100, 50
"""Milliseconds that the panel may take after the command, and the first diff after the panel."""
FILES, AGENTS = 100, 3
EDIT = """
for file in package*/*.py; do
  n=$(basename "$file" .py); n=${n#module}
  sed -i "10s/.*/edited by $KAGE_AGENT/; 30s/.*/the same by all/" "$file"
  if [ "$KAGE_AGENT" = 2 ]; then sed -i "$((n % 60 + 2))d" "$file"; fi
done
"""
CLOCK = """
_G.panel_clock = {}
local function shown()
  local panel, columns = false, 0
  for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
    local buffer = vim.api.nvim_win_get_buf(window)
    local name, lines = vim.api.nvim_buf_get_name(buffer), vim.api.nvim_buf_line_count(buffer)
    panel = panel or (name:find("^kage://.*/files$") and lines > 100)
    if name:find("^kage://.*%.py$") and lines > 50 and vim.wo[window].diff then columns = columns + 1 end
  end
  return panel, columns >= 2
end
vim.api.nvim_set_decoration_provider(vim.api.nvim_create_namespace("clock"), {
  on_end = function()
    local clock = _G.panel_clock
    if clock.start and not clock.diff then
      local panel, diff = shown()
      clock.panel = clock.panel or (panel and vim.uv.hrtime()) or nil
      clock.diff = diff and vim.uv.hrtime() or nil
    end
  end,
})
vim.api.nvim_create_user_command("Clock", function()
  _G.panel_clock = { start = vim.uv.hrtime() }
  vim.cmd("KageDiff")
end, {})
"""
READ = """
local clock = _G.panel_clock
return clock.diff and { (clock.panel - clock.start) / 1e6, (clock.diff - clock.panel) / 1e6 }
"""


def opened(desk: Any) -> tuple[float, float]:
    """Milliseconds to the panel and from it to the diff, of one opening."""
    desk.command("Clock")
    panel, diff = desk.until_lua(READ)
    desk.until_screen("100 files")
    return float(panel), float(diff)


def is_kaged(process: psutil.Process) -> bool:
    """Is that a kaged, and alive?"""
    with suppress(psutil.Error):
        return "kage_nvim.daemon" in process.cmdline()
    return False


def main(rounds: int, cold: bool) -> None:
    """Time ``rounds`` first openings and as many second ones."""
    firsts = []
    with machine(FILES) as stage:
        from tests.e2e.desk import Desk
        from tests.e2e.stage import Stage

        assert isinstance(stage, Stage)
        if cold:
            stage.environment["KAGE_LINGER"] = "1"
        script = stage.home / "edit.sh"
        script.write_text(EDIT)
        numbered = [f"[players.p{n}]\ncommand = '''KAGE_AGENT={n}\n{EDIT}'''" for n in range(1, AGENTS + 1)]
        stage.configure("\n".join(numbered))
        players = [f"@p{n}" for n in range(1, AGENTS + 1)]
        stage.shell("spawn", *players, "--", "edit every file")
        stage.shell("wait")
        if cold:
            stage.shell("stop", "all")
        for _ in range(rounds):
            while cold and any(map(is_kaged, stage.processes())):
                time.sleep(0.1)
            with Desk(stage, columns=160, rows=50, files=("package0/module0.py",), init="") as desk:
                desk.lua(CLOCK + "return 1")
                desk.until_lua("return require('kage.state').run() ~= nil")
                panel, diff = opened(desk)
                firsts.append((panel, diff))
                desk.command("tabclose")
                again, diff_again = opened(desk)
                print(
                    f"panel {panel:.0f} ms, diff {diff:+.0f} ms; again {again:.0f}, {diff_again:+.0f}",
                    flush=True,
                )
    panel, diff = (statistics.median(values) for values in zip(*firsts, strict=True))
    print(f"median of {rounds}: panel {panel:.0f} ms, first diff {diff:.0f} ms more")
    if panel > PANEL or diff > DIFF:
        sys.exit(1)


if __name__ == "__main__":
    main(int(sys.argv[1]) if len(sys.argv) > 1 else 7, "cold" in sys.argv)
