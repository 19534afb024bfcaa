"""What one slot may see: its own folders, the objects that it borrows, the user's tools, and nothing else."""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path

from kage_nvim import paths
from kage_nvim.git import git_result
from kage_nvim.model import Profile
from kage_nvim.sandbox import alternates, seccomp
from kage_nvim.sandbox.bwrap import SYSTEM
from kage_nvim.sandbox.toolchains import Toolchains

ENVIRONMENTS = (".venv", "venv", "node_modules")
MOST = 100
"""More environments of one repository are not bound, for a command line has its limits."""
BORROWED = "/run/kage/objects"


def profile(
    *,
    mode: str,
    slot_tree: Path,
    slot_git: Path,
    slot_home: Path,
    slot_tmp: Path,
    objects: list[Path],
    repository: Path,
    client_env: Mapping[str, str],
    number: int,
    ports: int,
    environments: bool = True,
    programs: Sequence[str] = (),
    withheld: Callable[[list[str]], set[str]] | None = None,
) -> Profile:
    """The profile of one slot; makes its home, its tmp and a folder ``etc`` beside them.

    ``objects`` are the object folders that the slot's git borrows from, followed through their alternates.
    ``repository`` is the root of the user's working tree: what git ignores there and is a virtual
    environment or ``node_modules`` appears read-only in the worktree (not with ``environments=False``, for
    slots that a setup command fills), but for those that ``withheld`` picks. ``client_env`` is the user's
    environment, of which PATH and the variables of known toolchains are used. ``programs`` are names on PATH
    that must be seen with all that they consist of. ``ports`` is the first of ten ports.
    """
    for folder in (slot_home, slot_tmp):
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    _identity(slot_home, number)
    protected = [repository, paths.data(), paths.state(), paths.config_file().parent, paths.sockets()]
    tools = Toolchains(client_env, protected)
    for name in programs:
        tools.program(name)
    found = _shown(repository, withheld) if environments else []
    pythons = [name for name in found if _is_python(repository / name)]
    for name in pythons:
        tools.environment(repository / name)
    names_itself = pythons or {"VIRTUAL_ENV", "CONDA_PREFIX"} & set(tools.env)
    alias = str(repository) if names_itself and str(repository) != str(slot_tree) else None
    borrowed = alternates.follow(objects)
    places = (slot_tree, repository) if alias else (slot_tree,)
    binds = _accounts(slot_home) if mode != "off" else []
    binds += [(str(repository / name), str(place / name)) for place in places for name in found]
    if alias:
        borrowed, moved = _beside_alias(borrowed, repository, slot_git, slot_home)
        binds += moved
    readable = [*tools.readable, *(str(path) for path in borrowed)]
    home = Path(client_env.get("HOME") or Path.home())
    return Profile(
        mode=mode,
        worktree=str(slot_tree),
        writable=[str(slot_tree), str(slot_git), str(slot_home), str(slot_tmp)],
        readable=readable,
        binds=binds,
        alias=alias,
        hidden=[str(path) for path in (home, *protected) if _inside(path, (*SYSTEM, *readable))],
        filter=_filter(slot_home),
        env=_environment(tools, slot_tree, slot_home, slot_tmp, repository, alias, number, ports),
    )


def _shown(repository: Path, withheld: Callable[[list[str]], set[str]] | None) -> list[str]:
    """The environments of the user's working tree that appear in the slot's."""
    found = _environments(repository, int(time.monotonic()))
    if not found or withheld is None:
        return found
    hidden = withheld([f"{name}/" for name in found])
    return [name for name in found if f"{name}/" not in hidden]


def _identity(slot_home: Path, number: int) -> None:
    """A name for the agent's commits, unless it has one; never written through a link of the agent's."""
    text = f"[user]\n\tname = Kage agent {number}\n\temail = agent-{number}@kage.invalid\n"
    with contextlib.suppress(FileExistsError), (slot_home / ".gitconfig").open("x") as file:
        file.write(text)


def _inside(path: Path, roots: Iterable[str]) -> bool:
    return any(path.is_relative_to(root) for root in roots)


@functools.lru_cache(maxsize=8)
def _environments(repository: Path, _moment: int) -> list[str]:
    """Ignored folders of installed packages, as paths in the repository; all slots of a run ask together."""
    look = ["ls-files", "-z", "--others", "--ignored", "--exclude-standard", "--directory"]
    listed = git_result(look, cwd=repository, trusted=True).out.split(b"\0")
    folders = [os.fsdecode(name).rstrip("/") for name in listed if name.endswith(b"/")]
    found = [f for f in folders if Path(f).name in ENVIRONMENTS or _is_python(repository / f)]
    return found[:MOST]


def _is_python(folder: Path) -> bool:
    return (folder / "pyvenv.cfg").is_file()


def _beside_alias(
    borrowed: list[Path], repository: Path, slot_git: Path, slot_home: Path
) -> tuple[list[Path], list[tuple[str, str]]]:
    """Objects under the repository's path move aside, for the worktree with its ``.git`` file lies there.

    Git finds them by alternates of their own: one list in the slot, none in the folders it names.
    """
    inside = [path for path in borrowed if path.is_relative_to(repository)]
    if not inside:
        return borrowed, []
    outside = [path for path in borrowed if path not in inside]
    moved = [(str(path), f"{BORROWED}/{index}") for index, path in enumerate(inside)]
    listed = _etc(slot_home, "alternates", alternates.listed([*outside, *(to for _, to in moved)]))
    empty = _etc(slot_home, "empty", "")
    binds = [*moved, (listed, str(slot_git / "objects/info/alternates"))]
    binds += [(empty, f"{p}/info/alternates") for p in outside if (p / "info/alternates").is_file()]
    binds += [(empty, f"{to}/info/alternates") for p, to in moved if Path(p, "info/alternates").is_file()]
    return outside, binds


def _accounts(slot_home: Path) -> list[tuple[str, str]]:
    """A user list of one, whose home is the slot's."""
    uid, gid = os.getuid(), os.getgid()
    try:
        name = pwd.getpwuid(uid).pw_name
    except KeyError:
        name = "agent"
    home = str(slot_home).replace(":", "_").replace("\n", "_")
    users = f"{name}:x:{uid}:{gid}::{home}:/bin/sh\n"
    users += "" if uid == 65534 else "nobody:x:65534:65534::/nonexistent:/usr/sbin/nologin\n"
    groups = f"{name}:x:{gid}:\n" + ("" if gid == 65534 else "nogroup:x:65534:\n")
    made = {"passwd": users, "group": groups}
    return [(_etc(slot_home, name, text), f"/etc/{name}") for name, text in made.items()]


def _filter(slot_home: Path) -> str | None:
    code = seccomp.program()
    return _etc(slot_home, "seccomp", code) if code else None


def _etc(slot_home: Path, name: str, content: str | bytes) -> str:
    """Write a small file beside the slot's home, where the agent cannot change it; returns its path."""
    folder = slot_home.parent / "etc"
    folder.mkdir(mode=0o700, exist_ok=True)
    path = folder / name
    fresh = folder / f"{name}.new"
    fresh.write_bytes(content if isinstance(content, bytes) else os.fsencode(content))
    fresh.replace(path)
    return str(path)


def _environment(
    tools: Toolchains,
    tree: Path,
    home: Path,
    tmp: Path,
    repository: Path,
    alias: str | None,
    number: int,
    ports: int,
) -> dict[str, str]:
    """The whole environment of the slot. Programs of the repository itself are taken from the worktree."""
    path: list[str] = []
    for folder in tools.folders():
        if folder.is_relative_to(repository):
            path.append(str(tree / folder.relative_to(repository)))
        elif tools.sees(folder):
            path.append(str(folder))
    path += [p for p in ("/usr/local/bin", "/usr/bin", "/bin") if p not in path]
    env = {"LANG": "C.UTF-8", **tools.env}
    venv = tools.client.get("VIRTUAL_ENV", "")
    if alias and venv and Path(venv).is_relative_to(alias):
        env["VIRTUAL_ENV"] = venv
    return {
        **env,
        "PATH": os.pathsep.join(path),
        "HOME": str(home),
        "TMPDIR": str(tmp),
        "XDG_CACHE_HOME": str(home / ".cache"),
        "XDG_CONFIG_HOME": str(home / ".config"),
        "XDG_DATA_HOME": str(home / ".local/share"),
        "XDG_STATE_HOME": str(home / ".local/state"),
        # A repository without a .gitignore would get the agent's compiled files into its candidate.
        "PYTHONPYCACHEPREFIX": str(home / ".cache/pycache"),
        "TERM": "dumb",
        "KAGE_AGENT": str(number),
        "KAGE_PORT": str(ports),
    }
