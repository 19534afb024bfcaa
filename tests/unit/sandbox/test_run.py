"""Running a command: its output, its ends, and what is left of it."""

from __future__ import annotations

import asyncio
import contextlib
import os
import subprocess
from pathlib import Path

import msgspec
import pytest

from kage_nvim import sandbox
from kage_nvim.model import Profile
from tests.conftest import until
from tests.unit.sandbox.machine import Machine, run, said

MODES = pytest.mark.parametrize("mode", ["on", "off"])


def count(marker: str) -> int:
    """Processes of this machine with that word in their command line, wherever they run."""
    found = 0
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except OSError:
                continue
            found += marker.encode() in words
    return found


@MODES
def test_output_exit_code_and_input(machine: Machine, mode: str) -> None:
    profile = machine.slot(mode=mode)
    done = run(profile, "cat; echo err >&2; pwd; exit 3", stdin=b"in\0put\n" * 20000)
    assert done.returncode == 3
    assert not done.timed_out
    assert done.output == b"in\0put\n" * 20000 + b"err\n" + profile.worktree.encode() + b"\n"
    assert run(profile, "cat").output == b""


@MODES
def test_output_arrives_as_it_comes(machine: Machine, mode: str) -> None:
    """The command says its second word only when its first has been heard."""
    came: list[bytes] = []
    profile = machine.slot(mode=mode)

    def heard(data: bytes) -> None:
        came.append(data)
        (Path(profile.worktree) / "heard").touch()

    run(profile, "echo one; until [ -e heard ]; do sleep 0.01; done; echo two", on_output=heard, timeout=20)
    assert came == [b"one\n", b"two\n"]


@MODES
def test_the_deadline_ends_everything_and_keeps_what_was_said(machine: Machine, mode: str) -> None:
    marker = str(97_000_000 + os.getpid())
    line = f"echo begun; trap '' TERM HUP; sleep {marker} & sh -c 'sleep {marker}'; sleep {marker}"
    done = run(machine.slot(mode=mode), line, timeout=0.3)
    assert done.timed_out
    assert done.output == b"begun\n"
    assert done.seconds >= 0.3
    until(lambda: count(marker) == 0, 10, "the end of all of it")


@MODES
def test_cancelling_ends_everything(machine: Machine, mode: str) -> None:
    marker = str(98_000_000 + os.getpid())
    profile = machine.slot(mode=mode)

    async def cancel() -> None:
        job = asyncio.create_task(sandbox.run(profile, ["sh", "-c", f"sleep {marker} & sleep {marker}"]))
        await asyncio.to_thread(until, lambda: count(marker) == 2, 5)
        job.cancel()
        with pytest.raises(asyncio.CancelledError):
            await job
        await asyncio.to_thread(until, lambda: count(marker) == 0, 5)

    asyncio.run(cancel())


@MODES
def test_a_child_in_the_background_does_not_hold_the_pipe(machine: Machine, mode: str) -> None:
    marker = str(99_000_000 + os.getpid())
    done = run(machine.slot(mode=mode), f"sleep {marker} & echo done")
    assert (done.returncode, done.output) == (0, b"done\n")
    until(lambda: count(marker) == 0, 10, "the child's end")


def test_a_daemon_does_not_outlive_the_sandbox(machine: Machine) -> None:
    marker = str(96_000_000 + os.getpid())
    done = run(machine.slot(), f"setsid -f sleep {marker}; setsid -f sh -c 'exec sleep {marker}'; echo ok")
    assert done.output == b"ok\n"
    until(lambda: count(marker) == 0, 1, "the daemons' end")


def test_of_a_flood_the_ends_stay(machine: Machine) -> None:
    line = "echo first; head -c 30000000 /dev/zero | tr '\\0' x; echo last"
    done = run(machine.slot(), line, output_limit=10_000)
    assert done.output.startswith(b"first\nxxx")
    assert done.output.endswith(b"xxxlast\n")
    assert b"\n[29990011 bytes left out]\n" in done.output
    assert len(done.output) < 10_100


def test_an_endless_flood_ends_at_the_deadline(machine: Machine) -> None:
    done = run(machine.slot(), "yes", timeout=0.3, output_limit=1000)
    assert done.timed_out
    assert done.seconds < 1
    assert done.output.startswith(b"y\ny\n")


def open_files() -> set[tuple[str, str]]:
    """This process's open files, by number and what they are."""
    found = set()
    for name in os.listdir("/proc/self/fd"):  # noqa: PTH208
        with contextlib.suppress(FileNotFoundError):  # the listing's own
            found.add((name, os.readlink(f"/proc/self/fd/{name}")))  # noqa: PTH115
    return found


def test_nothing_stays_open(machine: Machine) -> None:
    profile = machine.slot()
    run(profile, "true")
    before = open_files()
    for _ in range(3):
        run(profile, "true")
    # By name, not by count: what other tests left to the garbage collector may close in between.
    assert open_files() - before == set()
    assert said(profile, "ls /proc/self/fd").split() == ["0", "1", "2", "3"]


def test_off_means_the_environment_but_no_walls(machine: Machine) -> None:
    profile = machine.slot(mode="off")
    assert said(profile, f"cat {machine.home}/.gitconfig").startswith("[user]")
    assert set(said(profile, "env -0").split("\0")) >= {f"{k}={v}" for k, v in profile.env.items()}


@MODES
def test_another_folder_than_the_worktree(machine: Machine, mode: str) -> None:
    profile = machine.slot(mode=mode)
    argv = sandbox.argv(profile, ["pwd"], cwd=profile.env["HOME"])
    assert subprocess.check_output(argv, text=True).strip() == profile.env["HOME"]


def test_many_at_once(machine: Machine) -> None:
    profile = machine.slot()

    async def all_of_them() -> list[bytes]:
        jobs = [sandbox.run(profile, ["echo", str(n)]) for n in range(20)]
        return [done.output for done in await asyncio.gather(*jobs)]

    assert asyncio.run(all_of_them()) == [b"%d\n" % n for n in range(20)]


def test_a_profile_goes_through_json(machine: Machine) -> None:
    profile = machine.slot()
    assert msgspec.json.decode(msgspec.json.encode(profile), type=Profile) == profile
