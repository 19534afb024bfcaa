"""Slots: any number at once, clean whatever an earlier agent left, whole after a crash."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from kage_nvim.errors import KageError
from kage_nvim.orchestrator import folders, include, slots
from kage_nvim.orchestrator.shadow import Store
from tests.conftest import git
from tests.unit.git.support import content, fingerprint, make, on_disk, put, store_of

ACQUIRE = """
import sys
from pathlib import Path
from kage_nvim.orchestrator import slots
from kage_nvim.orchestrator.shadow import Store, discover
store = Store.open(discover(Path(sys.argv[1])))
print(slots.acquire(store, sys.argv[2], held=set()).number, flush=True)
sys.stdin.read()
"""


DAMAGE = [
    *("closed", "deep", "link", "file", "index", "lock", "git_folder", "pipe"),
    *("tree", "repo.git", "home", "claim"),
]


@pytest.fixture
def store(repository: Path) -> Store:
    (repository / "run.sh").write_text("#!/bin/sh\r\n")
    (repository / "run.sh").chmod(0o755)
    (repository / "link").symlink_to("calc.py")
    return store_of(repository)


def agent_git(slot: slots.Slot, *args: str) -> str:
    """git as the agent runs it."""
    return git(slot.tree, *args, env={"PATH": os.environ["PATH"], "HOME": str(slot.home)})


def test_a_slot_is_the_snapshot_and_the_agents_git_works(store: Store) -> None:
    before = fingerprint(store.repository.root)
    base = store.snapshot({"calc.py": b"unsaved\r\n"})
    slot = slots.acquire(store, base.commit, held=set())
    assert slot.number == 1
    assert on_disk(slot.tree) == content(store, base.tree)
    assert agent_git(slot, "status", "--porcelain") == ""
    assert agent_git(slot, "log", "--format=%s").splitlines()[-1] == "first"
    put(slot.tree, {"calc.py": b"mine\r\n", "new": b"x"})
    agent_git(slot, "switch", "-q", "-c", "work")
    agent_git(slot, "add", "-A")
    agent_git(slot, "commit", "-q", "-m", "work")
    assert agent_git(slot, "log", "-1", "--format=%an") == "Kage agent 1"
    assert agent_git(slot, "cat-file", "-s", "HEAD:calc.py") == "6"
    agent_git(slot, "gc", "-q")
    agent_git(slot, "worktree", "list")
    assert agent_git(slot, "fsck", "--no-dangling") == ""
    # Outside a sandbox the agent's git touches the time stamps of objects that it finds in the user's.
    after = fingerprint(store.repository.root)
    assert {name: (mode, data) for name, (mode, _, data) in after.items()} == {
        name: (mode, data) for name, (mode, _, data) in before.items()
    }


def test_reuse_leaves_nothing_of_the_earlier_agent(store: Store) -> None:
    base = store.snapshot({})
    slot = slots.acquire(store, base.commit, held=set())
    put(slot.tree, {"calc.py": b"x", "new/x": b"", ".gitignore": b"ignored\n", "ignored": b"", "tmp/x": b""})
    put(slot.home, {".bashrc": b"evil"})
    put(slot.tmp, {"x": b"y"})
    make(slot.tree / "inner", x=b"")
    (slot.tree / "run.sh").chmod(0o644)
    (slot.tree / "README.md").unlink()
    agent_git(slot, "config", "core.fsmonitor", "evil")
    slots.release(slot)
    assert not slot.home.exists()
    again = slots.acquire(store, store.snapshot({"calc.py": b"second"}).commit, held=set())
    assert again == slot
    assert on_disk(slot.tree) == content(store, base.tree) | {"calc.py": ("100644", b"second")}
    assert list(slot.home.iterdir()) == list(slot.tmp.iterdir()) == []
    assert "evil" not in (slot.repo_git / "config").read_text()
    assert agent_git(slot, "status", "--porcelain") == ""


@pytest.mark.parametrize("damage", DAMAGE)
def test_reuse_after_damage(store: Store, tmp_path: Path, damage: str) -> None:
    base = store.snapshot({})
    slot = slots.acquire(store, base.commit, held=set())
    outside = tmp_path / "outside"
    put(outside, {"precious": b"p"})
    if damage == "closed":
        put(slot.tree, {"shut/x": b""})
        (slot.tree / "shut").chmod(0)
        (slot.tree / "calc.py").chmod(0)
    elif damage == "deep":
        script = "import os\nfor n in range(1500): os.mkdir('d'), os.chdir('d')"
        subprocess.run([sys.executable, "-c", script], cwd=slot.tree, check=True)
    elif damage in ("link", "file"):
        folders.remove(slot.tree)
        slot.tree.symlink_to(outside) if damage == "link" else slot.tree.write_text("")
    elif damage == "index":
        slot.index.write_bytes(b"garbage")
    elif damage == "lock":
        (slot.folder / "index.lock").write_bytes(b"")
    elif damage == "git_folder":
        (slot.tree / ".git").unlink()
        put(slot.tree / ".git", {"config": b"[core]\n\tfsmonitor = touch hacked\n"})
    elif damage == "pipe":
        os.mkfifo(slot.tree / ".gitignore")
        (slot.tree / "sub" / ".git").mkdir(parents=True)
        os.mkfifo(slot.tree / "sub" / ".git" / "HEAD")
    else:
        folders.remove(slot.folder / damage)
    slots.release(slot)
    again = slots.acquire(store, base.commit, held=set())
    assert on_disk(again.tree) == content(store, base.tree)
    assert agent_git(again, "status", "--porcelain") == ""
    assert (outside / "precious").read_bytes() == b"p"


def test_twenty_at_once(store: Store) -> None:
    base = store.snapshot({})
    with ThreadPoolExecutor(20) as pool:
        taken = list(pool.map(lambda _: slots.acquire(store, base.commit, held=set()), range(20)))
    assert sorted(slot.number for slot in taken) == list(range(1, 21))
    wanted = content(store, base.tree)
    assert all(on_disk(slot.tree) == wanted for slot in taken)
    for slot in taken:
        slots.release(slot)
    with ThreadPoolExecutor(20) as pool:
        again = list(pool.map(lambda _: slots.acquire(store, base.commit, held={3, 4}), range(20)))
    assert sorted(slot.number for slot in again) == [1, 2, *range(5, 23)]


def test_two_processes_and_a_dead_one(store: Store) -> None:
    base = store.snapshot({}).commit
    command = [sys.executable, "-c", ACQUIRE, str(store.repository.root), base]
    both = [
        subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) for _ in range(2)
    ]
    try:
        numbers = {int(process.stdout.readline()) for process in both if process.stdout}
        assert numbers == {1, 2}
        assert slots.acquire(store, base, held=set()).number == 3
    finally:
        for process in both:
            process.kill()
            process.communicate()
    assert slots.acquire(store, base, held={1}).number == 2


@pytest.mark.parametrize("point", ["intent", "action", "done"])
@pytest.mark.parametrize("reused", [False, True])
def test_killed_while_making_a_slot(store: Store, point: str, reused: bool) -> None:
    base = store.snapshot({})
    if reused:
        slots.release(slots.acquire(store, base.commit, held=set()))
    done = subprocess.run(
        [sys.executable, "-c", ACQUIRE, str(store.repository.root), base.commit],
        env={**os.environ, "KAGE_FAIL_AT": f"slot.acquire.{point}"},
        stdin=subprocess.DEVNULL,
        check=False,
    )
    assert done.returncode == -signal.SIGKILL
    slot = slots.acquire(store, base.commit, held=set())
    assert slot.number == 1
    assert on_disk(slot.tree) == content(store, base.tree)
    assert agent_git(slot, "status", "--porcelain") == ""


def test_failure_names_the_fix_and_leaves_nothing(store: Store) -> None:
    with pytest.raises(KageError) as error:
        slots.acquire(store, "0" * 40, held=set())
    assert error.value.code == "slot"
    assert error.value.fix
    assert slots.numbers(store) == []


def test_full_disk(store: Store) -> None:
    if os.getuid():
        pytest.skip("only root can mount a small disk")
    base = store.snapshot({"big": os.urandom(400_000)}).commit
    (store.folder / "slots").mkdir()
    script = (
        f"mount -t tmpfs -o size=200k tmpfs '{store.folder}/slots' || exit 77; exec '{sys.executable}' -c "
        "'import sys; from pathlib import Path; from kage_nvim.orchestrator import slots; "
        "from kage_nvim.orchestrator.shadow import Store, discover\n"
        "store = Store.open(discover(Path(sys.argv[1])))\n"
        "try: slots.acquire(store, sys.argv[2], held=set())\n"
        'except Exception as e: print(e.code, e.fix, slots.numbers(store))\' "$@"'
    )
    done = subprocess.run(
        ["unshare", "-m", "sh", "-c", script, "sh", str(store.repository.root), base],
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 77 or "unshare" in done.stderr:
        pytest.skip("no mounts here")
    assert done.stdout.startswith("slot Free some space"), done.stderr
    assert done.stdout.rstrip().endswith("[]")


def test_worktreeinclude(tmp_path: Path) -> None:
    root = make(
        tmp_path / "p",
        **{".gitignore": b".env*\nlocal/\n*.log\n", ".worktreeinclude": b".env.test\nlocal/*.toml\nREADME\n"},
    )
    put(
        root,
        {
            ".env.test": b"A=1",
            ".env": b"no",
            "local/a.toml": b"t",
            "local/b": b"",
            "README": b"",
            "x.log": b"",
        },
    )
    store = store_of(root)
    files = include.included(store.repository, store, store.scratch)
    assert files == [".env.test", "local/a.toml"]
    slot = slots.acquire(store, store.snapshot({}).commit, held=set())
    assert slots.prepare(store, slot, files) == files
    assert (slot.tree / "local" / "a.toml").read_bytes() == b"t"
    assert slot.included() == files
    slots.release(slot)
    assert slots.acquire(store, store.snapshot({}).commit, held=set()).included() == []


def test_destroy(store: Store) -> None:
    slot = slots.acquire(store, store.snapshot({}).commit, held=set())
    slots.destroy(slot)
    assert slots.numbers(store) == []
