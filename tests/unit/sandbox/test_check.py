"""Finding a bubblewrap that works here, and saying what to do when there is none."""

from __future__ import annotations

import struct
from pathlib import Path

import pytest

from kage_nvim import sandbox
from kage_nvim.errors import Exit, KageError
from kage_nvim.sandbox import bwrap, seccomp
from tests.unit.sandbox.machine import Machine, program


def fake(path: Path, complaint: str, version: str = "bubblewrap 0.11.0") -> str:
    """A bubblewrap that cannot isolate."""
    program(
        path, f'#!/bin/sh\n[ "$1" = --version ] && echo "{version}" && exit\necho "{complaint}" >&2\nexit 1\n'
    )
    return str(path)


def test_it_works_here() -> None:
    sandbox.check()
    assert sandbox.find_bwrap()


def test_without_any_the_ways_out_are_named(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    profile = machine.slot()
    monkeypatch.setattr(bwrap, "_candidates", list)
    for act in (sandbox.check, lambda: sandbox.argv(profile, ["true"])):
        with pytest.raises(KageError) as caught:
            act()
        assert (caught.value.code, caught.value.exit) == ("sandbox", Exit.REFUSED)
        assert "apt install bubblewrap" in caught.value.fix
        assert 'sandbox = "off"' in caught.value.fix


@pytest.mark.parametrize(
    ("complaint", "version", "fix"),
    [
        ("bwrap: setting up uid map: Permission denied", "bubblewrap 0.11.0", "unprivileged user namespaces"),
        ("bwrap: No permissions to create new namespace", "bubblewrap 0.11.0", "kernel.apparmor_restrict"),
        ("", "bubblewrap 0.4.1", "Install bubblewrap 0.8 or newer"),
        ("bwrap: something else", "bubblewrap 1.0", "Install bubblewrap"),
    ],
)
def test_one_that_fails_says_why(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, complaint: str, version: str, fix: str
) -> None:
    binary = fake(tmp_path / "bwrap", complaint, version)
    monkeypatch.setattr(bwrap, "_candidates", lambda: [binary])
    with pytest.raises(KageError) as caught:
        sandbox.check()
    assert binary in caught.value.message
    assert (complaint or version) in caught.value.message
    assert fix in caught.value.fix
    assert 'sandbox = "off"' in caught.value.fix


def test_a_broken_one_on_path_gives_way_to_the_one_that_came_along(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    binary = fake(tmp_path / "bwrap", "no")
    monkeypatch.setenv("PATH", str(tmp_path), prepend=":")
    assert bwrap._candidates()[0] == binary
    assert sandbox.find_bwrap() != binary
    sandbox.check()


def test_one_that_was_mended_is_tried_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = sandbox.find_bwrap()
    binary = fake(tmp_path / "bwrap", "no")
    monkeypatch.setattr(bwrap, "_candidates", lambda: [binary])
    with pytest.raises(KageError):
        sandbox.check()
    program(Path(binary), f'#!/bin/sh\nexec {real} "$@"\n')
    sandbox.check()


@pytest.mark.parametrize("machine", ["x86_64", "aarch64"])
def test_every_jump_of_the_filter_lands_where_it_should(machine: str) -> None:
    steps = list(struct.iter_unpack("=HBBI", seccomp.program(machine)))

    def answer(audit: int, number: int) -> int:
        at, value = 0, 0
        while True:
            what, then, otherwise, k = steps[at]
            if what == seccomp.RETURN:
                return int(k)
            if what == seccomp.LOAD:
                value, at = (number if k == seccomp.NUMBER else audit), at + 1
            else:
                holds = value == k if what == seccomp.EQUAL else value >= k
                at += 1 + (then if holds else otherwise)

    for audit, column in seccomp.MACHINES[machine]:
        denied = {numbers[column] for numbers in seccomp.DENIED.values()}
        for number in range(500):
            assert (answer(audit, number) == seccomp.DENY) == (number in denied)
    assert answer(0xC000003E, seccomp.X32 + 250) == seccomp.DENY
    assert answer(1, 0) == seccomp.DENY


def test_a_machine_that_is_not_known_has_no_filter() -> None:
    assert seccomp.program("riscv64") == b""
