"""What a landing as commits is made of: whose share it is, and trees that hold it and nothing else.

What the user has not committed is no part of it: the agent's change is taken over three-way onto the commit
that it goes on, and where it overlaps with what is not committed the files are named.
"""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from kage_nvim.compare import land
from kage_nvim.errors import Exit, KageError, refused, usage
from kage_nvim.git import git_result, line
from kage_nvim.orchestrator.landing import canonical, commit_message
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.runs import Run
from kage_nvim.orchestrator.shadow import Store
from kage_nvim.trees import trees_of

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


@dataclass(frozen=True)
class Made:
    """Commits, oldest first, on ``branch``; ``notes`` are for the user."""

    commits: list[str]
    branch: str
    notes: list[str] = field(default_factory=list)

    def answer(self) -> dict[str, Any]:
        """As the verb answers it."""
        return {"commits": self.commits, "branch": self.branch}


def environment(peer: Peer) -> dict[str, str]:
    """The environment in which the user's git runs for a client: kaged's, and what the client brings."""
    return dict(os.environ) | peer.hello.env


def one_by_one(store: Store, tree: str, parts: Sequence[Part], env: Mapping[str, str]) -> list[str]:
    """The tree after each candidate, one on top of the other."""
    trees: list[str] = []
    for part in parts:
        made = canonical.edits(store, part.before, part.after, tree, env)
        if trees:
            tree = onto(store, tree, made, "what the others change", AMONG)
        else:
            tree = onto(store, tree, made, "what was not committed when the run began")
        trees.append(tree)
    return trees


def distinct(
    tree: str, trees: Sequence[str], parts: Sequence[Part]
) -> tuple[list[str], list[Part], list[str]]:
    """Trees (the first on ``tree``) and parts without those that add nothing, for no empty commit is made of
    them; and what to say of these."""
    before = [tree, *trees]
    adds = [new != old for old, new in zip(before, trees, strict=False)]
    notes = [
        f"candidate {', '.join(map(str, part.numbers))} adds nothing to those before it: it has no commit"
        for part, adding in zip(parts, adds, strict=True)
        if not adding
    ]
    kept = [(new, part) for new, part, adding in zip(trees, parts, adds, strict=True) if adding]
    return [new for new, _ in kept], [part for _, part in kept], notes


def side(store: Store, start: str, part: Part, env: Mapping[str, str]) -> str:
    """A candidate's tree on the commit that its run began from, without what was not committed then."""
    return one_by_one(store, start, [part], env)[0]


def texts(run: Run, parts: Sequence[Part], wish: Wish, count: int) -> list[str]:
    """A message for each commit: one for each part, or one for all."""
    if count == len(parts):
        return [commit_message.message(run, part.numbers, wish.message) for part in parts]
    return [commit_message.message(run, [n for part in parts for n in part.numbers], wish.message)]


def onto(store: Store, tree: str, made: Sequence[canonical.Edit], what: str, fix: str = FIRST) -> str:
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
        raise overlap(merged.conflicts, what, fix)
    return merged.tree


def nothing(branch: str) -> KageError:
    """The error for a landing that a branch has already (exit 3)."""
    return KageError(
        f"{branch} has all of it already",
        fix="There is nothing to commit; kage accept without --commit and --branch lands in the files alone.",
        code="nothing",
        exit=Exit.NOTHING,
    )


def overlap(conflicts: Sequence[land.Conflict], what: str, fix: str = FIRST) -> KageError:
    """The error for lines that both sides changed (exit 4); ``what`` names the other side."""
    names = list(dict.fromkeys(conflict.path for conflict in conflicts))
    return refused(
        f"the landed lines overlap with {what}, in: {', '.join(names)}; nothing was changed",
        fix=fix,
        code="overlap",
        paths=names,
    )


def contains(store: Store, head: str | None, start: str | None) -> bool:
    """Whether a commit has another in its history."""
    if head is None or start is None:
        return False
    return git_result(["merge-base", "--is-ancestor", start, head], git_dir=store.git_dir).code == 0


def start(run: Run) -> str | None:
    """The user's commit that the run's base stands on; ``None`` where there was none yet."""
    done = git_result(["rev-parse", "-q", "--verify", f"{run.base}^"], git_dir=run.store.git_dir)
    return line(done.out) if done.code == 0 else None


def tree_of(store: Store, commit: str | None) -> str:
    """The tree of a commit; the empty one where there is none."""
    if not commit:
        return land.empty_tree(store)
    return trees_of(store, [commit])[0]
