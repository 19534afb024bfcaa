"""Landing on a branch that is not checked out, new or not: working tree and index stay as they are."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from kage_nvim.compare import land
from kage_nvim.errors import refused, usage
from kage_nvim.git import git_result, line, user_git
from kage_nvim.orchestrator.landing import commit_message, shares
from kage_nvim.orchestrator.landing.committing import Writer
from kage_nvim.orchestrator.landing.shares import LATER, Made, Part, Wish
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Store


@dataclass
class Target:
    """A branch that is not checked out: its ref, the commit it is at, and that which the run began from."""

    name: str
    tip: str | None
    start: str | None

    @property
    def ref(self) -> str:
        """In full."""
        return f"refs/heads/{self.name}"


async def branch(peer: Peer, run: Run, wish: Wish, parts: Sequence[Part]) -> Made:
    """Bring candidates onto a branch, new or not; working tree and index stay as they are.

    Raises:
        KageError: the name will not do, the branch is checked out, or something overlaps (exit 2 or 4);
            nothing of the user's was touched.
    """
    return await asyncio.to_thread(
        _branch, Writer(run.store, shares.environment(peer)), run, wish, list(parts)
    )


def _branch(writer: Writer, run: Run, wish: Wish, parts: list[Part]) -> Made:
    target = _target(writer, run, wish)
    writer.identity()
    store = run.store
    start = shares.tree_of(store, target.start)
    own: list[str] = []
    if target.tip is None:
        trees, parents = shares.one_by_one(store, start, parts, writer.env), [target.start]
    elif wish.how == "merge":
        own = [shares.side(store, start, part, writer.env) for part in parts]
        trees, parents = [_merged(store, target, own)], [target.tip]
    else:
        trees, parents = _rebased(store, target, start, parts, writer.env), [target.tip]
    if trees[-1] == shares.tree_of(store, parents[0]):
        raise shares.nothing(target.name)
    notes: list[str] = []
    if wish.how == "squash":
        trees = trees[-1:]
    elif len(trees) == len(parts):
        trees, parts, notes = shares.distinct(shares.tree_of(store, parents[0]), trees, parts)
    writer.bring([*trees, *own], [start, *([shares.tree_of(store, target.tip)] if target.tip else [])])
    texts = shares.texts(run, parts, wish, len(trees))
    above = [commit for commit in parents if commit]
    sides = [
        writer.commit(tree, [target.start] if target.start else [], commit_message.message(run, part.numbers))
        for tree, part in zip(own, parts, strict=False)
    ]
    done = []
    for tree, text in zip(trees, texts, strict=True):
        done.append(writer.commit(tree, [*above, *sides], text))
        above = [done[-1]]
    writer.move(target.ref, done[-1], target.tip, texts[-1].splitlines()[0])
    return Made([*sides, *done], target.name, notes)


def _target(writer: Writer, run: Run, wish: Wish) -> Target:
    name = wish.branch
    done = user_git(["check-ref-format", "--branch", name], root=writer.root, base=writer.env)
    if done.code or line(done.out) != name:
        raise usage(f"`{name}` is no name for a branch", "See git help check-ref-format; fix/add will do.")
    name = _meant(writer, name)
    found = user_git(
        ["for-each-ref", "--format=%(refname)%00%(objectname)%00%(worktreepath)", f"refs/heads/{name}"],
        root=writer.root,
        base=writer.env,
    )
    here = [text.split("\0") for text in found.out.decode(errors="surrogateescape").splitlines()]
    tip, place = next(((sha, where) for ref, sha, where in here if ref == f"refs/heads/{name}"), (None, ""))
    start = shares.start(run)
    if tip is None:
        head = user_git(["symbolic-ref", "-q", "HEAD"], root=writer.root, base=writer.env)
        if line(head.out) == f"refs/heads/{name}":
            raise refused(f"{name} is checked out here, without a commit yet", fix="Land with --commit.")
        if wish.how == "merge":
            raise refused(f"there is no branch {name} to merge into", fix="Leave --merge away: it is made.")
        return Target(name, None, start)
    if place and Path(place).resolve() == writer.root.resolve():
        how = f"--{wish.how}" if wish.how else "--commit"
        raise refused(f"{name} is checked out here", fix=f"Land on it with {how} and without --branch.")
    if place or _held(writer, name):
        raise refused(
            f"{name} is checked out in {place or 'another worktree'}",
            fix="Switch that one to another branch first (git switch), or name another branch.",
        )
    if not wish.how:
        raise refused(
            f"there is a branch {name} already",
            fix="Say how to land on it (--merge, --rebase or --squash), or give another name.",
            code="exists",
        )
    return Target(name, tip, start)


def _meant(writer: Writer, name: str) -> str:
    """The branch that moves when a name stands for another one (``git symbolic-ref``).

    Raises:
        KageError: it stands for something that is no branch (exit 4).
    """
    done = user_git(["symbolic-ref", "-q", f"refs/heads/{name}"], root=writer.root, base=writer.env)
    if done.code:
        return name
    ref = line(done.out)
    if not ref.startswith("refs/heads/"):
        raise refused(f"{name} stands for {ref}, which is no branch", fix="Name a branch.")
    return ref.removeprefix("refs/heads/")


def _held(writer: Writer, name: str) -> bool:
    """Whether a rebase or a bisection of some worktree will come back to the branch."""
    common = writer.store.repository.common_dir
    folders = [common, *sorted((common / "worktrees").glob("*"))]
    marks = ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")
    for file in (folder / mark for folder in folders for mark in marks):
        if file.is_file() and file.read_text("utf-8", "replace").strip() in (name, f"refs/heads/{name}"):
            return True
    return False


def _rebased(
    store: Store, target: Target, start: str, parts: Sequence[Part], env: Mapping[str, str]
) -> list[str]:
    """The branch's tree after each candidate; files that the branch renamed are followed."""
    tree = shares.tree_of(store, target.tip)
    trees: list[str] = []
    for part in parts:
        merged = land.merge(
            store, start, tree, shares.side(store, start, part, env), label=f"agent {part.numbers[0]}"
        )
        if merged.conflicts:
            raise shares.overlap(merged.conflicts, f"what is on {target.name}", LATER)
        tree = merged.tree
        trees.append(tree)
    return trees


def _merged(store: Store, target: Target, own: Sequence[str]) -> str:
    """The tree of the merge of candidates into the branch, as ``git merge`` would make it."""
    found = git_result(["merge-base", str(target.tip), str(target.start)], git_dir=store.git_dir)
    if found.code or not target.start:
        raise refused(
            f"{target.name} has no history in common with the commit that the run began from",
            fix="Land on it with --rebase or --squash.",
        )
    base, tree = shares.tree_of(store, line(found.out)), shares.tree_of(store, target.tip)
    for each in own:
        merged = land.merge(store, base, tree, each, label="agent")
        if merged.conflicts:
            raise shares.overlap(merged.conflicts, f"what is on {target.name}", LATER)
        tree = merged.tree
    return tree
