"""What is reviewed: a change from one tree to another, both in the store.

    kage review            what you have now, against the merge base with the default branch
    kage review BASE       … against the merge base with BASE;  A..B: from A to B
    kage review pull/7     a fetched pull request's head against its merge base; --head REV: any head
    kage review 2, RUN:2   a candidate against its run's base

The user's git is asked what names mean, and only ever reads; files are read through the store.
"""

from __future__ import annotations

import asyncio
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

from kage_nvim.errors import Exit, KageError, usage
from kage_nvim.git import git_result, line, run_git
from kage_nvim.orchestrator import kageignore
from kage_nvim.orchestrator.editors import open_buffers, overlays
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Repository, Snapshot, Store
from kage_nvim.trees import changes, trees_of

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor

_CANDIDATE = re.compile(r"(?:(?P<run>[\w-]+):)?(?P<number>\d{1,6})")
_REQUEST = re.compile(
    r"FETCH_HEAD|(?:.*/)?(?:pull|pr|mr|merge-requests|pull-requests)[/-]\d+(?:/\w+)?", re.IGNORECASE
)
"""Names that fetched pull requests have; such a word names a head, not a base."""
_REMOTES = ("upstream", "origin")
_BRANCHES = ("main", "master", "trunk", "develop")


@dataclass(frozen=True)
class Asked:
    """What a client asks to be reviewed: ``base`` is a revision, a range, or a candidate; ``head`` a
    revision; ``run`` whose candidate."""

    base: str = ""
    head: str = ""
    run: str | None = None


@dataclass(frozen=True)
class Scope:
    """The change from tree ``old`` to tree ``new``; ``base`` and ``head`` are their commits (empty: nothing
    was there), ``title`` says it to a person. ``run`` and ``number`` name a candidate; ``kind`` is ``yours``
    for the user's files as they are, ``candidate`` or ``revision``."""

    store: Store
    kind: str
    title: str
    base: str
    head: str
    old: str
    new: str
    run: str = ""
    number: int | None = None
    task: str = ""
    notes: list[str] = field(default_factory=list)


async def find(conductor: Conductor, cwd: str, asked: Asked) -> Scope:
    """The change that was asked for.

    Raises:
        KageError: a name means nothing, no base is known, or there is nothing to review.
    """
    repository = await conductor.repository(cwd)
    store = await asyncio.to_thread(Store.open, repository)
    candidate = None if asked.head else _CANDIDATE.fullmatch(asked.base)
    if candidate is not None and not candidate["run"] and not await _is_candidate(conductor, cwd, asked):
        candidate = None  # a branch that is called like a number
    if candidate is not None or (asked.run and not asked.base and not asked.head):
        run = await conductor.run(cwd, (candidate["run"] if candidate else None) or asked.run)
        if candidate is None:
            raise usage("review of a run needs a candidate's number", f"Write kage review {asked.run}:2.")
        scope = await asyncio.to_thread(_candidate, run, int(candidate["number"]))
    else:
        scope = await _revisions(conductor, repository, store, asked)
        if scope.kind == "yours" and asked.base and not await _changes(scope):
            # You have nothing that it lacks: what it has is meant.
            scope = await _revisions(conductor, repository, store, Asked(head=asked.base))
    if not await _changes(scope):
        raise KageError(
            f"there is nothing to review: {scope.title} changes nothing",
            fix="Name another base: kage review HEAD~3. Or a candidate: kage review 2.",
            code="nothing",
            exit=Exit.NOTHING,
        )
    return scope


async def _is_candidate(conductor: Conductor, cwd: str, asked: Asked) -> bool:
    """Whether a number names a candidate; also where nothing has that name, for then one is missed."""
    root = (await conductor.repository(cwd)).root
    try:
        (await conductor.run(cwd, asked.run)).candidate(int(asked.base))
    except KageError:
        return not await asyncio.to_thread(_name, root, f"refs/heads/{asked.base}")
    return True


async def _changes(scope: Scope) -> bool:
    return bool(await asyncio.to_thread(changes, scope.store, scope.old, scope.new))


def _candidate(run: Run, number: int) -> Scope:
    commit = run.candidate(number).commit
    return _scope(
        run.store,
        "candidate",
        f"candidate {number} of run {run.id}",
        run.base,
        commit,
        run=run.id,
        number=number,
        task=run.record.status.task,
    )


async def _revisions(conductor: Conductor, repository: Repository, store: Store, asked: Asked) -> Scope:
    root = repository.root
    base, head, exact = _words(asked)
    if head:
        commit = await asyncio.to_thread(_commit, root, head)
        start, name = await asyncio.to_thread(_base, root, base, commit, exact)
        return await asyncio.to_thread(_scope, store, "revision", f"{head} against {name}", start, commit)
    tip = repository.head
    start, name = await asyncio.to_thread(_base, root, base, tip, exact)
    buffers = await open_buffers(conductor.peers, root)
    taken = await asyncio.to_thread(store.snapshot, overlays(buffers, root))
    return await asyncio.to_thread(
        _scope, store, "yours", f"what you have now against {name}", start, taken.commit, notes=taken.notes
    )


def _words(asked: Asked) -> tuple[str, str, bool]:
    """Base, head, and whether the base is meant as it is, not where the two parted."""
    for word in (asked.base, asked.head):
        if word.startswith("-") or any(c.isspace() for c in word):
            raise usage(f"`{word}` is no revision", "Name a branch, a commit, a range A..B, or a candidate.")
    if asked.head:
        return asked.base, asked.head, False
    for dots in ("...", ".."):
        old, found, new = asked.base.partition(dots)
        if found:
            return old or "HEAD", new or "HEAD", dots == ".."
    if _REQUEST.fullmatch(asked.base):
        return "", asked.base, False
    return asked.base, "", False


def _base(root: Path, given: str, tip: str | None, exact: bool) -> tuple[str, str]:
    """The commit that ``tip`` is compared with, and how it is called; an empty one where nothing is there."""
    if tip is None:
        return "", "nothing (there is no commit yet)"
    name = given or _default(root)
    commit = _commit(root, name)
    if exact:
        return commit, name
    parted = git_result(["merge-base", commit, tip], cwd=root, trusted=True)
    if parted.code or not parted.out.strip():
        return commit, f"{name} (they share no history)"
    return line(parted.out), name


def _commit(root: Path, name: str) -> str:
    """The commit that a name stands for, as git reads it; pull requests also where remotes keep them.

    Raises:
        KageError: it stands for none.
    """
    plain = name.removesuffix("/head")
    more = [f"refs/{plain}/head", *(f"{remote}/{tail}" for remote in _REMOTES for tail in (name, plain))]
    for word in [name, *(more if _REQUEST.fullmatch(name) else ())]:
        done = git_result(["rev-parse", "--verify", "--quiet", f"{word}^{{commit}}"], cwd=root, trusted=True)
        if done.code == 0 and done.out.strip():
            return line(done.out)
    fix = "Name a branch, a tag or a commit: git branch -a lists branches."
    if _REQUEST.fullmatch(name):
        fix = "Fetch it first (git fetch origin pull/NUMBER/head), then review FETCH_HEAD."
    raise KageError(f"`{name}` is no revision here", fix=fix, code="revision", exit=Exit.USAGE)


def _default(root: Path) -> str:
    """The branch that others begin from: a remote's own choice, else one that is called like it.

    Raises:
        KageError: there is none.
    """
    upstream = _name(root, "@{upstream}").removeprefix("refs/remotes/").partition("/")[0]
    remotes = list(dict.fromkeys(filter(None, [upstream, *_REMOTES])))
    refs = [f"refs/remotes/{remote}/HEAD" for remote in remotes]
    refs += [f"refs/remotes/{remote}/{branch}" for remote in remotes for branch in _BRANCHES]
    refs += [f"refs/heads/{branch}" for branch in _BRANCHES]
    for ref in refs:
        done = git_result(["rev-parse", "--verify", "--quiet", f"{ref}^{{commit}}"], cwd=root, trusted=True)
        if done.code == 0:
            full = _name(root, ref) or ref
            return full.removeprefix("refs/remotes/").removeprefix("refs/heads/")
    raise KageError(
        "no base is known: there is no branch main or master, and no remote that names its own",
        fix="Name what the change is to be compared with: kage review BASE.",
        code="revision",
    )


def _name(root: Path, ref: str) -> str:
    done = git_result(
        ["rev-parse", "--symbolic-full-name", "--verify", "--quiet", ref], cwd=root, trusted=True
    )
    return line(done.out) if done.code == 0 else ""


def _scope(
    store: Store,
    kind: str,
    title: str,
    base: str,
    head: str,
    *,
    notes: list[str] | None = None,
    run: str = "",
    number: int | None = None,
    task: str = "",
) -> Scope:
    """Both trees, without what no agent gets."""
    found = list(notes or [])
    old = _kept(store, base, []) if base else _empty(store)
    new = _kept(store, head, found)
    return Scope(store, kind, title, base, head, old, new, run, number, task, found)


def _kept(store: Store, commit: str, notes: list[str]) -> str:
    (tree,) = trees_of(store, [commit])
    taken = kageignore.without(store, Snapshot(commit, tree, None))
    notes += [note.replace("the agents", "the reviewers") for note in taken.notes]
    return taken.tree


def _empty(store: Store) -> str:
    return line(run_git(["hash-object", "-t", "tree", "--stdin"], git_dir=store.git_dir, input=b""))
