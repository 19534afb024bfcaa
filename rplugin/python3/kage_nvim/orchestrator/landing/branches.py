"""Landing as commits on the branch that is checked out: what is landed in the files, and nothing else.

First it is made sure that nothing stands against the commit, then the files are landed (see landing), then
it is made. What the user has staged stays staged.
"""

from __future__ import annotations

import asyncio
import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from kage_nvim.compare import land
from kage_nvim.errors import Exit, KageError, refused
from kage_nvim.git import git_result, line, user_git
from kage_nvim.orchestrator.landing import canonical, commit_message, shares
from kage_nvim.orchestrator.landing.committing import Writer
from kage_nvim.orchestrator.landing.shares import Made, Part, Wish
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.repository import head_of, state_of
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.records import Landing
from kage_nvim.trees import ABSENT, Entry, changes, edit_tree, entries

__all__ = ["Made", "Part", "Planned", "Wish", "commit", "plan", "stays"]


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
    notes: list[str]


def stays(store: Store, landing: Landing) -> str:
    """What is to know when a landing is taken back that was committed; empty when the commit is gone."""
    if not landing.commit:
        return ""
    short, ref = landing.commit[:10], f"refs/heads/{landing.branch}"
    asked = ["for-each-ref", "--contains", landing.commit, ref]
    if not git_result(asked, cwd=store.repository.root, trusted=True).out:
        return ""
    if not shares.contains(store, head_of(store.repository.git_dir), landing.commit):
        return f"commit {short} stays on {landing.branch}"
    names = " ".join(shlex.quote(file.path) for file in landing.files)
    record = f"git commit -- {names}" if len(landing.files) <= 5 else "git commit -a"
    return (
        f"commit {short} stays on {landing.branch}, only the files are as before: {record} commits that, or,"
        f" while it is the last commit and nobody else has it, git reset {short}^ drops it"
    )


async def plan(peer: Peer, run: Run, wish: Wish, before: str, after: str, parts: Sequence[Part]) -> Planned:
    """Make sure that what is about to be landed (``before`` → ``after``, trees) can be committed.

    Raises:
        KageError: it cannot (exit 4); nothing of the user's was touched.
    """
    return await asyncio.to_thread(_plan, shares.environment(peer), run, wish, before, after, list(parts))


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
    tree = shares.tree_of(store, head)
    found = canonical.edits(store, before, after, tree, env)
    made = [edit for edit in found if not edit.pointer]  # a submodule's commit is not landed, but told
    if hooks := writer.hooks_among(edit.path for edit in made):
        raise refused(
            f"this changes what your hooks run: {', '.join(hooks)}; nothing was changed",
            fix="Land it without --commit, look at those files, then commit yourself.",
            code="hooks",
        )
    goal = shares.onto(store, tree, made, "what you have not committed")
    if goal == tree:
        raise shares.nothing(branch)
    _carried(writer, store, tree, goal)  # what is staged can stay so
    trees, side = [goal], []
    notes: list[str] = []
    if wish.how == "rebase" and len(parts) > 1:
        trees = shares.one_by_one(store, tree, parts, env)
        if trees[-1] != goal:
            raise refused(
                "the candidates' changes depend on what you have not committed",
                fix="Land them as one commit (--squash), or commit your own changes first.",
            )
        trees, parts, notes = shares.distinct(tree, trees, parts)
    if wish.how == "merge":
        if not shares.contains(store, head, shares.start(run)):
            raise refused(
                f"{branch} does not hold the commit that run {run.id} began from",
                fix="Land it with --commit or --squash instead.",
            )
        start = shares.tree_of(store, shares.start(run))
        side = [shares.side(store, start, part, env) for part in parts]
    return Planned(writer, run, wish, branch, head, trees, parts, side, notes)


def _commit(planned: Planned) -> Made:
    writer, run, store = planned.writer, planned.run, planned.writer.store
    known = [shares.tree_of(store, planned.head)]
    writer.bring([*planned.trees, *planned.side], known)
    goal = writer.before_commit(planned.trees[-1])
    parents = [planned.head] if planned.head else []
    texts = shares.texts(run, planned.parts, planned.wish, len(planned.trees))
    beside = _sides(writer, run, planned)
    done: list[str] = []
    for tree, text in zip([*planned.trees[:-1], goal], texts, strict=True):
        done.append(writer.commit(tree, [*parents, *beside], text))
        parents = [done[-1]]
    subject = texts[-1].splitlines()[0]
    # The index first: killed in between, the landed lines are staged, and a git commit is all that is left.
    before, note = _stage(writer, planned.head, goal)
    try:
        writer.move("HEAD", done[-1], planned.head, subject)
    except KageError:
        writer.stage(before)
        raise
    notes = [*planned.notes, *([note] if note else [])]
    try:
        writer.hook("post-commit")
    except KageError as error:
        notes.append(error.message)
    return Made(done, planned.branch, notes)


def _sides(writer: Writer, run: Run, planned: Planned) -> list[str]:
    """The candidates as commits of their own, on the commit that the run began from: the merge's parents."""
    start = shares.start(run)
    return [
        writer.commit(tree, [start] if start else [], commit_message.message(run, part.numbers))
        for tree, part in zip(planned.side, planned.parts, strict=False)
    ]


def _stage(writer: Writer, head: str | None, goal: str) -> tuple[list[Entry], str]:
    """Bring the index up to the commit, whatever was staged while hooks ran; what takes that back, and a note
    when it fails."""
    try:
        new = _carried(writer, writer.store, shares.tree_of(writer.store, head), goal, strict=False)
        staged = {entry.path: entry for entry in writer.staged([entry.path for entry in new])}
    except KageError as error:
        return [], f"the index could not be brought up to the commit: {error.message}"
    before = [staged.get(entry.path, Entry(ABSENT, entry.sha, entry.path)) for entry in new]
    note = writer.stage(new)
    return [] if note else before, note


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
        raise shares.overlap(merged.conflicts, "what you have staged")
    writer.bring([merged.tree], [head, goal] if not strict else [head])
    found = {entry.path: entry for entry in entries(store, merged.tree, mixed)}
    return [*plain, *(found.get(path, Entry(ABSENT, none, path)) for path in mixed)]
