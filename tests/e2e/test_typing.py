"""What is typed and pasted in an agent's pane, in a real tmux: nothing is cut, and a paste is one message."""

from __future__ import annotations

import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from kage_nvim.agent_runtime.screen import PROMPT
from tests.conftest import until
from tests.unit.agent.world import World, finish


class Typist:
    """An idle agent in a tmux of its own, and hands on its keyboard."""

    def __init__(self, world: World, folder: Path) -> None:
        self.world, self._folder = world, folder
        world.gateway.scripts = [finish(f"turn {number}") for number in range(9)]
        command = f"{sys.executable} -m kage_nvim.agent_runtime --spec {world.spec_file()}; stty -a; sleep 60"
        self.tmux("-f", "/dev/null", "new-session", "-d", "-x", "80", "-y", "24", command)
        until(lambda: "idle; type" in self.screen(), 15)

    def tmux(self, *arguments: str) -> str:
        argv = ["tmux", "-S", str(self._folder / "t"), *arguments]
        return subprocess.run(argv, check=True, capture_output=True, text=True).stdout

    def screen(self) -> str:
        return self.tmux("capture-pane", "-p", "-J")

    @property
    def line(self) -> str:
        """The last line, from the prompt on."""
        last = self.screen().rstrip().rpartition("\n")[2]
        return last[max(0, last.find(PROMPT)) :].rstrip()

    def keys(self, *names: str) -> None:
        self.tmux("send-keys", *names)

    def type(self, text: str) -> None:
        self.tmux("send-keys", "-l", "--", text)

    def paste(self, text: str) -> None:
        file = self._folder / "paste"
        file.write_text(text)
        self.tmux("load-buffer", str(file))
        self.tmux("paste-buffer", "-p")

    @property
    def heard(self) -> list[str]:
        return [event["text"] for event in self.world.events("steer")]

    def hears(self, *messages: str) -> None:
        until(lambda: self.heard == list(messages), 10, f"{messages} in {self.heard}")

    def is_idle(self, after: str) -> None:
        """Wait until it waits for words, the turn that said ``after`` being over."""
        until(lambda: after in self.screen() and self.line == PROMPT, 20, f"idle after {after}")


@pytest.fixture
def typist(tmp_path: Path) -> Iterator[Typist]:
    with tempfile.TemporaryDirectory(prefix="kage-t-") as folder:
        typist = Typist(World(tmp_path), Path(folder))
        try:
            yield typist
        finally:
            typist.tmux("kill-server")
            typist.world.close()


def test_a_line_with_second_thoughts(typist: Typist) -> None:
    typist.type("also handel\u3042")
    typist.keys("BSpace", "BSpace", "BSpace")
    typist.type("le None no")
    typist.keys("Left", "C-w")
    until(lambda: typist.line == f"{PROMPT} also handle None", 20)
    typist.keys("Enter")
    typist.hears("also handle None")
    typist.type("never mind")
    typist.keys("C-u", "x", "Enter")
    typist.hears("also handle None", "x")
    typist.is_idle("turn 2")  # else Ctrl-C would be for its turn, and the turn's words follow what is typed
    typist.type("void")
    until(lambda: typist.line.endswith("void"), 20)  # a terminal forgets at Ctrl-C what nobody has read
    typist.keys("C-c")  # idle: it only takes the line back
    until(lambda: "void^C" in typist.screen(), 20)
    typist.keys("y", "Enter")
    typist.hears("also handle None", "x", "y")


def test_a_long_line_is_not_cut(typist: Typist) -> None:
    long = "L" * 20_000 + "END"
    typist.paste(long)
    typist.keys("Enter")
    typist.hears(long)
    for _ in range(6):
        typist.type("w" * 1000)
    typist.keys("Enter")
    typist.hears(long, "w" * 6000)


def test_a_paste_of_many_lines_is_one_message(typist: Typist) -> None:
    typist.type("see: ")
    typist.paste("one\n  two\n\nthree\n")
    typist.keys("Enter")
    typist.hears("see: one\n  two\n\nthree")


def test_the_terminal_has_its_modes_again(typist: Typist) -> None:
    typist.world.daemon.push("stop")
    until(lambda: "speed" in typist.screen(), 10)
    assert {"icanon", "echo", "ixon", "icrnl", "iexten"} <= set(typist.screen().replace(";", " ").split())
