"""Roles: instructions that an agent gets beside its task. A role is a Markdown file with front matter.

The form is that of Claude Code's agents: between two lines ``---`` stand ``name``, ``description`` and
whatever else the file's other readers want (``tools``, ``model``: not used here); what follows is the role's
text. The first place that has a role counts: the user's own folder, the repository's ``.kage/roles`` (trusted
by content), installed packages (entry points ``kage.roles``), Kage itself.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from importlib import metadata, resources
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from kage_nvim import paths
from kage_nvim.errors import Exit, KageError
from kage_nvim.orchestrator import front_matter
from kage_nvim.visible import UNSEEN, seen

if TYPE_CHECKING:
    from importlib.resources.abc import Traversable

log = logging.getLogger("kaged")

FOLDER = ".kage/roles"
"""Where a repository keeps its roles."""
PINS = "pins.json"
"""Beside the user's roles: what those from elsewhere are pinned to."""
GROUP = "kage.roles"
"""The entry points of packages that bring roles; each names a package that holds Markdown files."""
LIMIT = 64 * 1024
"""Bytes of a role; more is no instruction but a book."""
ALIASES = {
    "developer": "implementer",
    "code-reviewer": "reviewer",
    "security-auditor": "security",
    "security-engineer": "security",
    "performance-engineer": "performance",
    "optimizer": "performance",
    "legacy-migrator": "migrator",
    "tester": "test-writer",
    "test-engineer": "test-writer",
    "docs": "documenter",
    "documentation-engineer": "documenter",
    "simplifier": "minimalist",
}
"""Common other names of Kage's own roles."""

NAME = re.compile(r"[A-Za-z0-9][\w.-]*")


class Pin(msgspec.Struct, frozen=True):
    """Where a shared role was fetched from, and the SHA-256 of the file that the user said yes to."""

    url: str
    commit: str
    path: str
    sha256: str


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """``text`` is what the agent is told, ``source`` where it comes from; ``digest`` is set for a role that a
    repository brought, and names its exact content; ``changed`` for a shared one that is not what was pinned.
    """

    name: str
    description: str = ""
    text: str
    source: str
    digest: str = ""
    changed: bool = False


def find(name: str, root: Path) -> Role:
    """The role of that name.

    Raises:
        KageError: there is none, or its file cannot be used; the message lists those that are known.
    """
    known = listed(root)
    role = known.get(name) or known.get(ALIASES.get(name, ""))
    if role is None:
        raise KageError(
            f"there is no role `{name}` (known: {', '.join(sorted(known))})",
            fix=f"Write it as {paths.config_file().parent / 'roles'}/{name}.md; :help kage-roles shows how.",
            code="no_role",
            exit=Exit.USAGE,
        )
    if role.changed:
        raise KageError(
            f"the role `{name}` is not what was pinned when it was added: {role.source}",
            fix=f"Add it again (kage role add {pins()[role.name].url} {name}), or kage role remove {name}.",
            code="no_role",
        )
    if not role.text:
        raise KageError(
            f"the role `{name}` says nothing: {role.source}",
            fix="Below the front matter (--- … ---) write what the agent is to be told.",
            code="no_role",
            exit=Exit.USAGE,
        )
    return role


def listed(root: Path) -> dict[str, Role]:
    """Every role that can be given in a repository, by name."""
    found: dict[str, Role] = {}
    for role in _all(root):
        found.setdefault(role.name, role)
    return found


def own_folder() -> Path:
    """Where the user's roles are."""
    return paths.config_file().parent / "roles"


def pins() -> dict[str, Pin]:
    """What shared roles are pinned to, by name; none when the file cannot be read."""
    try:
        return msgspec.json.decode((own_folder() / PINS).read_bytes(), type=dict[str, Pin])
    except FileNotFoundError:
        return {}
    except (OSError, msgspec.MsgspecError) as error:
        log.warning("the pins of shared roles could not be read: %s", error)
        return {}


def parse(data: bytes, *, stem: str, source: str, digest: str = "") -> Role:
    """A role from its file's bytes; without a usable ``name`` in the front matter it is named by the file."""
    keys, text = front_matter.split(data)
    name = keys.get("name", "").strip()
    # Many descriptions hold their line breaks as a backslash and an n.
    description = keys.get("description", "").replace("\\n", " ")
    return Role(
        name=name if NAME.fullmatch(name) else stem,
        description=" ".join(_plain(description, "\n\t").split()),
        text=_plain(text, "\n\t"),
        source=source,
        digest=digest,
    )


def _plain(text: str, keep: str) -> str:
    """What an agent is told is what a person was shown: no controls, and nothing that a screen hides."""
    told = "".join(c for c in text if c in keep or (c >= " " and not "\x7f" <= c <= "\x9f"))
    return UNSEEN.sub(seen, told).strip()


def _all(root: Path) -> Iterator[Role]:
    pinned = pins()
    for role in _folder(own_folder()):
        pin = pinned.get(Path(role.source).stem)
        yield _shared(role, pin) if pin else role
    yield from _folder(root / FOLDER, theirs=True)
    for entry in metadata.entry_points(group=GROUP):
        try:
            yield from _package(resources.files(entry.load()), f"package {entry.value}")
        except Exception as error:  # somebody else's package: its failure must not take the others along
            log.warning("the roles of %s could not be read: %s", entry.value, error)
    yield from _package(resources.files("kage_nvim") / "roles", "Kage")


def _shared(role: Role, pin: Pin) -> Role:
    is_same = hashlib.sha256(Path(role.source).read_bytes()).hexdigest() == pin.sha256
    source = f"{pin.url} {pin.path} at {pin.commit[:12]}"
    return msgspec.structs.replace(role, source=source if is_same else role.source, changed=not is_same)


def _folder(folder: Path, *, theirs: bool = False) -> Iterator[Role]:
    for path in sorted(folder.glob("*.md")):
        try:
            if theirs and not path.resolve().is_relative_to(folder.parent.parent.resolve()):
                log.warning("the role %s leads out of its repository", path)
                continue
            with path.open("rb") as file:
                data = file.read(LIMIT)
        except OSError as error:
            log.warning("the role %s could not be read: %s", path, error)
            continue
        digest = hashlib.sha256(data).hexdigest() if theirs else ""
        yield parse(data, stem=path.stem, source=str(path), digest=digest)


def _package(folder: Traversable, source: str) -> Iterator[Role]:
    for entry in sorted(folder.iterdir(), key=lambda entry: entry.name):
        if entry.name.endswith(".md"):
            yield parse(entry.read_bytes()[:LIMIT], stem=entry.name[:-3], source=source)
