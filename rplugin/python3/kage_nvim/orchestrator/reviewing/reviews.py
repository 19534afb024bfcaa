"""The reviews that are under way: who asked, how far they are, and their end.

A review is one account in the ledger, so that its budget holds for all its reviewers together. What is found
is kept also when it ends early: by its budget, by a reviewer that fails. Nobody waiting any more ends it.
"""

from __future__ import annotations

import asyncio
import time
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec

from kage_nvim import config
from kage_nvim.config import RepositoryConfig, UserConfig
from kage_nvim.errors import KageError, refused
from kage_nvim.evaluate.reviewing.findings import merged, ranked
from kage_nvim.orchestrator import players
from kage_nvim.orchestrator.editors import open_buffers, overlays
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.reviewing import kept
from kage_nvim.orchestrator.reviewing.kept import Review
from kage_nvim.orchestrator.reviewing.loop import Loop, Mind, Reviewer, together
from kage_nvim.orchestrator.reviewing.reader import Reader
from kage_nvim.orchestrator.reviewing.refute import CUT, refute
from kage_nvim.orchestrator.reviewing.scope import Asked, Scope, find
from kage_nvim.orchestrator.reviewing.who import Account, engaged, players_of, roles_of
from kage_nvim.orchestrator.roles import Role
from kage_nvim.orchestrator.shadow import Store

if TYPE_CHECKING:
    from kage_nvim.orchestrator.conductor import Conductor


@dataclass
class Wish:
    """How it is to be reviewed: roles and players instead of the configured ones, what was confirmed."""

    roles: list[str] = field(default_factory=list)
    players: list[str] = field(default_factory=list)
    confirmed: list[str] = field(default_factory=list)


class Reviews:
    """The reviews of all repositories."""

    def __init__(self, conductor: Conductor) -> None:
        self._conductor = conductor
        self._under_way: dict[asyncio.Task[Review], tuple[Peer, Path]] = {}

    async def review(self, peer: Peer, cwd: str, asked: Asked, wish: Wish) -> dict[str, Any]:
        """Review a change; returns the ``Review``.

        Raises:
            KageError: there is nothing to review, nobody who could, something must be confirmed first (code
                ``confirm``), every reviewer failed, or it was stopped (code ``stopped``).
        """
        root = (await self._conductor.repository(cwd)).root
        user = await asyncio.to_thread(config.load_user)
        wanted = await asyncio.to_thread(roles_of, wish.roles or user.review.roles, root)
        names = players_of(wish.players, user)
        if user.review.refuters:
            players_of(user.review.refuters, user)
        self._confirm(root, list(wanted.values()), wish.confirmed)
        scope = await find(self._conductor, cwd, asked)
        task = asyncio.ensure_future(self._review(peer, scope, user, wanted, names))
        self._under_way[task] = (peer, root)
        try:
            review = await task
        except asyncio.CancelledError:
            if task.cancelled() and task not in self._under_way:
                raise refused("the review was stopped", code="stopped") from None
            task.cancel()
            raise
        finally:
            self._under_way.pop(task, None)
        return await self._told(scope.store, review)

    async def again(self, cwd: str, name: str) -> dict[str, Any]:
        """A review that was made earlier, with the lines where its findings stand now.

        Raises:
            KageError: there is none of that name, or none at all.
        """
        store = await self._store(cwd)
        return await self._told(store, await asyncio.to_thread(kept.read, store, name))

    async def dismiss(self, cwd: str, name: str, finding: str, dismissed: bool) -> None:
        """Note that the user does, or does not, want to see a finding any more.

        Raises:
            KageError: there is no such review, or no such finding in it.
        """
        store = await self._store(cwd)
        review = await asyncio.to_thread(kept.read, store, name)
        found = [one.id for one in review.findings]
        if finding not in found:
            raise KageError(f"review {review.id} has no finding {finding}", code="no_finding")
        at = found.index(finding)
        review.findings[at] = msgspec.structs.replace(review.findings[at], dismissed=dismissed)
        await asyncio.to_thread(kept.write, store, review)

    async def file(self, cwd: str, name: str, path: str) -> list[str]:
        """The lines of a file as it was reviewed; of one that was deleted as it was before.

        Raises:
            KageError: it is no text, or no more there.
        """
        store = await self._store(cwd)
        review = await asyncio.to_thread(kept.read, store, name)
        found = await asyncio.to_thread(store.read_file, review.head, path)
        if found is None and review.base:
            found = await asyncio.to_thread(store.read_file, review.base, path)
        if found is None:
            raise KageError(f"{path} is no file of what was reviewed", code="no_file")
        return found[0].decode("utf-8-sig", "replace").removesuffix("\n").split("\n")

    def gone(self, peer: Peer) -> None:
        """Nobody waits for what this peer asked any more."""
        for task, (asker, _) in list(self._under_way.items()):
            if asker is peer:
                task.cancel()

    async def stop(self, cwd: str) -> int:
        """End the reviews of a repository that are under way; returns how many."""
        root = (await self._conductor.repository(cwd)).root
        ended = [task for task, (_, where) in self._under_way.items() if where == root]
        for task in ended:
            del self._under_way[task]
            task.cancel()
        return len(ended)

    async def _store(self, cwd: str) -> Store:
        return await asyncio.to_thread(Store.open, await self._conductor.repository(cwd))

    async def _told(self, store: Store, review: Review) -> dict[str, Any]:
        """The review with the lines of the user's files as they are now."""
        root = store.repository.root
        with suppress(KageError):  # two editors disagree, or the reviewed tree is gone: nothing is mapped
            buffers = await open_buffers(self._conductor.peers, root)
            now = await asyncio.to_thread(store.snapshot, overlays(buffers, root))
            review.findings = await asyncio.to_thread(kept.mapped, store, review, now.tree)
        told: dict[str, Any] = msgspec.to_builtins(review)
        return told

    def _confirm(self, root: Path, given: list[Role], confirmed: list[str]) -> None:
        """A repository's own roles instruct the reviewers: they need trust, as at a spawn."""
        database = self._conductor.database
        known = database.confirmed(str(root)) | set(confirmed)
        nothing = RepositoryConfig()
        if asked := players.questions([], [], nothing, root, known, given):
            raise players.must_confirm(asked)
        for question in players.questions([], [], nothing, root, set(), given):
            database.confirm(str(root), question.id)

    async def _review(
        self, peer: Peer, scope: Scope, user: UserConfig, wanted: dict[str, Role], names: list[str]
    ) -> Review:
        began = time.monotonic()
        account = Account(kept.new_id(), scope.store.repository.root)
        reader = await asyncio.to_thread(Reader, scope)
        review = _begun(scope, account, reader.paths, list(wanted.values()), names)

        async def seat(name: str, offset: int) -> Mind:
            return await engaged(self._conductor, peer, scope, account, name, offset, user)

        seats = [await seat(reviewer.player, at) for at, reviewer in enumerate(review.reviewers)]
        # Before anything is spent: one who cannot refute is told of now.
        names = list(dict.fromkeys(user.review.refuters or names))
        judges = [(name, await seat(name, len(seats) + at)) for at, name in enumerate(names)]
        loops = [
            Loop(seat, role, reader, reviewer, user.review.timeout)
            for seat, role, reviewer in zip(seats, wanted.values(), review.reviewers, strict=True)
        ]
        try:
            await self._read(scope, review, loops)
            await self._refute(reader, review, judges, user.review.timeout)
            await self._count(review)
        except asyncio.CancelledError:
            review.notes.append("it was stopped before its end")
            for reviewer in review.reviewers:
                if reviewer.state == "working":
                    reviewer.state, reviewer.reason = "failed", "stopped"
            raise
        finally:
            review.seconds = round(time.monotonic() - began, 1)
            if review.findings or all(reviewer.state != "working" for reviewer in review.reviewers):
                kept.write(scope.store, review)  # at once: who is being stopped may not wait
        return review

    async def _read(self, scope: Scope, review: Review, loops: list[Loop]) -> None:
        """The first pass: all reviewers at once, then each thing once.

        Raises:
            KageError: every reviewer failed.
        """

        def heard() -> None:
            review.findings = merged([finding for loop in loops for finding in loop.findings])
            self._say(review, "reading", [reviewer.state != "working" for reviewer in review.reviewers])

        async def one(loop: Loop) -> None:
            await loop.run(scope.title, scope.task, heard)
            heard()

        heard()
        await together([one(loop) for loop in loops])
        failed = [reviewer for reviewer in review.reviewers if reviewer.state == "failed"]
        review.notes += [f"{one.role} ({one.player}) did not end: {one.reason}" for one in failed]
        if len(failed) == len(loops) and not review.findings:
            raise KageError(
                f"no reviewer came to an end: {failed[0].role}: {failed[0].reason}",
                fix="kage log --outgoing shows what was asked; kage cost what is left.",
                code="review",
            )

    async def _refute(
        self, reader: Reader, review: Review, judges: list[tuple[str, Mind]], seconds: float
    ) -> None:
        """The second pass: every player may be asked, but one about what another found."""
        if not review.findings:
            return
        done = [False] * len(review.findings)

        def heard() -> None:
            done[done.index(False)] = True
            self._say(review, "refuting", done)

        self._say(review, "refuting", done)
        played = {reviewer.role: reviewer.player for reviewer in review.reviewers}
        review.findings = ranked(await refute(review.findings, judges, played, reader, heard, seconds))
        unasked = sum(one.why.startswith(CUT) for one in review.findings)
        if unasked:
            review.notes.append(f"the second pass ended early for {unasked} of {len(done)} findings")

    async def _count(self, review: Review) -> None:
        with suppress(KageError, OSError):
            sums = (await self._conductor.gateway.cost(review.id, review.repository))["run"]
            review.cost_usd = sums["cost_usd"]
            review.tokens_in, review.tokens_out = sums["tokens_in"], sums["tokens_out"]

    def _say(self, review: Review, phase: str, done: list[bool]) -> None:
        self._conductor.audience.say(
            Path(review.repository),
            "review",
            {
                "id": review.id,
                "title": review.title,
                "phase": phase,
                "done": sum(done),
                "of": len(done),
                "found": sum(reviewer.found for reviewer in review.reviewers),
            },
        )


def _begun(scope: Scope, account: Account, files: list[str], wanted: list[Role], names: list[str]) -> Review:
    """A review of which nothing is known yet but who looks at what: each role by the next player."""
    return Review(
        id=account.id,
        repository=str(account.root),
        created=time.time(),
        kind=scope.kind,
        title=scope.title,
        base=scope.base,
        head=scope.head,
        new=scope.new,
        run=scope.run,
        number=scope.number,
        files=files,
        notes=scope.notes,
        reviewers=[
            Reviewer(role=role.name, player=names[at % len(names)], description=role.description)
            for at, role in enumerate(wanted)
        ],
    )
