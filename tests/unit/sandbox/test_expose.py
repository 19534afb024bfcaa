"""What a CLI gets of the user's home: copies of what was named, small, private, and nothing beside it."""

from __future__ import annotations

import asyncio
import os
from pathlib import Path

import pytest

from kage_nvim import sandbox
from kage_nvim.errors import KageError
from kage_nvim.model import Profile
from kage_nvim.sandbox import expose
from kage_nvim.sandbox.expose import ALL_BYTES, FILE_BYTES, FILES, INSIDE


@pytest.fixture
def slot(tmp_path: Path) -> Profile:
    """A slot's profile; its home, and ``etc`` beside it, are in ``slot``."""
    folders = {name: tmp_path / "slot" / name for name in ("tree", "home", "tmp")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    env = {"PATH": "/usr/bin:/bin", "HOME": str(folders["home"]), "TMPDIR": str(folders["tmp"])}
    return Profile(worktree=str(folders["tree"]), writable=[str(f) for f in folders.values()], env=env)


@pytest.fixture
def login(home: Path) -> Path:
    """A CLI's folder in the user's home."""
    folder = home / ".cli"
    (folder / "deep").mkdir(parents=True)
    (folder / "token").write_text("mine")
    (folder / "token").chmod(0o644)
    (folder / "deep" / "more").write_text("more")
    return folder


def copied(profile: Profile) -> dict[str, str]:
    """The copies by name, with what is in them."""
    root = Path(next(source for source, to in profile.binds if to == INSIDE))
    return {str(p.relative_to(root)): p.read_text()[:20] for p in root.rglob("*") if p.is_file()}


def test_copies_are_private_read_only_and_made_anew(slot: Profile, login: Path, home: Path) -> None:
    exposed, notes = expose(slot, ["~/.cli"], home)
    assert notes == []
    assert copied(exposed) == {".cli/token": "mine", ".cli/deep/more": "more"}
    root = Path(exposed.binds[-1][0])
    assert {p.stat().st_mode & 0o777 for p in root.rglob("*")} == {0o600, 0o700}
    try_it = f"cat {INSIDE}/.cli/token; echo worse > {INSIDE}/.cli/token; rm {INSIDE}/.cli/token; ls {login}"
    done = asyncio.run(sandbox.run(exposed, ["sh", "-c", try_it]))
    assert done.output.startswith(b"mine") and done.returncode != 0
    assert (login / "token").read_text() == "mine" and copied(exposed)[".cli/token"] == "mine"
    (login / "token").write_text("new")
    (login / "deep" / "more").unlink()
    assert copied(expose(slot, [str(login)], home)[0]) == {".cli/token": "new"}


def test_links_lead_nowhere_else(slot: Profile, login: Path, home: Path) -> None:
    (home / "secret").write_text("not exposed")
    (home / "elsewhere").mkdir()
    (home / "elsewhere" / "file").write_text("not exposed")
    (login / "out").symlink_to(home / "secret")
    (login / "up").symlink_to("../secret")
    (login / "folder").symlink_to(home / "elsewhere")
    (login / "within").symlink_to("deep/more")
    (login / "dangling").symlink_to("nothing")
    os.mkfifo(login / "pipe")
    exposed, notes = expose(slot, ["~/.cli"], home)
    assert copied(exposed) == {".cli/token": "mine", ".cli/deep/more": "more", ".cli/within": "more"}
    named = [f"not exposed, a link that leads elsewhere: ~/.cli/{name}" for name in ("folder", "out", "up")]
    assert notes == named
    (home / ".linked").symlink_to(login)  # what the user names is meant, wherever it lies
    assert ".linked/token" in copied(expose(slot, ["~/.linked"], home)[0])


def test_big_files_and_folders_stay_and_are_named(slot: Profile, login: Path, home: Path) -> None:
    (login / "history").write_bytes(b"x" * (FILE_BYTES + 1))
    (login / "cache").mkdir()
    for number in range(FILES + 1):
        (login / "cache" / str(number)).touch()
    exposed, notes = expose(slot, ["~/.cli"], home)
    assert set(copied(exposed)) == {".cli/token", ".cli/deep/more"}
    assert notes == ["not exposed, too big: ~/.cli/cache", "not exposed, too big: ~/.cli/history"]
    _, notes = expose(slot, ["~/.cli/cache"], home)
    assert notes == ["not exposed, too many files: ~/.cli/cache"]
    for number in range(ALL_BYTES // FILE_BYTES + 1):
        (login / f"part{number}").write_bytes(b"x" * FILE_BYTES)
    exposed, notes = expose(slot, ["~/.cli"], home)
    whole = sum(p.stat().st_size for p in Path(exposed.binds[-1][0]).rglob("*") if p.is_file())
    assert whole <= ALL_BYTES and any("part" in note for note in notes)


@pytest.mark.parametrize("name", ["/etc/passwd", "~/../other", "~", "~/", "~/.cli/../../other", "/"])
def test_only_what_is_below_home(slot: Profile, login: Path, home: Path, name: str) -> None:
    with pytest.raises(KageError, match="not below your home"):
        expose(slot, [name], home)


def test_what_is_missing_is_said_with_the_way_out(slot: Profile, home: Path) -> None:
    with pytest.raises(KageError, match=r"~/\.cli, which is not there") as caught:
        expose(slot, ["~/.cli"], home)
    assert "Sign in with the CLI itself first" in caught.value.fix
