"""A user's machine in small: a home with secrets, a repository, and slots as kaged makes them."""

from __future__ import annotations

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from kage_nvim import sandbox
from kage_nvim.model import Profile
from kage_nvim.sandbox import Completed, alternates
from kage_nvim.sandbox import slot as slots
from tests.conftest import git

SYSTEM_PATH = "/usr/local/bin:/usr/bin:/bin"


class Machine:
    """Folders of one user; ``slot(n)`` makes an agent's slot on the repository."""

    def __init__(self, folder: Path, home: Path, repository: Path | None = None) -> None:
        self.folder, self.home = folder, home
        self.repository = repository or folder / "project"
        self.store = folder / "store.git"
        folder.mkdir()
        self.repository.mkdir(parents=True)
        git(self.repository, "init", "-q")
        (self.repository / "calc.py").write_text("def add(a, b):\n    return a + b\n")
        (self.repository / "test_calc.py").write_text(
            "from calc import add\n\n\ndef test_add():\n    assert add(2, 3) == 5\n"
        )
        (self.repository / ".gitignore").write_text(".venv\nnode_modules\n")
        git(self.repository, "add", "-A")
        git(self.repository, "commit", "-q", "-m", "first")
        git(folder, "init", "-q", "--bare", str(self.store))
        borrowed = alternates.listed([self.repository / ".git/objects"])
        (self.store / "objects/info/alternates").write_bytes(borrowed)

    def slot(self, number: int = 1, env: Mapping[str, str] | None = None, **options: Any) -> Profile:
        """A slot with its worktree and git directory, and the profile that it is seen through."""
        slot = self.folder / "slots" / str(number)
        if not slot.exists():
            slot.mkdir(parents=True)
            bare = slot / "repo.git"
            git(slot, "init", "-q", "--bare", str(bare))
            borrowed = alternates.listed([self.store / "objects", self.repository / ".git/objects"])
            (bare / "objects/info/alternates").write_bytes(borrowed)
            head = git(self.repository, "rev-parse", "HEAD")
            git(bare, "worktree", "add", "-q", "--detach", str(slot / "tree"), head)
        made = {
            "mode": "on",
            "slot_tree": slot / "tree",
            "slot_git": slot / "repo.git",
            "slot_home": slot / "home",
            "slot_tmp": slot / "tmp",
            "objects": [self.store / "objects", self.repository / ".git/objects"],
            "repository": self.repository,
            "client_env": {"HOME": str(self.home), "PATH": SYSTEM_PATH} | dict(env or {}),
            "number": number,
            "ports": 20000 + 10 * number,
        }
        slots._environments.cache_clear()
        return sandbox.profile(**(made | options))


def run(profile: Profile, *command: str, **options: Any) -> Completed:
    """Run a command (one word: a line of shell) in the slot and wait for it."""
    words = ["sh", "-c", command[0]] if len(command) == 1 else list(command)
    return asyncio.run(sandbox.run(profile, words, **options))


def said(profile: Profile, line: str, **options: Any) -> str:
    """What a line of shell prints, which must succeed."""
    done = run(profile, line, **options)
    assert done.returncode == 0, done.output.decode(errors="replace")
    return done.output.decode().rstrip("\n")


def program(path: Path, text: str) -> None:
    """Write an executable script."""
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    path.chmod(0o755)


def host_path() -> str:
    """The PATH of whoever runs the tests."""
    return os.environ["PATH"]
