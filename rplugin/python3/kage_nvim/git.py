"""The one place that runs git: a clean environment, no code of anybody's tree, a timed log, errors as words.

Three kinds of call exist. *Trusted* calls look at the user's own repository the way the user's git would,
with the user's configuration, and only ever read. ``user_git`` is the user's git itself, hooks and signing
included: it makes the commits that they asked for. All others, which is nearly all of them, see no
configuration but that of the git directory they are given, and that directory is always one of Kage's own: an
agent's tree is only ever a ``work_tree``. Set ``KAGE_TRACE=1`` (or the logger ``kage.git`` to DEBUG) to see
every call.
"""

from __future__ import annotations

import logging
import os
import subprocess
import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from kage_nvim.errors import KageError

log = logging.getLogger("kage.git")
if os.environ.get("KAGE_TRACE"):
    log.setLevel(logging.DEBUG)

RAW_ATTRIBUTES = "* -text !eol !crlf -filter -ident !working-tree-encoding !merge !diff\n"
"""An ``info/attributes`` that beats every ``.gitattributes``: bytes go in and out as they are."""

_KEPT_WHEN_TRUSTED = frozenset(
    {"GIT_CONFIG_GLOBAL", "GIT_CONFIG_SYSTEM", "GIT_CONFIG_NOSYSTEM", "GIT_CEILING_DIRECTORIES"}
)
IDENTITY = [f"GIT_{who}_{what}" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL", "DATE")]
"""In whose name and when a commit is made, when the user says so in their environment."""
_QUIET = {"LC_ALL": "C", "GIT_OPTIONAL_LOCKS": "0", "GIT_TERMINAL_PROMPT": "0", "GIT_NO_LAZY_FETCH": "1"}
_BLIND = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": os.devnull,
    "GIT_ATTR_NOSYSTEM": "1",
    "GIT_NO_REPLACE_OBJECTS": "1",
}
# Each of these has run code from, or been fooled by, an agent's tree (see the attacks in tests/attacks).
_HARDENED = (
    "core.fsmonitor=false",
    "core.hooksPath=/dev/null",
    "diff.ignoreSubmodules=all",
    "submodule.recurse=false",
    "protocol.allow=never",
)
_UNTRUSTED = (
    "core.attributesFile=/dev/null",
    "core.excludesFile=/dev/null",
    "core.untrackedCache=false",
    "core.splitIndex=false",
    "gc.auto=0",
)
_DIFFS = frozenset({"diff", "diff-tree", "diff-index", "diff-files", "log", "show"})


class HasGitDir(Protocol):
    """Anything that keeps objects in a git directory of Kage's own."""

    @property
    def git_dir(self) -> Path:
        """Absolute path of the bare repository."""


@dataclass(frozen=True)
class Result:
    """How a call ended: exit code, standard output as bytes, standard error as text."""

    code: int
    out: bytes
    err: str


def git_result(
    args: Sequence[str],
    *,
    git_dir: Path | None = None,
    work_tree: Path | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    config: Sequence[str] = (),
    trusted: bool = False,
    base: Mapping[str, str] | None = None,
    timeout: float = 300.0,
) -> Result:
    """Run git and return how it ended, whatever the exit code.

    Args:
        args: the subcommand and its arguments; undecodable bytes of a path as surrogates.
        git_dir: the git directory, never one that an agent can write to.
        work_tree: the tree of files; also the folder that git runs in.
        cwd: the folder to run in when it is neither of the two.
        env: variables to add.
        input: bytes for standard input; otherwise it is empty.
        config: settings (``name=value``) for this call, stronger than ours.
        trusted: read the user's repository with the user's configuration.
        base: the environment to clean instead of this process's own (a client's).
        timeout: seconds; nothing that Kage asks of git may take longer.

    Raises:
        KageError: git is not installed (``git``) or did not end in time (``git``).
    """
    command = _command(args, git_dir, work_tree, config, trusted)
    return _run(
        command, cwd or work_tree or git_dir or Path("/"), _environment(base, env, trusted), input, timeout
    )


def _run(
    command: Sequence[str], cwd: Path, env: Mapping[str, str], input: bytes | None, timeout: float
) -> Result:
    started = time.perf_counter()
    verb = next((word for word in command[1:] if not word.startswith("-") and "=" not in word), "")
    try:
        done = subprocess.run(
            command,
            cwd=cwd,
            env=env,
            input=b"" if input is None else input,
            capture_output=True,
            timeout=timeout,
        )
    except FileNotFoundError as error:
        if error.filename not in ("git", b"git"):
            raise KageError(
                f"{error.filename} is not there any more", fix="Open it again.", code="git"
            ) from None
        raise KageError("git was not found on PATH", fix="Install git 2.38 or newer.", code="git") from None
    except subprocess.TimeoutExpired:
        raise KageError(
            f"git {verb} did not end within {timeout:.0f} s in {cwd}",
            fix="Look for a stuck file system or a named pipe in that folder, and try again.",
            code="git",
        ) from None
    log.debug("%6.1f ms %3d git %s", (time.perf_counter() - started) * 1e3, done.returncode, command[1:])
    return Result(done.returncode, done.stdout, done.stderr.decode(errors="replace").strip())


def run_git(
    args: Sequence[str],
    *,
    git_dir: Path | None = None,
    work_tree: Path | None = None,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    config: Sequence[str] = (),
    trusted: bool = False,
    base: Mapping[str, str] | None = None,
    timeout: float = 300.0,
) -> bytes:
    """Run git as ``git_result`` does and return its standard output.

    Raises:
        KageError: code ``git``, with git's own words, when it exits with anything but 0.
    """
    done = git_result(
        args,
        git_dir=git_dir,
        work_tree=work_tree,
        cwd=cwd,
        env=env,
        input=input,
        config=config,
        trusted=trusted,
        base=base,
        timeout=timeout,
    )
    if done.code:
        raise failure(args[0], done)
    return done.out


def user_git(
    args: Sequence[str],
    *,
    root: Path,
    base: Mapping[str, str],
    env: Mapping[str, str] | None = None,
    input: bytes | None = None,
    timeout: float = 600.0,
) -> Result:
    """Run git in the user's working tree as they would themselves: their settings, hooks and signing key.

    ``base`` is their environment. Hooks may take long, and a signing key may ask for its passphrase.

    Raises:
        KageError: git is not installed, or it did not end in ``timeout`` seconds (``git``).
    """
    found = {name: value for name, value in base.items() if not name.startswith("GIT_") or name in IDENTITY}
    kept = {name: os.environ[name] for name in _KEPT_WHEN_TRUSTED if name in os.environ}
    quiet = {"GIT_TERMINAL_PROMPT": "0", "GIT_EDITOR": ":"}
    return _run(["git", *args], root, found | kept | quiet | dict(env or {}), input, timeout)


def failure(verb: str, done: Result) -> KageError:
    """The error for a call that ended badly: git's words, and the fix that its commonest causes have."""
    fix = "Run with KAGE_TRACE=1 to see the whole call."
    if "No space left on device" in done.err:
        fix = "Free some space on the disk that holds Kage's data folder."
    return KageError(f"git {verb} failed ({done.code}): {done.err or 'no reason given'}", fix=fix, code="git")


def line(out: bytes) -> str:
    """The single line that git printed, without its end."""
    return os.fsdecode(out[:-1] if out.endswith(b"\n") else out)


def fields(out: bytes) -> list[str]:
    """The NUL-terminated fields that git printed."""
    return os.fsdecode(out[:-1]).split("\0") if out else []


def _command(
    args: Sequence[str],
    git_dir: Path | None,
    work_tree: Path | None,
    config: Sequence[str],
    trusted: bool,
) -> list[str]:
    command = ["git"]
    for setting in (*_HARDENED, *(() if trusted else _UNTRUSTED), *config):
        command += ["-c", setting]
    if git_dir is not None:
        command.append(f"--git-dir={git_dir}")
    if work_tree is not None:
        command.append(f"--work-tree={work_tree}")
    command.append(args[0])
    if args[0] in _DIFFS:
        command += ["--no-ext-diff", "--no-textconv"]
    command += args[1:]
    return command


def _environment(
    base: Mapping[str, str] | None, extra: Mapping[str, str] | None, trusted: bool
) -> dict[str, str]:
    found = os.environ if base is None else base
    kept = _KEPT_WHEN_TRUSTED if trusted else frozenset()
    env = {name: value for name, value in found.items() if not name.startswith("GIT_") or name in kept}
    env.update(_QUIET)
    if not trusted:
        env.update(_BLIND)
    if extra:
        env.update(extra)
    return env
