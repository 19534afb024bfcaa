"""Sourcing the plugin defines the commands and does nothing else."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from pathlib import Path

from kage_nvim import paths
from tests.nvim.editor import CHECKOUT, Editor
from tests.nvim.kaged import FakeDaemon, agent, run

WATCH = """
  _G.started = {}
  for _, name in ipairs({ "jobstart", "system", "termopen", "sockconnect" }) do
    local original = vim.fn[name]
    vim.fn[name] = function(...) table.insert(_G.started, name) return original(...) end
  end
  local system, spawn = vim.system, vim.uv.spawn
  vim.system = function(...) table.insert(_G.started, "vim.system") return system(...) end
  vim.uv.spawn = function(...) table.insert(_G.started, "uv.spawn") return spawn(...) end
"""
LOADED = """
  local found = {}
  for name in pairs(package.loaded) do
    if name == "kage" or vim.startswith(name, "kage.") then table.insert(found, name) end
  end
  return found
"""


def test_sourcing_requires_nothing_and_starts_nothing(start_nvim: Callable[..., Editor]) -> None:
    nvim = start_nvim(init=WATCH + "vim.g.loaded_python3_provider = nil")
    nvim.lua("vim.wait(50)")
    assert nvim.lua("return vim.g.loaded_kage") is True
    assert nvim.lua(LOADED) == []
    assert nvim.lua("return _G.started") == []
    assert nvim.lua("return vim.g.loaded_python3_provider") is None


def test_every_verb_has_its_alias(nvim: Editor) -> None:
    commands = set(nvim.lua("return vim.tbl_keys(vim.api.nvim_get_commands({}))"))
    verbs = nvim.lua("return require('kage.commands').names()")
    kage = {name for name in commands if name.startswith("Kage")}
    assert kage == {"Kage", *(f"Kage{verb.capitalize()}" for verb in verbs)}
    assert {"KageSpawn", "KageDiff", "KageAccept", "KageUndo"} <= kage


def test_sourcing_twice_is_harmless(nvim: Editor) -> None:
    nvim.command(f"source {CHECKOUT}/plugin/kage.lua")
    nvim.lua("vim.g.loaded_kage = nil")
    nvim.command(f"source {CHECKOUT}/plugin/kage.lua")


def test_the_plug_maps_exist(nvim: Editor) -> None:
    for mode, name in [("n", "KageSpawn"), ("x", "KageSpawn"), ("n", "KageDashboard"), ("n", "KageDiff")]:
        assert nvim.lua("return vim.fn.maparg(...)", f"<Plug>({name})", mode)


def spec(state: Path, repository: Path) -> None:
    folder = state / "runs" / "r1" / "agents" / "1"
    folder.mkdir(parents=True)
    (folder / "spec.json").write_text(json.dumps({"repository": str(repository)}))


def test_runs_that_go_on_show_without_a_command(
    start_nvim: Callable[..., Editor], kaged: FakeDaemon, repository: Path
) -> None:
    spec(paths.state(), repository)
    kaged.runs = [run(agent(1), agent(2))]
    (repository / "deep").mkdir()
    nvim = start_nvim(cwd=repository / "deep")
    nvim.until("return vim.g.kage_status and vim.g.kage_status ~= ''")


def test_runs_of_another_repository_start_nothing(
    start_nvim: Callable[..., Editor], kaged: FakeDaemon, repository: Path, tmp_path: Path
) -> None:
    spec(paths.state(), tmp_path / "other")
    nvim = start_nvim(init=WATCH)
    nvim.until("return package.loaded['kage.watch'] ~= nil")
    nvim.lua("vim.wait(50)")
    assert nvim.lua("return _G.started") == []
    (tmp_path / "other").mkdir()
    nvim.command(f"cd {tmp_path}/other")
    nvim.until("return package.loaded['kage.host'] ~= nil")


def test_the_view_follows_the_directory_but_not_the_focus(
    start_nvim: Callable[..., Editor], kaged: FakeDaemon, repository: Path, tmp_path: Path
) -> None:
    other = tmp_path / "other"
    (other / ".git").mkdir(parents=True)
    nvim = start_nvim(cwd=tmp_path)
    nvim.command(f"edit {repository}/calc.py")
    nvim.command("Kage status")
    nvim.until("return require('kage.state').repository() ~= nil")
    nvim.command("doautocmd FocusGained")
    nvim.command(f"cd {repository}")
    nvim.lua("vim.wait(50)")
    assert [params["cwd"] for params in kaged.asked("subscribe")] == [str(repository)]
    nvim.command(f"cd {other}")
    nvim.until("return require('kage.watch').watched() == ...", str(other))
    nvim.command(f"cd {tmp_path}")
    nvim.lua("vim.wait(50)")
    assert nvim.lua("return require('kage.watch').watched()") == str(other)


def test_runs_show_again_after_kaged_was_killed(start_nvim: Callable[..., Editor], repository: Path) -> None:
    spec(paths.state(), repository)
    child = os.fork()
    if child == 0:
        os._exit(0)
    os.waitpid(child, 0)
    paths.daemon_file().write_text(json.dumps({"pid": child, "socket": "/nowhere"}))
    nvim = start_nvim()
    nvim.until("return package.loaded['kage.watch'] ~= nil")
    nvim.until("return require('kage.watch').watched() == ...", str(repository))


def test_the_first_run_of_a_shell_shows_without_a_command(
    start_nvim: Callable[..., Editor], kaged: FakeDaemon, repository: Path
) -> None:
    kaged.runs = [run(agent(1), agent(2))]
    nvim = start_nvim()
    nvim.lua("vim.wait(30)")
    assert nvim.lua(LOADED) == []
    spec(paths.state(), repository)
    nvim.until("return vim.g.kage_status ~= ''")


def test_a_further_run_of_a_shell_shows_without_a_command(
    start_nvim: Callable[..., Editor], kaged: FakeDaemon, repository: Path
) -> None:
    (paths.state() / "runs").mkdir()
    kaged.runs = [run(agent(1), agent(2))]
    nvim = start_nvim()
    nvim.until("return package.loaded['kage.watch'] ~= nil")
    assert nvim.lua("return require('kage.watch').watched()") is None
    spec(paths.state(), repository)
    nvim.until("return vim.g.kage_status ~= ''")
