"""The agent as kaged starts it: a real process in a real terminal, driven by kaged's pushes and by keys."""

from __future__ import annotations

import contextlib
import fcntl
import os
import pty
import select
import signal
import struct
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from kage_nvim.agent_runtime.log import recover
from kage_nvim.agent_runtime.runner import main
from tests.conftest import until
from tests.unit.agent.world import World, call, fail, finish, hang, say

PROJECT = Path(__file__).resolve().parents[2]


class Pane:
    """An agent process with a terminal of its own, 60 columns wide."""

    def __init__(self, world: World, *arguments: str, python: tuple[str, ...] = (), **changes: Any) -> None:
        spec = world.spec_file(**changes)
        self._outer, inner = pty.openpty()
        fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
        command = [sys.executable, *python, "-m", "kage_nvim.agent_runtime", "--spec", str(spec), *arguments]
        env = {"PATH": os.environ["PATH"], "TERM": "screen-256color", "LANG": "C.UTF-8"}
        self.started = time.monotonic()
        self.process = subprocess.Popen(
            ["env", "-i", *(f"{name}={value}" for name, value in env.items()), *command],
            stdin=inner,
            stdout=inner,
            stderr=inner,
            start_new_session=True,
            cwd=world.worktree,
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),
        )
        os.close(inner)
        self.output = b""
        self._closing = False
        self._reader = threading.Thread(target=self._read, daemon=True)
        self._reader.start()

    def _read(self) -> None:
        with contextlib.suppress(OSError):
            while not self._closing:
                if select.select([self._outer], [], [], 0.02)[0]:
                    self.output += os.read(self._outer, 65536)

    @property
    def text(self) -> str:
        return self.output.decode("utf-8", "replace").replace("\r\n", "\n")

    def shows(self, text: str) -> None:
        until(lambda: text in self.text, what=f"{text!r} in\n{self.text}")

    def type(self, keys: str) -> None:
        os.write(self._outer, keys.encode())

    def hang_up(self) -> None:
        if not self._closing:
            self._closing = True
            self._reader.join()
            os.close(self._outer)

    def ended(self, seconds: float = 5.0) -> int:
        return self.process.wait(seconds)

    def close(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        self.hang_up()


Start = Callable[..., Pane]


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    world = World(tmp_path, mode="on")
    yield world
    world.close()


@pytest.fixture
def start(world: World) -> Iterator[Start]:
    panes: list[Pane] = []

    def make(*arguments: str, **changes: Any) -> Pane:
        panes.append(Pane(world, *arguments, **changes))
        return panes[-1]

    yield make
    for pane in panes:
        pane.close()


def test_a_whole_life(world: World, start: Start) -> None:
    (world.worktree / "a").write_text("hello\n")
    world.gateway.scripts = [
        say("Let me look.", call("shell", command="cat a")),
        say("", call("edit", path="a", old="hello", new="bye")),
        finish("Said bye"),
    ]
    pane = start()
    report = world.daemon.until_state("done")
    assert (report["reason"], report["turn"], report["tokens_in"]) == ("Said bye", 1, 300)
    assert report["cost_usd"] == pytest.approx(0.03)
    assert (world.worktree / "a").read_text() == "bye\n"
    pane.shows("idle; type to go on")
    world.gateway.scripts = [say("It was asked for.")]
    world.daemon.push("steer", text="why?")
    until(lambda: world.daemon.reports[-1]["turn"] == 2 and world.daemon.state == "done")
    assert world.daemon.reports[-1]["reason"] == "It was asked for."
    world.gateway.scripts = [finish("Typed")]
    pane.type("and this\n")
    until(lambda: world.daemon.reports[-1]["turn"] == 3 and world.daemon.state == "done")
    assert world.gateway.messages()[-1]["content"] == "and this"
    world.daemon.push("stop")
    assert pane.ended() == 0
    assert world.daemon.state == "done", "what was done stays done"


def test_the_token_is_in_no_argv_and_no_log(world: World, start: Start) -> None:
    world.gateway.scripts = [
        say("", call("shell", command="env; cat /proc/1/environ /proc/*/cmdline")),
        finish(),
    ]
    pane = start()
    world.daemon.until_state("done")
    argv = Path(f"/proc/{pane.process.pid}/cmdline").read_bytes()
    assert b"agent-token" not in argv + world.log.read_bytes() + pane.output


def test_lines_fit_a_pane_of_60_columns_and_hold_no_foreign_escapes(world: World, start: Start) -> None:
    evil = "\x1b]52;c;aGFoYQ==\x07\x1b]2;title\x07"
    world.gateway.scripts = [
        say(evil + "words", call("shell", command="true " + "x" * 99)),
        finish(evil + "ok"),
    ]
    pane = start()
    pane.shows("idle; type")
    assert b"\x1b]" not in pane.output and b"\x07" not in pane.output
    line = next(line for line in pane.text.split("\n") if "shell true" in line)
    assert len(line.replace("\x1b[36m", "").replace("\x1b[2m", "").replace("\x1b[0m", "")) <= 60


def test_ctrl_c_interrupts_and_twice_ends(world: World, start: Start) -> None:
    world.gateway.scripts = [say("", call("shell", command="touch begun; sleep 60"))]
    pane = start()
    until((world.worktree / "begun").exists)
    pane.type("\x03")
    report = world.daemon.until_state("interrupted")
    assert report["reason"] == "interrupted by Ctrl-C"
    pane.shows("idle; type")
    pane.type("\x03")
    assert pane.ended() == 0


def test_kaged_interrupts_a_command_and_a_model_call(world: World, start: Start) -> None:
    """benchmarks/interrupt.py has the seconds."""
    world.gateway.scripts = [say("", call("shell", command="touch begun; sleep 60")), hang()]
    pane = start()
    until((world.worktree / "begun").exists)
    for after in ("go on", ""):
        at = len(world.daemon.reports)
        world.daemon.push("interrupt")
        until(lambda at=at: any(r["state"] == "interrupted" for r in world.daemon.reports[at:]))  # type: ignore[misc]
        if after:
            world.daemon.push("steer", text=after)
            pane.shows("Let me think")


@pytest.mark.parametrize("how", ["stop", "hang up", "terminate"])
def test_the_ways_to_end_it(world: World, start: Start, how: str) -> None:
    world.gateway.scripts = [say("", call("shell", command="touch begun; sleep 60"))]
    pane = start()
    until((world.worktree / "begun").exists)
    if how == "stop":
        world.daemon.push("stop")
    elif how == "hang up":
        pane.hang_up()
    else:
        pane.process.send_signal(signal.SIGTERM)
    assert pane.ended() == 0
    assert world.daemon.state == "stopped"
    assert world.events("state")[-1]["state"] == "stopped"


def test_killed_at_any_time_it_resumes(world: World, start: Start) -> None:
    world.gateway.scripts = [say("", call("write", path="a", content="x")), hang()]
    pane = start()
    pane.shows("Let me think")
    pane.process.send_signal(signal.SIGKILL)
    pane.ended()
    world.gateway.scripts = [finish("went on")]
    again = start("--resume")
    report = world.daemon.until_state("done")
    assert (report["turn"], report["reason"], report["tokens_in"]) == (1, "went on", 200)
    assert "resumed from its log" in again.text
    told = world.gateway.messages()
    assert [message["role"] for message in told] == ["system", "user", "assistant", "tool", "user"]
    world.daemon.push("stop")
    again.ended()
    idle = start("--resume")
    idle.shows("idle; type")
    assert "done: went on" in idle.text and len(world.gateway.bodies) == 3


@pytest.mark.parametrize("delay", [0.0, 0.003, 0.01, 0.02, 0.04])
def test_what_the_model_was_told_is_in_the_log_of_a_killed_agent(
    world: World, start: Start, delay: float
) -> None:
    steps = [
        say("step", call("write", path="a", content="x" * n), call("read", path="a")) for n in range(200)
    ]
    world.gateway.scripts = [*steps, finish()]
    pane = start()
    until(lambda: len(world.gateway.bodies) > 3)
    time.sleep(delay)
    pane.process.send_signal(signal.SIGKILL)
    pane.ended()
    assert world.log.read_bytes().endswith(b"\n") and world.events()
    messages = recover(str(world.log)).messages
    told = world.gateway.messages()
    assert messages[: len(told)] == told
    calls = [call["id"] for message in messages for call in message.get("tool_calls", [])]
    assert calls == [message["tool_call_id"] for message in messages if message["role"] == "tool"]


def test_a_pasted_text_is_one_turn(world: World, start: Start) -> None:
    world.gateway.scripts = [finish(), finish("both")]
    pane = start()
    pane.shows("idle; type")
    pane.type("first line\nsecond line\n")
    until(lambda: world.daemon.state == "done" and world.daemon.reports[-1]["turn"] == 2)
    assert [message["content"] for message in world.gateway.messages()[-2:]] == ["first line", "second line"]


def test_kaged_may_be_killed_meanwhile(world: World, start: Start) -> None:
    world.gateway.scripts = [
        say("", call("shell", command="touch begun; while ! [ -e go ]; do sleep .02; done"))
    ]
    world.gateway.scripts.append(finish())
    start()
    until((world.worktree / "begun").exists)
    world.daemon.stop()
    (world.worktree / "go").touch()
    until(lambda: world.events("summary"))
    world.daemon.reports.clear()
    world.daemon.start()
    world.daemon.until_state("done")


def test_missing_keys_delivered(world: World, start: Start) -> None:
    world.gateway.scripts = [fail(428, "keys_missing", names=["OPENAI_API_KEY"]), finish()]
    start()
    assert world.daemon.until_state("waiting")["reason"] == "keys: OPENAI_API_KEY"
    world.daemon.until_state("done")


def test_an_internal_error_is_one_line_and_no_traceback(world: World, start: Start) -> None:
    world.gateway.scripts = [lambda exchange: exchange.whole(200, {"choices": "what?"})]
    pane = start()
    report = world.daemon.until_state("failed")
    pane.shows("idle; type")
    assert report["reason"].startswith("internal error: ")
    assert "Traceback" not in pane.text and "Traceback" in world.events("error")[0]["text"]
    world.gateway.scripts = [finish()]
    pane.type("again\n")
    world.daemon.until_state("done")


def test_a_command_player(world: World, start: Start) -> None:
    pane = start(command=["sh", "-c", "echo working; cat $1 > got; exit 4", "x", "{task_file}"])
    report = world.daemon.until_state("failed")
    assert (report["reason"], report["cost_usd"]) == ("exit 4: working", None)
    pane.shows("working")
    assert "Make it faster" in (world.worktree / "got").read_text()


def test_a_restarted_agent_goes_on_counting(world: World, start: Start) -> None:
    """kaged has put its first log aside by then."""
    world.gateway.scripts = [finish()]
    start()
    cost = world.daemon.until_state("done")["cost_usd"]
    world.log.rename(world.log.with_name("log-17.jsonl"))
    world.daemon.reports.clear()
    world.gateway.scripts = [finish()]
    start()
    assert world.daemon.until_state("done")["cost_usd"] == pytest.approx(2 * cost)
    assert min(report["cost_usd"] for report in world.daemon.reports) >= cost


def test_an_unpriced_agent_never_shows_zero(world: World, start: Start) -> None:
    world.gateway.scripts = [say("", call("finish", summary="x"), cost=None)]
    start(priced=False)
    world.daemon.until_state("done")
    assert {report["cost_usd"] for report in world.daemon.reports} == {None}


def test_wrong_arguments(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 2
    assert "usage" in capsys.readouterr().err
    assert main(["--spec", str(tmp_path / "none")]) == 1
    (tmp_path / "bad").write_text('{"run": 3}')
    assert main(["--spec", str(tmp_path / "bad")]) == 1
    assert "Traceback" not in capsys.readouterr().err


def test_it_stays_small(world: World, start: Start) -> None:
    """Resident memory at the end of a turn; benchmarks/agent_start.py has the seconds."""
    world.gateway.scripts = [say("", call("shell", command="seq 200000")), finish()]
    pane = start()
    pane.shows("idle; type")
    status = Path(f"/proc/{pane.process.pid}/status").read_text()
    assert int(status.split("VmHWM:")[1].split()[0]) < 45 * 1024


def test_it_imports_nothing_heavy(world: World) -> None:
    code = "import sys, kage_nvim.agent_runtime.runner; print(*sys.modules)"
    loaded = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    heavy = {"litellm", "pynvim", "aiohttp", "git", "libtmux", "sqlite3", "http", "pydantic"}
    assert not heavy & set(loaded.stdout.split())
