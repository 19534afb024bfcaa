"""What the benchmarks stand on: a private machine, a repository of any size, figures printed as ratios."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
KEEP = ("PATH", "LANG", "PYENV_ROOT", "PYENV_VERSION")


@contextmanager
def machine(files: int, more: Callable[[Path], None] = lambda _: None) -> Iterator[object]:
    """A stage with a HOME of its own and a repository of so many files, and what ``more`` writes there;
    nothing of it stays."""
    home = Path(tempfile.mkdtemp(prefix="kage-benchmark-")).resolve()
    for name in list(os.environ):
        if name not in KEEP:
            del os.environ[name]
    os.environ |= {"HOME": str(home), "GIT_CONFIG_NOSYSTEM": "1", "LANG": os.environ.get("LANG", "C.UTF-8")}
    (home / ".gitconfig").write_text("[user]\n\tname = Ada\n\temail = ada@example.org\n")
    from kage_nvim import paths
    from tests.e2e.stage import Stage

    stage = Stage(home, repository(home / "project", files, more))
    stage.environment["KAGE_LINGER"] = "30"
    sockets = paths.sockets()
    try:
        yield stage
    finally:
        subprocess.run(["tmux", "-S", str(sockets / "tmux"), "kill-server"], capture_output=True, check=False)
        stage.close()
        shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(home, ignore_errors=True)


def repository(root: Path, files: int, more: Callable[[Path], None] = lambda _: None) -> Path:
    """A repository of so many Python files of 2 kB, 50 to a folder, and what ``more`` writes there."""
    root.mkdir(parents=True, exist_ok=True)
    more(root)
    for number in range(files):
        path = root / f"package{number // 50}" / f"module{number}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(f"VALUE = {number}\n" + "# what a line of source looks like\n" * 60)
    for words in (["init", "-q"], ["add", "-A"], ["commit", "-q", "-m", "first"]):
        subprocess.run(["git", *words], cwd=root, check=True)
    return root


def seconds(action: Callable[[], object]) -> float:
    """How long an action takes."""
    began = time.perf_counter()
    action()
    return time.perf_counter() - began
