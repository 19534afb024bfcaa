"""Landing as commits: on the branch that is checked out (``--commit``), or on another one (``--branch``).

A commit holds what was landed and nothing else. What the user has not committed is no part of it: the agent's
change is taken over three-way onto the commit that it goes on, and where it overlaps with what is not
committed nothing is changed and the files are named.
"""

from __future__ import annotations

import asyncio
import os
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from kage_nvim.compare import land
from kage_nvim.errors import Exit, KageError, refused, usage
from kage_nvim.git import git_result, line, user_git
from kage_nvim.orchestrator import canonical, commit_message
from kage_nvim.orchestrator.committing import Writer
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.repository import head_of, state_of
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.store import Landing
from kage_nvim.trees import ABSENT, Entry, changes, edit_tree, entries, trees_of

HOW = ("", "merge", "rebase", "squash")
FIRST = "Commit your own changes first, or land in the working tree (without --commit and --branch)."
AMONG = "Choose between them hunk by hunk: kage accept --patch, or :KageDiff."
LATER = "Land it on a new branch (--branch NAME), then merge that one yourself: git shows you the conflicts."


@dataclass(frozen=True)
class Wish:
    """How a landing is to be kept, as the user said it; ``how`` is one of HOW."""

    commit: bool = False
    message: str = ""
    branch: str = ""
    how: str = ""

    @property
    def commits(self) -> bool:
        """Whether commits are wanted on the branch that is checked out."""
        return not self.branch and bool(self.commit or self.message or self.how)

    def check(self) -> None:
        """Say at once what does not go together.

        Raises:
            KageError: exit 2.
        """
        if self.how not in HOW:
            raise usage(f"`{self.how}` is no way to land", "Use merge, rebase or squash.")
        if self.branch and self.commit:
            raise usage("--commit is for the branch that is checked out", "Give --branch NAME alone.")


@dataclass(frozen=True)
class Part:
    """A share of a landing that may be a commit of its own: the candidates that it is of, and what they
    change, as trees of bytes on disk."""

    numbers: list[int]
    before: str
    after: str


@dataclass
class Planned:
    """A commit that nothing stands against, before the files are landed."""

    writer: Writer
    run: Run
    wish: Wish
    branch: str
    head: str | None
    trees: list[str]
    parts: list[Part]
    side: list[str]


@dataclass(frozen=True)
class Made:
    """Commits, oldest first, on ``branch``; ``notes`` are for the user."""

    commits: list[str]
    branch: str
    notes: list[str] = field(default_factory=list)

    def answer(self) -> dict[str, Any]:
        """As the verb answers it."""
        return {"commits": self.commits, "branch": self.branch}


def stays(store: Store, landing: Landing) -> str:
    """What is to know when a landing is taken back that was committed; empty when the commit is gone."""
    if not landing.commit:
        return ""
    short, ref = landing.commit[:10], f"refs/heads/{landing.branch}"
    asked = ["for-each-ref", "--contains", landing.commit, ref]
    if not git_result(asked, cwd=store.repository.root, trusted=True).out:
        return ""
    if not _contains(store, head_of(store.repository.git_dir), landing.commit):
        return f"commit {short} stays on {landing.branch}"
    names = " ".join(shlex.quote(file.path) for file in landing.files)
    record = f"git commit -- {names}" if len(landing.files) <= 5 else "git commit -a"
    return (
        f"commit {short} stays on {landing.branch}, only the files are as before: {record} commits that, or,"
        f" while it is the last commit and nobody else has it, git reset {short}^ drops it"
    )


def environment(peer: Peer) -> dict[str, str]:
    """The environment in which the user's git runs for a client: kaged's, and what the client brings."""
    return dict(os.environ) | peer.hello.env


# On the branch that is checked out.


async def plan(peer: Peer, run: Run, wish: Wish, before: str, after: str, parts: Sequence[Part]) -> Planned:
    """Make sure that what is about to be landed (``before`` → ``after``, trees) can be committed.

    Raises:
        KageError: it cannot (exit 4); nothing of the user's was touched.
    """
    return await asyncio.to_thread(_plan, environment(peer), run, wish, before, after, list(parts))


async def commit(planned: Planned) -> Made:
    """Commit what was landed.

    Raises:
        KageError: a hook or the signing refused, or the branch was moved; the files are landed by then, and
            the error says so (exit 1).
    """
    try:
        return await asyncio.to_thread(_commit, planned)
    except KageError as error:
        raise KageError(
            f"the files are landed, but not committed: {error.message}",
            fix=f"{error.fix} Then commit them yourself (git commit), or take them back (kage undo).".strip(),
            code=error.code,
            exit=Exit.ERROR,
            data=error.data,
        ) from error


def _plan(
    env: Mapping[str, str], run: Run, wish: Wish, before: str, after: str, parts: list[Part]
) -> Planned:
    store, writer = run.store, Writer(run.store, env)
    branch = _current(writer)
    writer.identity()
    head = head_of(store.repository.git_dir)
    tree = _tree_of(store, head)
    found = canonical.edits(store, before, after, tree, env)
    made = [edit for edit in found if not edit.pointer]  # a submodule's commit is not landed, but told
    if hooks := writer.hooks_among(edit.path for edit in made):
        raise refused(
            f"this changes what your hooks run: {', '.join(hooks)}; nothing was changed",
            fix="Land it without --commit, look at those files, then commit yourself.",
            code="hooks",
        )
    goal = _onto(store, tree, made, "what you have not committed")
    if goal == tree:
        raise _nothing(branch)
    _carried(writer, store, tree, goal)  # what is staged can stay so
    trees, side = [goal], []
    if wish.how == "rebase" and len(parts) > 1:
        trees = _one_by_one(store, tree, parts, env)
        if trees[-1] != goal:
            raise refused(
                "the candidates' changes depend on what you have not committed",
                fix="Land them as one commit (--squash), or commit your own changes first.",
            )
    if wish.how == "merge":
        if not _contains(store, head, _start(run)):
            raise refused(
                f"{branch} does not hold the commit that run {run.id} began from",
                fix="Land it with --commit or --squash instead.",
            )
        start = _tree_of(store, _start(run))
        side = [_side(store, start, part, env) for part in parts]
    return Planned(writer, run, wish, branch, head, trees, parts, side)


def _commit(planned: Planned) -> Made:
    writer, run, store = planned.writer, planned.run, planned.writer.store
    known = [_tree_of(store, planned.head)]
    writer.bring([*planned.trees, *planned.side], known)
    goal = writer.before_commit(planned.trees[-1])
    parents = [planned.head] if planned.head else []
    texts = _texts(run, planned.parts, planned.wish, len(planned.trees))
    beside = _sides(writer, run, planned)
    done: list[str] = []
    for tree, text in zip([*planned.trees[:-1], goal], texts, strict=True):
        done.append(writer.commit(tree, [*parents, *beside], text))
        parents = [done[-1]]
    subject = texts[-1].splitlines()[0]
    writer.move("HEAD", done[-1], planned.head, subject)
    notes = [note] if (note := _stage(writer, planned.head, goal)) else []
    try:
        writer.hook("post-commit")
    except KageError as error:
        notes.append(error.message)
    return Made(done, planned.branch, notes)


def _sides(writer: Writer, run: Run, planned: Planned) -> list[str]:
    """The candidates as commits of their own, on the commit that the run began from: the merge's parents."""
    start = _start(run)
    return [
        writer.commit(tree, [start] if start else [], commit_message.message(run, part.numbers))
        for tree, part in zip(planned.side, planned.parts, strict=False)
    ]


def _stage(writer: Writer, head: str | None, goal: str) -> str:
    """Bring the index up to the commit, whatever was staged while hooks ran; a note when that fails."""
    try:
        entries = _carried(writer, writer.store, _tree_of(writer.store, head), goal, strict=False)
    except KageError as error:
        return f"the index could not be brought up to the commit: {error.message}"
    return writer.stage(entries)


def _current(writer: Writer) -> str:
    """The branch that is checked out.

    Raises:
        KageError: there is none, or git is in the middle of something (exit 4).
    """
    git_dir = writer.store.repository.git_dir
    if state := state_of(git_dir):
        raise refused(
            f"git is in the middle of a {state}: nothing can be committed beside it",
            fix=f"Finish it or abort it (git {state} --abort), or land without --commit.",
            code="state",
        )
    done = user_git(["symbolic-ref", "-q", "--short", "HEAD"], root=writer.root, base=writer.env)
    if done.code:
        raise refused(
            "no branch is checked out (HEAD is detached)",
            fix="Make one (git switch -c NAME), or land with --branch NAME.",
            code="detached",
        )
    if (git_dir / "index.lock").exists():
        raise refused(
            "the index is locked by another git",
            fix=f"Wait for it; if none runs, remove {git_dir / 'index.lock'}.",
            code="locked",
        )
    return line(done.out)


def _carried(writer: Writer, store: Store, head: str, goal: str, *, strict: bool = True) -> list[Entry]:
    """What the user's index takes over of the commit, so that all that they staged stays staged.

    Raises:
        KageError: with ``strict``, when what they staged overlaps with it (exit 4).
    """
    moved = {change.path: change for change in changes(store, head, goal, renames=False)}
    mine = writer.staged(sorted(moved))
    if unmerged := sorted({entry.path for entry in mine if entry.stage}):
        raise refused(
            f"the index has conflicts in {', '.join(unmerged)}", fix="Resolve and git add them first."
        )
    index = {entry.path: (entry.mode, entry.sha) for entry in mine}
    plain, mixed = [], []
    for path, change in moved.items():
        old = None if change.old_mode == ABSENT else (change.old_mode, change.old_sha)
        new = None if change.new_mode == ABSENT else (change.new_mode, change.new_sha)
        if index.get(path) == old:
            mode, sha = new or (ABSENT, change.old_sha)
            plain.append(Entry(mode, sha, path))
        elif index.get(path) != new:
            mixed.append(path)
    if not mixed:
        return plain
    none = "0" * len(head)
    ours = edit_tree(
        store,
        head,
        [Entry(*index.get(path, (ABSENT, none)), path) for path in mixed],
        store.scratch / f"staged-{goal}",
    )
    merged = land.merge(store, head, ours, goal, label="the commit")
    if merged.conflicts:
        if not strict:
            return plain
        raise _overlap(merged.conflicts, "what you have staged")
    writer.bring([merged.tree], [head, goal] if not strict else [head])
    found = {entry.path: entry for entry in entries(store, merged.tree, mixed)}
    return [*plain, *(found.get(path, Entry(ABSENT, none, path)) for path in mixed)]


# On another branch.


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
    return await asyncio.to_thread(_branch, Writer(run.store, environment(peer)), run, wish, list(parts))


def _branch(writer: Writer, run: Run, wish: Wish, parts: list[Part]) -> Made:
    target = _target(writer, run, wish)
    writer.identity()
    store = run.store
    start = _tree_of(store, target.start)
    own: list[str] = []
    if target.tip is None:
        trees, parents = _one_by_one(store, start, parts, writer.env), [target.start]
    elif wish.how == "merge":
        own = [_side(store, start, part, writer.env) for part in parts]
        trees, parents = [_merged(store, target, own)], [target.tip]
    else:
        trees, parents = _rebased(store, target, start, parts, writer.env), [target.tip]
    if trees[-1] == _tree_of(store, parents[0]) and wish.how != "merge":
        raise _nothing(target.name)
    if wish.how == "squash":
        trees = trees[-1:]
    writer.bring([*trees, *own], [start, *([_tree_of(store, target.tip)] if target.tip else [])])
    texts = _texts(run, parts, wish, len(trees))
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
    return Made([*sides, *done], target.name)


def _target(writer: Writer, run: Run, wish: Wish) -> Target:
    name = wish.branch
    done = user_git(["check-ref-format", "--branch", name], root=writer.root, base=writer.env)
    if done.code or line(done.out) != name:
        raise usage(f"`{name}` is no name for a branch", "See git help check-ref-format; fix/add will do.")
    found = user_git(
        ["for-each-ref", "--format=%(refname)%00%(objectname)%00%(worktreepath)", f"refs/heads/{name}"],
        root=writer.root,
        base=writer.env,
    )
    here = [text.split("\0") for text in found.out.decode(errors="surrogateescape").splitlines()]
    tip, place = next(((sha, where) for ref, sha, where in here if ref == f"refs/heads/{name}"), (None, ""))
    start = _start(run)
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


def _held(writer: Writer, name: str) -> bool:
    """Whether a rebase or a bisection of some worktree will come back to the branch."""
    common = writer.store.repository.common_dir
    folders = [common, *sorted((common / "worktrees").glob("*"))]
    marks = ("rebase-merge/head-name", "rebase-apply/head-name", "BISECT_START")
    for file in (folder / mark for folder in folders for mark in marks):
        if file.is_file() and file.read_text("utf-8", "replace").strip() in (name, f"refs/heads/{name}"):
            return True
    return False


def _one_by_one(store: Store, tree: str, parts: Sequence[Part], env: Mapping[str, str]) -> list[str]:
    """The tree after each candidate, one on top of the other."""
    trees: list[str] = []
    for part in parts:
        made = canonical.edits(store, part.before, part.after, tree, env)
        if trees:
            tree = _onto(store, tree, made, "what the others change", AMONG)
        else:
            tree = _onto(store, tree, made, "what was not committed when the run began")
        trees.append(tree)
    return trees


def _side(store: Store, start: str, part: Part, env: Mapping[str, str]) -> str:
    """A candidate's tree on the commit that its run began from, without what was not committed then."""
    return _one_by_one(store, start, [part], env)[0]


def _rebased(
    store: Store, target: Target, start: str, parts: Sequence[Part], env: Mapping[str, str]
) -> list[str]:
    """The branch's tree after each candidate; files that the branch renamed are followed."""
    tree = _tree_of(store, target.tip)
    trees: list[str] = []
    for part in parts:
        merged = land.merge(
            store, start, tree, _side(store, start, part, env), label=f"agent {part.numbers[0]}"
        )
        if merged.conflicts:
            raise _overlap(merged.conflicts, f"what is on {target.name}", LATER)
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
    base, tree = _tree_of(store, line(found.out)), _tree_of(store, target.tip)
    for each in own:
        merged = land.merge(store, base, tree, each, label="agent")
        if merged.conflicts:
            raise _overlap(merged.conflicts, f"what is on {target.name}", LATER)
        tree = merged.tree
    return tree


# Shared.


def _texts(run: Run, parts: Sequence[Part], wish: Wish, count: int) -> list[str]:
    """A message for each commit: one for each part, or one for all."""
    if count == len(parts):
        return [commit_message.message(run, part.numbers, wish.message) for part in parts]
    return [commit_message.message(run, [n for part in parts for n in part.numbers], wish.message)]


def _onto(store: Store, tree: str, made: Sequence[canonical.Edit], what: str, fix: str = FIRST) -> str:
    """A tree with edits that were made elsewhere, three-way.

    Raises:
        KageError: they overlap with ``what``, which is not in the tree (exit 4).
    """
    before = canonical.put(store, tree, made, new=False)
    after = canonical.put(store, tree, made, new=True)
    if before == tree:
        return after
    merged = land.merge(store, before, tree, after, label="agent")
    if merged.conflicts:
        raise _overlap(merged.conflicts, what, fix)
    return merged.tree


def _nothing(branch: str) -> KageError:
    return KageError(
        f"{branch} has all of it already",
        fix="There is nothing to commit.",
        code="nothing",
        exit=Exit.NOTHING,
    )


def _overlap(conflicts: Sequence[land.Conflict], what: str, fix: str = FIRST) -> KageError:
    names = list(dict.fromkeys(conflict.path for conflict in conflicts))
    return refused(
        f"the landed lines overlap with {what}, in: {', '.join(names)}; nothing was changed",
        fix=fix,
        code="overlap",
        paths=names,
    )


def _contains(store: Store, head: str | None, start: str | None) -> bool:
    if head is None or start is None:
        return False
    return git_result(["merge-base", "--is-ancestor", start, head], git_dir=store.git_dir).code == 0


def _start(run: Run) -> str | None:
    """The user's commit that the run's base stands on; ``None`` where there was none yet."""
    done = git_result(["rev-parse", "-q", "--verify", f"{run.base}^"], git_dir=run.store.git_dir)
    return line(done.out) if done.code == 0 else None


def _tree_of(store: Store, commit: str | None) -> str:
    """The tree of a commit; the empty one where there is none."""
    if not commit:
        return land.empty_tree(store)
    return trees_of(store, [commit])[0]
