"""A Neovim in a repository, with a kaged that answers from a table of texts."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.nvim.editor import Editor

STUB = Path(__file__).parent / "stub.lua"


class Diff:
    """One Neovim with a run of three agents to compare."""

    def __init__(self, editor: Editor, root: Path) -> None:
        self.editor, self.root = editor, root
        self.columns = 160

    def changes(self, **files: dict[str, Any]) -> None:
        """Say what the agents made of which files, and put the base of each on disk."""
        table = {}
        for name, change in files.items():
            path = change.pop("path", name.replace("_", ".") if "." not in name else name)
            if change.get("base") is not None and not (self.root / path).exists():
                (self.root / path).parent.mkdir(parents=True, exist_ok=True)
                (self.root / path).write_bytes(raw(change["base"]))
            agents = {
                key[1:]: value if isinstance(value, dict) else {"text": value}
                for key, value in change.items()
                if key[0] == "a" and key[1:].isdigit()
            }
            table[path] = {"base": change.get("base"), "kind": change.get("kind"), "agents": agents}
            table[path] = {key: value for key, value in table[path].items() if value is not None}
        self.editor.lua("loadfile((...))(select(2, ...))", str(STUB), str(self.root), table)

    def open(self, *agents: int, path: str | None = None, columns: int = 160) -> None:
        """`:KageDiff`, until a file is shown."""
        self.columns = columns
        self.editor.screen(columns, 30)
        if path:
            self.editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(self.root / path))
        self.editor.lua("require('kage.diff').open(...)", list(agents))
        self.editor.until("return #vim.fn.tabpagebuflist() > 2 and vim.fn.bufname('kage://k7/files') ~= ''")
        self.shown()

    def shown(self) -> None:
        """Wait until every column holds the file that the panel marks."""
        self.editor.until(
            """
            for _, window in ipairs(vim.api.nvim_tabpage_list_wins(0)) do
              if vim.wo[window].winbar == "" then return false end
            end
            return true
            """
        )

    def windows(self) -> list[dict[str, Any]]:
        """The tab's windows from left to right: name, lines, width, whether in diff mode."""
        return list(
            self.editor.lua(
                """
                return vim.tbl_map(function(window)
                  local buffer = vim.api.nvim_win_get_buf(window)
                  return {
                    id = window,
                    name = vim.api.nvim_buf_get_name(buffer),
                    lines = vim.api.nvim_buf_get_lines(buffer, 0, -1, true),
                    width = vim.api.nvim_win_get_width(window),
                    diff = vim.wo[window].diff,
                    title = vim.api.nvim_eval_statusline(vim.wo[window].winbar, { winid = window }).str,
                  }
                end, vim.api.nvim_tabpage_list_wins(0))
                """
            )
        )

    def keys(self, text: str) -> None:
        """Type, and wait until Neovim has done it."""
        self.editor.keys(text)
        self.editor.lua("return 1")

    def yours(self) -> list[str]:
        """The lines of the user's buffer."""
        return list(self.windows()[1]["lines"])

    def at(self, line: int) -> None:
        """Put the cursor of the current window."""
        self.editor.lua("vim.api.nvim_win_set_cursor(0, { ..., 0 })", line)

    def go(self, index: int) -> None:
        """Go to the window at that place, 0 = the panel."""
        self.editor.lua("vim.api.nvim_set_current_win(...)", self.windows()[index]["id"])

    def tabs(self) -> int:
        """How many tabpages there are."""
        return int(self.editor.lua("return #vim.api.nvim_list_tabpages()"))


def raw(text: str | bytes) -> bytes:
    """Bytes of a test's text."""
    return text.encode() if isinstance(text, str) else text


@pytest.fixture
def diff(start_nvim: Callable[..., Editor], repository: Path) -> Iterator[Diff]:
    """A Neovim in the test's repository."""
    yield Diff(start_nvim(), repository)
