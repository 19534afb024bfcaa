"""The user's repository as Kage finds it: where it is, what state it is in. Only ever read."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from kage_nvim.compare.choose import from_root
from kage_nvim.errors import KageError, usage
from kage_nvim.git import Result, failure, fields, git_result, line, run_git

_STATES = (
    ("rebase-merge", "rebase"),
    ("rebase-apply/applying", "am"),
    ("rebase-apply", "rebase"),
    ("MERGE_HEAD", "merge"),
    ("CHERRY_PICK_HEAD", "cherry-pick"),
    ("REVERT_HEAD", "revert"),
    ("BISECT_LOG", "bisect"),
)


@dataclass(frozen=True)
class Repository:
    """One working tree of the user's.

    ``root`` is its top folder, ``git_dir`` its git directory (of its own in a linked worktree),
    ``common_dir`` the one that all worktrees share, ``objects`` the object folder in it. ``head`` is the
    commit checked out, ``None`` when there is none yet; ``state`` is ``""`` or what git is in the middle of
    (``merge``, ``rebase``, ``cherry-pick``, ``revert``, ``am``, ``bisect``).
    """

    root: Path
    git_dir: Path
    common_dir: Path
    objects: Path
    head: str | None
    object_format: str = "sha1"
    state: str = ""
    bare: bool = False

    def inside(self, path: str) -> str:
        """A path as the user gave it (absolute, or from the root), as git names it.

        Raises:
            KageError: it is empty, or leads out of the working tree.
        """
        if not path:
            raise usage("a path is empty", "Name a file or folder of this repository, or leave it away.")
        found = from_root(path, self.root)
        if found is None:
            raise usage(f"{path} is not in {self.root}", "Name a file or folder of this repository.")
        return found


@dataclass(frozen=True)
class UserConfig:
    """The user's settings that decide what git would list and convert in their working tree."""

    file_mode: bool = True
    symlinks: bool = True
    ignore_case: bool = False
    precompose: bool = False
    autocrlf: bool = False
    excludes: Path | None = None
    attributes: Path | None = None


def discover(cwd: Path, env: Mapping[str, str] | None = None) -> Repository:
    """Find the repository that ``cwd`` lies in; ``env`` is the client's environment, its own by default.

    Raises:
        KageError: ``no_repository``, ``bare``, or ``ownership`` when git distrusts the folder's owner.
    """
    if not cwd.is_dir():
        raise KageError(f"{cwd} is not a folder", fix="Run this inside a project.", code="no_repository")
    facts = _ask(
        cwd, env, "--is-bare-repository", "--is-inside-work-tree", "--show-object-format"
    ).splitlines()
    bare, inside, object_format = facts
    if inside != "true":
        if bare == "true":
            raise KageError(
                f"{cwd} is a bare repository: there are no files to work on",
                fix="Clone it (git clone), or add a worktree (git worktree add), and run this there.",
                code="bare",
            )
        raise KageError(
            f"{cwd} is inside a git directory, not in a working tree",
            fix="Go to the project's own folder and run this there.",
            code="no_repository",
        )
    # One question a call: any of these paths may hold a newline.
    root = Path(line(_ask_bytes(cwd, env, "--show-toplevel")))
    git_dir = Path(line(_ask_bytes(cwd, env, "--absolute-git-dir")))
    common = Path(line(_ask_bytes(cwd, env, "--path-format=absolute", "--git-common-dir")))
    return Repository(
        root=root,
        git_dir=git_dir,
        common_dir=common,
        objects=common / "objects",
        head=head_of(git_dir),
        object_format=object_format,
        state=state_of(git_dir),
    )


def head_of(git_dir: Path) -> str | None:
    """The commit that is checked out now, or ``None`` when there is none yet."""
    done = git_result(["rev-parse", "-q", "--verify", "HEAD^{commit}"], git_dir=git_dir, cwd=git_dir)
    return done.out.decode().strip() if done.code == 0 else None


def state_of(git_dir: Path) -> str:
    """What git is in the middle of there: ``""``, ``merge``, ``rebase``, …"""
    return next((state for name, state in _STATES if (git_dir / name).exists()), "")


def user_config(repository: Repository, env: Mapping[str, str] | None = None) -> UserConfig:
    """Read the user's settings as their own git would."""
    out = run_git(["config", "--list", "-z"], cwd=repository.root, trusted=True, base=env)
    settings: dict[str, str] = {}
    for entry in fields(out):
        name, equals, value = entry.partition("\n")
        settings[name] = value if equals else "true"
    found = os.environ if env is None else env
    home = Path(found.get("HOME") or Path.home())
    xdg = Path(found.get("XDG_CONFIG_HOME") or home / ".config") / "git"
    return UserConfig(
        file_mode=_truth(settings.get("core.filemode", "true")),
        symlinks=_truth(settings.get("core.symlinks", "true")),
        ignore_case=_truth(settings.get("core.ignorecase", "false")),
        precompose=_truth(settings.get("core.precomposeunicode", "false")),
        autocrlf=settings.get("core.autocrlf", "").lower() == "input"
        or _truth(settings.get("core.autocrlf", "false")),
        excludes=_file(settings.get("core.excludesfile"), home, repository.root, xdg / "ignore"),
        attributes=_file(settings.get("core.attributesfile"), home, repository.root, xdg / "attributes"),
    )


def _truth(value: str) -> bool:
    return value.lower() in ("true", "yes", "on", "1")


def _file(value: str | None, home: Path, root: Path, default: Path) -> Path | None:
    if value is None:
        path = default
    elif value.startswith("~/"):
        path = home / value[2:]
    else:
        path = root / Path(value).expanduser() if value else default
    return path if path.is_file() else None


def _ask(cwd: Path, env: Mapping[str, str] | None, *questions: str) -> str:
    return line(_ask_bytes(cwd, env, *questions))


def _ask_bytes(cwd: Path, env: Mapping[str, str] | None, *questions: str) -> bytes:
    done = git_result(["rev-parse", *questions], cwd=cwd, trusted=True, base=env)
    if done.code:
        raise _explain(cwd, done)
    return done.out


def _explain(cwd: Path, done: Result) -> KageError:
    if "dubious ownership" in done.err:
        told = [text.strip() for text in done.err.splitlines() if "safe.directory" in text]
        return KageError(
            f"git does not trust {cwd}: it belongs to somebody else",
            fix=f"If you do trust it: {told[0] if told else 'git config --global --add safe.directory …'}",
            code="ownership",
        )
    if "not a git repository" in done.err:
        return KageError(
            f"{cwd} is not in a git repository",
            fix="Make one with: git init",
            code="no_repository",
        )
    return failure("rev-parse", done)
