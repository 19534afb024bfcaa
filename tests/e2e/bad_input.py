"""What the tables of bad input share: a row, how it is played, and what must hold whatever happened."""

from __future__ import annotations

import subprocess
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from kage_nvim import paths
from tests.e2e.stage import Stage, digest
from tests.fixtures.model_server import Reply

WRITES = [
    Reply(tool_calls=[("write", {"path": "made.txt", "content": "made\n"})]),
    Reply(tool_calls=[("finish", {"summary": "made it"})]),
]
"""A player that adds one file."""


@dataclass
class Row:
    """One bad input: what is arranged, what is typed, how it ends and which words must be said.

    ``at`` is the folder that it is typed in, seen from the repository; ``stdin`` what comes by the pipe.
    """

    name: str
    words: list[str]
    code: int
    says: list[str]
    arrange: Callable[[Path], None] = lambda root: None
    at: str = "."
    stdin: bytes = b""
    environment: dict[str, str] = field(default_factory=dict)

    def __str__(self) -> str:
        return self.name


def kage(
    stage: Stage, words: list[str], *, at: Path | None = None, stdin: bytes = b"", **more: str
) -> subprocess.CompletedProcess[str]:
    """``kage WORDS`` typed in a folder; its output holds no traceback, whatever happened."""
    env = stage.environment | more
    done = stage.kage(words, cwd=at or stage.repository, env=env, timeout=60, stdin=stdin)
    assert "Traceback" not in done.stdout + done.stderr, done.stderr
    return done


def play(stage: Stage, row: Row) -> str:
    """Play a row and hold it to what it says; the user's files are as they were. Returns stderr."""
    row.arrange(stage.repository)
    before = digest(stage.repository)
    done = kage(stage, row.words, at=stage.repository / row.at, stdin=row.stdin, **row.environment)
    assert done.returncode == row.code, f"{done.returncode}: {done.stdout}{done.stderr}{stage.logs()}"
    for words in row.says:
        assert words in done.stderr, f"{words!r} is not in:\n{done.stderr}"
    assert digest(stage.repository) == before
    return done.stderr


def nothing_taken(stage: Stage) -> None:
    """No pane, no slot that is taken, no run's folder."""
    assert stage.panes() == []
    assert list(paths.data().glob("stores/*/slots/*/claim")) == []
    assert list((paths.state() / "runs").glob("*")) == []


def nothing_left(stage: Stage) -> None:
    """The same, and kaged knows no run."""
    nothing_taken(stage)
    assert stage.json("status", "--all")["runs"] == []
