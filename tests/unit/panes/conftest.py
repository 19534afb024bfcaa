"""A real tmux server on a private socket for each test, standing for the user's."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from kage_nvim.orchestrator.tmux.panes import PaneRequest, Panes


class User:
    """A user's tmux: one window whose first pane stands for the editor."""

    def __init__(self, folder: Path, conf: str, size: tuple[int, int]) -> None:
        self.socket = folder / "user"
        self.own = folder / "own"
        (folder / "tmux.conf").write_text(conf)
        self.conf = folder / "tmux.conf"
        width, height = size
        self.editor = self.tmux(
            *("new-session", "-d", "-s", "work", "-x", str(width), "-y", str(height)),
            *("-P", "-F", "#{pane_id}", "env", "cat"),
        )
        pid = self.tmux("display-message", "-p", "#{pid}")
        self.TMUX = f"{self.socket},{pid},0"

    def tmux(self, *arguments: str, socket: Path | None = None, check: bool = True) -> str:
        """Run tmux as the user would and return what it prints."""
        command = ["tmux", "-f", str(self.conf), "-S", str(socket or self.socket), *arguments]
        return subprocess.run(command, capture_output=True, text=True, check=check).stdout.rstrip("\n")

    def panes(self) -> Panes:
        """What a client inside this tmux hands to kaged, as ``Panes``."""
        return Panes(self.TMUX, self.editor, own_socket=self.own)

    def sizes(self, *, socket: Path | None = None) -> dict[str, tuple[int, int]]:
        """Width and height of every pane, by id."""
        lines = self.tmux("list-panes", "-a", "-F", "#{pane_id} #{pane_width} #{pane_height}", socket=socket)
        return {p: (int(w), int(h)) for p, w, h in (line.split() for line in lines.splitlines())}

    def places(self, panes: list[str]) -> list[str]:
        """Place, size and window of those panes, in words that compare."""
        form = "#{pane_id} #{window_id} #{pane_left},#{pane_top} #{pane_width}x#{pane_height}"
        lines = self.tmux("list-panes", "-a", "-F", form).splitlines()
        return sorted(line for line in lines if line.split()[0] in panes)

    def end(self) -> None:
        """End the two servers of this test and no other."""
        for socket in (self.socket, self.own):
            self.tmux("kill-server", socket=socket, check=False)


@pytest.fixture
def user() -> Iterator[Callable[..., User]]:
    """Makes a user's tmux: ``user(size=(columns, rows), conf="…")``."""
    # A socket's path has room for 107 bytes, which pytest's folders can exceed.
    folder = Path(tempfile.mkdtemp(prefix="kt", dir="/tmp"))
    made: list[User] = []

    def make(size: tuple[int, int] = (240, 50), conf: str = "") -> User:
        made.append(User(folder, conf, size))
        return made[-1]

    yield make
    for one in made:
        one.end()
    shutil.rmtree(folder)


def requests(*numbers: int, argv: list[str] | None = None) -> list[PaneRequest]:
    """Agents that say their number and wait."""
    say = argv or ["sh", "-c", 'echo "agent $KAGE_AGENT"; exec cat']
    path = os.environ["PATH"]
    return [PaneRequest(n, f"kage {n} · fast", say, {"KAGE_AGENT": str(n), "PATH": path}) for n in numbers]
