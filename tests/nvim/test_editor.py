"""The stand that the other tests use: a private Neovim with a screen."""

from __future__ import annotations

from pathlib import Path

from tests.nvim.editor import Editor


def test_a_private_neovim_runs_in_the_repository(nvim: Editor, repository: Path) -> None:
    assert nvim.lua("return vim.fn.getcwd()") == str(repository)
    assert str(repository.parent) not in nvim.lua("return vim.fn.stdpath('config')")
    assert nvim.lua("return select('#', ...) + ...", 2) == 3


def test_the_screen_shows_what_is_typed(nvim: Editor) -> None:
    nvim.screen(60, 10)
    nvim.keys("ihello<CR>world<Esc>ggO<Esc>")
    nvim.until_screen("world", 60, 10)
    screen = nvim.screen(60, 10)
    assert screen[:3] == ["", "hello", "world"]
    assert nvim.lines() == ["", "hello", "world"]
    assert len(nvim.screen(40, 8)) == 8
