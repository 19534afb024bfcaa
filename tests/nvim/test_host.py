"""Requests, answers, pushes and questions between Lua and kaged, through the real remote plugin."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.errors import KageError
from tests.conftest import until
from tests.nvim.editor import Editor, alive
from tests.nvim.kaged import FakeDaemon, agent, run

ASK = """
  local method, params = ...
  local box = {}
  _G.boxes = _G.boxes or {}
  table.insert(_G.boxes, box)
  require("kage.host").request(method, params, function(err, result)
    box.err, box.result, box.done = err, result, true
  end)
  return #_G.boxes
"""


def ask(nvim: Editor, method: str, params: dict[str, Any]) -> Any:
    """Ask through kage.host; the answer is {err, result}."""
    box = nvim.lua(ASK, method, params)
    nvim.until("return _G.boxes[...].done", box)
    return nvim.lua("return _G.boxes[...]", box)


def test_importing_the_package_does_not_import_pynvim() -> None:
    code = "import kage_nvim, kage_nvim.model, sys; assert 'pynvim' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_a_request_gets_its_answer(nvim: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["status"] = lambda params: {"runs": [], "echo": params, "nothing": None}
    box = ask(nvim, "status", {"cwd": "/r", "all": True})
    assert box["result"] == {"runs": [], "echo": {"cwd": "/r", "all": True}}
    assert "err" not in box


def test_empty_parameters_arrive_as_an_object(nvim: Editor, kaged: FakeDaemon) -> None:
    ask(nvim, "doctor", {})
    assert kaged.asked("doctor") == [{}]


def test_an_error_keeps_its_fix(nvim: Editor, kaged: FakeDaemon) -> None:
    def refuse(_: object) -> None:
        raise KageError("no agent 9", fix="There are 1 to 3.", code="no_agent", data={"known": [1, 2, 3]})

    kaged.answers["stop"] = refuse
    err = ask(nvim, "stop", {"agent": 9})["err"]
    assert (err["message"], err["fix"], err["code"]) == ("no agent 9", "There are 1 to 3.", "no_agent")
    assert err["data"] == {"known": [1, 2, 3]}


def test_many_requests_overlap(nvim: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["log"] = lambda params: params["n"]
    nvim.lua(
        """_G.got = {}
        for i = 1, 200 do
          require("kage.host").request("log", { n = i }, function(_, n) table.insert(_G.got, n) end)
        end"""
    )
    nvim.until("return #_G.got == 200")
    assert nvim.lua("return _G.got") == list(range(1, 201))


def test_what_cannot_be_said_to_neovim_takes_nothing_else_with_it(nvim: Editor, kaged: FakeDaemon) -> None:
    kaged.answers["log"] = lambda params: 2**65 if params["n"] % 3 == 0 else params["n"]
    nvim.lua(
        """_G.got = {}
        for i = 1, 20 do
          require("kage.host").request("log", { n = i }, function(e, n) _G.got[i] = e and e.code or n end)
        end"""
    )
    nvim.until("return #_G.got == 20")
    assert nvim.lua("return _G.got") == ["unpackable" if n % 3 == 0 else n for n in range(1, 21)]
    with pytest.raises(KageError, match="cannot be told"):
        kaged.call("test.add", {"a": -(2**65)})


def test_pushes_reach_the_state(nvim: Editor, kaged: FakeDaemon) -> None:
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    nvim.until("return require('kage.host').status().link == 'up'")
    kaged.push([run(agent(1, activity="reads calc.py"))])
    nvim.until("return (require('kage.state').agent(1) or {}).activity == 'reads calc.py'")


def test_kaged_asks_and_lua_answers(nvim: Editor, kaged: FakeDaemon) -> None:
    nvim.lua(
        """local handle = require("kage.host").handle
        handle("test.add", function(params, reply) reply(nil, { sum = params.a + 1 }) end)
        handle("test.bad", function() error("broken") end)
        handle("test.empty", function(_, reply) reply(nil, {}) end)
        handle("test.no", function(_, reply) reply({ code = "no", message = "no" }) end)"""
    )
    ask(nvim, "status", {})
    assert kaged.call("test.add", {"a": 2}) == {"sum": 3}
    assert kaged.call("test.empty", {}) == {}
    for method, code in [("test.bad", "editor"), ("test.no", "no"), ("test.unknown", "unknown_method")]:
        with pytest.raises(KageError) as error:
            kaged.call(method, {})
        assert error.value.code == code


def host_pid(nvim: Editor) -> int:
    return int(nvim.lua("return vim.fn.jobpid(require('kage.host').status().channel)"))


def test_a_killed_host_is_replaced(nvim: Editor, kaged: FakeDaemon) -> None:
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    ask(nvim, "status", {})
    first = host_pid(nvim)
    gate: list[int] = []
    kaged.answers["wait"] = lambda _: gate.append(os.kill(first, signal.SIGKILL) or 1)
    box = ask(nvim, "wait", {})
    assert gate
    assert box["err"]["code"] == "host"
    assert box["err"]["fix"]
    assert "err" not in ask(nvim, "status", {})
    assert host_pid(nvim) != first


def test_with_agents_at_work_the_subscription_comes_back_by_itself(nvim: Editor, kaged: FakeDaemon) -> None:
    kaged.runs = [run(agent(1))]
    nvim.lua("require('kage.watch').ensure(vim.fn.getcwd())")
    nvim.until("return require('kage.state').run()")
    os.kill(host_pid(nvim), signal.SIGKILL)
    nvim.until("return require('kage.host').status().channel == nil")
    kaged.runs = [run(agent(1, "done"))]
    nvim.until("return require('kage.state').agent(1).state == 'done'")
    kaged.hang_up()
    kaged.runs = [run(agent(1, "failed"))]
    nvim.until("return require('kage.state').agent(1).state == 'failed'")


def test_the_host_ends_with_its_editor(nvim: Editor, kaged: FakeDaemon) -> None:
    ask(nvim, "status", {})
    pid = host_pid(nvim)
    nvim.close()
    until(lambda: not alive(pid), 5, "the host's end")


def test_a_repository_cannot_shadow_what_the_host_imports(
    nvim: Editor, kaged: FakeDaemon, repository: Path
) -> None:
    for name in ("kage_nvim", "msgspec", "asyncio"):
        (repository / f"{name}.py").write_text("raise SystemExit('imported from the working directory')")
    assert "err" not in ask(nvim, "status", {})


def test_without_an_environment_the_error_says_what_to_do(
    start_nvim: Callable[..., Editor], kaged: FakeDaemon
) -> None:
    nvim = start_nvim(init="vim.g.kage_python = '/nowhere/python'")
    err = ask(nvim, "status", {})["err"]
    assert "/nowhere/python" in err["message"]
    assert "vim.g.kage_python" in err["message"]
    assert ":help kage-install" in err["fix"]


def test_a_python_that_cannot_start_says_why(start_nvim: Callable[..., Editor], tmp_path: Path) -> None:
    python = tmp_path / "python"
    python.write_text("#!/bin/sh\necho 'no module of that name' >&2\nexit 3\n")
    python.chmod(0o755)
    nvim = start_nvim(init=f"vim.g.kage_python = '{python}'")
    err = ask(nvim, "status", {})["err"]
    assert "exit code 3" in err["message"]
    assert "no module of that name" in err["message"]


def test_update_remote_plugins_does_not_clash(start_nvim: Callable[..., Editor], kaged: FakeDaemon) -> None:
    init = f"vim.g.python3_host_prog = '{sys.executable}' vim.g.loaded_python3_provider = nil"
    first = start_nvim(init=init)
    ask(first, "status", {})
    first.command("UpdateRemotePlugins")
    manifest = Path(first.lua("return vim.g.loaded_remote_plugins")).read_text()
    assert "KageSend" in manifest
    assert "KageReply" in manifest
    first.close()
    kaged.requests.clear()
    kaged.answers["status"] = lambda params: {"from": params["from"]}
    second = start_nvim(init=init)
    assert second.lua("return vim.fn.exists('*KageSend')") == 0
    assert ask(second, "status", {"from": "own"})["result"] == {"from": "own"}
    second.lua(
        """require("kage.host").request("log", {}, function() end)
        local box = {}
        _G.theirs = box
        local host = require("kage.host")
        local take = host.on_messages
        host.on_messages = function(messages) vim.list_extend(box, messages) take(messages) end
        vim.fn.KageSend(12345, "status", { from = "theirs" })"""
    )
    second.until("for _, m in ipairs(_G.theirs) do if m.id == 12345 then return true end end")
    assert {"from": "theirs"} in kaged.asked("status")
    assert ask(second, "status", {"from": "own"})["result"] == {"from": "own"}
