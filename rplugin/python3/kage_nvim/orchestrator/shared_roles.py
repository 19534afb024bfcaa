"""Roles that others share: fetched from a git repository, shown, and kept pinned to what was shown.

Only blobs are read: nothing is checked out, so that no hook, filter or attribute of that repository does
anything here. What is taken is kept among the user's own roles, and ``pins.json`` beside them says where each
comes from and the SHA-256 of its content; a role whose file has another content is not used.
"""

from __future__ import annotations

import hashlib
import re
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

import msgspec

from kage_nvim import paths
from kage_nvim.errors import Exit, KageError, refused, usage
from kage_nvim.git import user_git
from kage_nvim.orchestrator import roles
from kage_nvim.orchestrator.roles import Pin, Role
from kage_nvim.protocol import dumps
from kage_nvim.trees import EXECUTABLE, PLAIN, entries, read_blobs, up_to

FOLDERS = {"roles", "agents"}
"""Where a shared repository may keep its roles: in folders of these names and below them, or at its root."""
MOST = 1000
"""Markdown files of one repository that are looked at."""
FETCH_SECONDS = 120.0


class Offered(msgspec.Struct, frozen=True, kw_only=True):
    """A role that a repository shares: as it would be known here, with its file's bytes behind ``pin``."""

    role: Role
    pin: Pin
    data: bytes


@dataclass(frozen=True)
class _Fetched:
    git_dir: Path


def fetch(url: str, wanted: Sequence[str], env: Mapping[str, str], cwd: Path) -> list[Offered]:
    """The roles of the repository at ``url`` (``URL#REVISION`` for one of its revisions), or those named.

    Raises:
        KageError: git cannot fetch it (its words are in the message), or it has no such role.
    """
    address, _, revision = url.partition("#")
    if not address or address.startswith("-") or revision.startswith("-") or "\0" in url:
        raise usage(
            f"`{url}` is no address of a git repository", "Write kage role add URL[#REVISION] [NAME…]."
        )
    scratch = Path(tempfile.mkdtemp(prefix="role-", dir=paths.data()))
    try:
        commit = _fetched(scratch, address, revision or "HEAD", env, cwd)
        address = _without_login(address)
        offered = _offered(_Fetched(scratch), address, commit)
    finally:
        shutil.rmtree(scratch, ignore_errors=True)
    known = {offer.role.name for offer in offered}
    missing = [name for name in wanted if name not in known]
    if missing or not offered:
        what = f"has no role `{missing[0]}`" if missing else "has no roles"
        raise KageError(
            f"{address} {what} (found: {', '.join(sorted(known)) or 'none'})",
            fix="A role is a Markdown file with `name` and `description` in its front matter, at the root or"
            " below a folder roles/ or agents/.",
            code="no_role",
            exit=Exit.NOTHING,
        )
    return [offer for offer in offered if not wanted or offer.role.name in wanted]


def keep(offered: Sequence[Offered], digests: Sequence[str]) -> list[Role]:
    """Keep those roles whose content has one of the ``digests`` that the user has seen and said yes to.

    Raises:
        KageError: a role of the user's own has the name of one; nothing is kept then.
    """
    chosen = [offer for offer in offered if offer.pin.sha256 in digests]
    folder = roles.own_folder()
    pins = roles.pins()
    for offer in chosen:
        file = folder / f"{offer.role.name}.md"
        if file.exists() and offer.role.name not in pins:
            raise refused(
                f"you have a role `{offer.role.name}` of your own: {file}",
                fix="Rename that file first; nothing was added.",
                code="exists",
            )
    folder.mkdir(parents=True, exist_ok=True)
    for offer in chosen:
        _write(folder / f"{offer.role.name}.md", offer.data)
        pins[offer.role.name] = offer.pin
        _write(folder / roles.PINS, msgspec.json.format(dumps(pins)))
    return [offer.role for offer in chosen]


def remove(name: str) -> Role:
    """Forget a role that was added; returns it.

    Raises:
        KageError: there is none of that name that was added.
    """
    pins = roles.pins()
    if name not in pins:
        raise KageError(
            f"no role `{name}` was added from a repository",
            fix="kage role list shows where each comes from; a file of your own you remove yourself.",
            code="no_role",
            exit=Exit.NOTHING,
        )
    file = roles.own_folder() / f"{name}.md"
    data = file.read_bytes() if file.exists() else b""
    gone = roles.parse(data, stem=name, source=str(file))
    del pins[name]
    _write(roles.own_folder() / roles.PINS, msgspec.json.format(dumps(pins)))
    file.unlink(missing_ok=True)
    return gone


def _without_login(address: str) -> str:
    """What is kept and shown of an address: no name, password or token that was written into it."""
    return re.sub(r"^(https?://)[^/@]*@", r"\1", address)


def _fetched(scratch: Path, address: str, revision: str, env: Mapping[str, str], cwd: Path) -> str:
    """Fetch one commit into an empty bare repository, with the user's own access; returns the commit."""
    where = ["--git-dir", str(scratch)]
    safe = ["-c", "core.hooksPath=/dev/null", "-c", "protocol.ext.allow=never", "-c", "gc.auto=0"]
    user_git([*where, "init", "--quiet", "--bare", "--template="], root=cwd, base=env)
    words = [*safe, *where, "fetch", "--quiet", "--depth=1", "--no-tags", "--", address, revision]
    done = user_git(words, root=cwd, base=env, timeout=FETCH_SECONDS)
    if done.code:
        raise KageError(
            f"{_without_login(address)} could not be fetched: {done.err or 'git gave no reason'}",
            fix="Try `git ls-remote` with that address; name a branch or tag as URL#NAME.",
            code="git",
        )
    found = user_git([*where, "rev-parse", "--verify", "FETCH_HEAD^{commit}"], root=cwd, base=env)
    return found.out.decode().strip()


def _keeps_roles(folder: PurePosixPath) -> bool:
    return not folder.parts or bool(FOLDERS & set(folder.parts))


def _offered(store: _Fetched, address: str, commit: str) -> list[Offered]:
    files = [
        entry
        for entry in entries(store, commit)
        if entry.path.endswith(".md")
        and entry.mode in (PLAIN, EXECUTABLE)
        and _keeps_roles(PurePosixPath(entry.path).parent)
    ]
    if len(files) > MOST:
        raise refused(
            f"{address} has {len(files)} Markdown files where roles are kept, more than {MOST}",
            fix="Name a revision that has fewer (URL#REVISION), or write the role as a file of yours.",
            code="no_role",
        )
    blobs = read_blobs(store, up_to(store, {entry.sha for entry in files}, roles.LIMIT))
    found: dict[str, Offered] = {}
    for entry in files:
        data = blobs.get(entry.sha, b"")
        digest = hashlib.sha256(data).hexdigest()
        stem = PurePosixPath(entry.path).stem
        role = roles.parse(data, stem=stem, source=f"{address} {entry.path} at {commit[:12]}", digest=digest)
        if role.text and role.description and roles.NAME.fullmatch(role.name):
            pin = Pin(url=address, commit=commit, path=entry.path, sha256=digest)
            found.setdefault(role.name, Offered(role=role, pin=pin, data=data))
    return list(found.values())


def _write(file: Path, data: bytes) -> None:
    draft = file.with_name(f".{file.name}.new")
    draft.write_bytes(data)
    draft.replace(file)
