"""What a pane shows."""

from __future__ import annotations

import fcntl
import os
import pty
import struct
import termios
import threading
from pathlib import Path

from kage_nvim.agent_runtime.screen import Screen
from kage_nvim.model import State, Task
from tests.unit.agent.world import World


def shown(tmp_path: Path) -> tuple[Screen, Path]:
    path = tmp_path / "screen"
    return Screen(os.open(path, os.O_WRONLY | os.O_CREAT)), path


def test_a_turn_reads_top_to_bottom(world: World, tmp_path: Path) -> None:
    screen, path = shown(tmp_path)
    spec = world.spec(
        role="security", model="recorded: right", task=Task(text="Fix it\nnow", variants={1: "fast"})
    )
    screen.header(spec, resumed=True)
    screen.words("Let me ")
    screen.words("look.")
    screen.call("read a.py")
    screen.result(True, "lines 1-2 of 2")
    screen.steer("also None")
    screen.notice("waiting")
    screen.state(State.DONE, "fixed it")
    screen.prompt()
    assert path.read_text().splitlines() == [
        "kage 1 · fast · recorded: right · security",
        "Fix it",
        "fast",
        "resumed from its log",
        "",
        "Let me look.",
        "● read a.py → lines 1-2 of 2",
        "\N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} also None",
        "waiting",
        "done: fixed it",
        "idle; type to go on, Ctrl-C twice to end \N{SINGLE RIGHT-POINTING ANGLE QUOTATION MARK} ",
    ]


def test_a_line_typed_meanwhile_does_not_swallow_the_call(tmp_path: Path) -> None:
    screen, path = shown(tmp_path)
    screen.call("shell make")
    screen.typed()
    screen.result(False, "exit 1")
    assert path.read_text() == "● shell make● shell make → exit 1\n"


def test_output_split_within_a_character(tmp_path: Path) -> None:
    screen, path = shown(tmp_path)
    for byte in "日\n".encode():
        screen.output(bytes([byte]))
    assert path.read_text() == "日\n"


def test_a_tool_line_fits_a_narrow_pane_and_is_coloured() -> None:
    outer, inner = pty.openpty()
    fcntl.ioctl(inner, termios.TIOCSWINSZ, struct.pack("HHHH", 20, 60, 0, 0))
    screen = Screen(inner)
    screen.call("shell " + "x" * 200)
    screen.result(True, "exit 0, 12 lines")
    text = os.read(outer, 4096).decode()
    line = text.replace("\x1b[36m", "").replace("\x1b[2m", "").replace("\x1b[0m", "").strip()
    assert "\x1b[36m●" in text and len(line) <= 60, line
    os.close(inner)
    os.close(outer)


def test_a_terminal_that_is_gone_is_no_error() -> None:
    outer, inner = pty.openpty()
    screen = Screen(inner)
    os.close(outer)
    thread = threading.Thread(target=screen.words, args=("hello\n",))
    thread.start()
    thread.join(2)
    assert not thread.is_alive()
    os.close(inner)
