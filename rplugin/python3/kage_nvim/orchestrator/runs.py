"""Runs and agents as kaged holds them in memory: the database's records with what is alive beside them."""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import paths
from kage_nvim.errors import KageError, refused
from kage_nvim.model import AgentSpec, CandidateStatus, RunStatus, State
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.shadow import Repository, Store
from kage_nvim.orchestrator.slots import Slot
from kage_nvim.records import AgentRecord, RunRecord, Synthesis


class Agent:
    """One worker of a run.

    ``peer`` is its process when it is connected, ``turn`` the turn it last reported, ``stopping`` says why
    while it is being ended and ``ending`` is held, ``called`` from a message until the agent is seen at work.
    """

    def __init__(self, record: AgentRecord, slot: Slot) -> None:
        self.record = record
        self.slot = slot
        self.peer: Peer | None = None
        self.reading = asyncio.Lock()
        self.stopping = ""
        self.ending = asyncio.Lock()
        self.called = False
        self.turn = 0

    @property
    def number(self) -> int:
        """The agent's name in every command."""
        return self.record.status.number

    def spent(self, sums: Mapping[str, Any]) -> bool:
        """Take over tokens and cost (US dollars; ``None``: nothing was priced) as the agent or the ledger has
        them: what is spent never becomes less. Returns whether anything changed."""
        status = self.record.status
        before = status.tokens_in, status.tokens_cached, status.tokens_out, status.cost_usd
        status.tokens_in = max(status.tokens_in, sums["tokens_in"])
        status.tokens_cached = max(status.tokens_cached, sums["tokens_cached"])
        status.tokens_out = max(status.tokens_out, sums["tokens_out"])
        if sums["cost_usd"] is not None:
            status.cost_usd = max(status.cost_usd or 0.0, sums["cost_usd"])
        elif not status.cost_usd and sums.get("calls", 1):
            status.cost_usd = None
        return before != (status.tokens_in, status.tokens_cached, status.tokens_out, status.cost_usd)

    @property
    def makes(self) -> tuple[str, str]:
        """The kind of its candidates, and the note on what they come from."""
        synthesis = self.record.synthesis
        if synthesis is None:
            return "agent", ""
        *some, last = map(str, synthesis.others)
        return "synthesised", f"on {synthesis.winner}, with {', '.join(some) + ' and ' if some else ''}{last}"

    @property
    def folder(self) -> Path:
        """Where its specification and its log are."""
        return paths.run_folder(self.record.run) / "agents" / str(self.number)

    def has_gone_on(self, turn: int) -> bool:
        """Whether it was spoken to since that turn ended, and is at work again."""
        return self.turn > turn or self.record.captured > turn

    def spec(self) -> AgentSpec | None:
        """What its process was started with, if that can be read."""
        try:
            return msgspec.json.decode((self.folder / "spec.json").read_bytes(), type=AgentSpec)
        except (OSError, msgspec.MsgspecError):
            return None

    def env(self) -> Mapping[str, str]:
        """The PATH that its commands see."""
        spec = self.spec()
        return {"PATH": spec.profile.env.get("PATH", "")} if spec else {}

    def litter(self) -> list[str]:
        """Patterns of what its CLI leaves in the worktree for itself; none when nothing is known of it."""
        spec = self.spec()
        return spec.cli.litter if spec and spec.cli else []


class Run:
    """One spawn: its record, its repository and store, its agents by number.

    ``live`` holds what is seen of agents at work, by number (see ``orchestrator.live``), ``env`` the
    environment of the client that began it, which is kept in memory only; ``judging`` is held while its
    verdict is made, ``combining`` while its candidates are put together. ``following`` counts ends of agents
    that are followed up, ``concluding`` those of them that ended the run. ``halted``: the user stopped all
    of it, so that nothing more begins by itself.
    """

    def __init__(self, record: RunRecord, repository: Repository, store: Store) -> None:
        self.record = record
        self.repository = repository
        self.store = store
        self.agents: dict[int, Agent] = {}
        self.live: dict[int, CandidateStatus] = {}
        self.env: Mapping[str, str] = {}
        self.keys: list[str] = []
        self.deciding = asyncio.Lock()
        self.following = 0
        self.concluding = 0
        self.halted = False
        self.looks: dict[int, str] = {}
        self.forms: dict[str, str] = {}
        self.judging = asyncio.Lock()
        self.combining = asyncio.Lock()

    @property
    def settled(self) -> bool:
        """True when all agents have ended, and all that follows by itself is done."""
        return not self.following and all(agent.record.status.state.ended for agent in self.agents.values())

    @property
    def id(self) -> str:
        """The run's name."""
        return self.record.status.id

    @property
    def base(self) -> str:
        """The snapshot commit that its candidates are compared with."""
        return self.record.status.base

    @property
    def start(self) -> str:
        """The commit that its agents begin from: the base, or the candidate that the run stands on."""
        return self.record.steps[-1].commit if self.record.steps else self.base

    def start_of(self, agent: Agent) -> str:
        """The commit that one agent begins from: as the others, or the winner that it improves."""
        synthesis = agent.record.synthesis
        return self.start if synthesis is None else synthesis.commit

    @property
    def root(self) -> Path:
        """The user's working tree."""
        return Path(self.record.status.repository)

    def ref(self, name: object) -> str:
        """The full name of one of the run's refs: ``base``, or a candidate's number."""
        return f"refs/kage/{self.id}/{name}"

    def status(self) -> RunStatus:
        """The run as views show it."""
        status = self.record.status
        status.agents = [agent.record.status for agent in self.agents.values()]
        return msgspec.structs.replace(status, candidates=self.shown()) if self.live else status

    def shown(self) -> list[CandidateStatus]:
        """The candidates to compare: those that there are, live ones in the place of earlier turns'."""
        others = [c for c in self.record.status.candidates if c.number not in self.live]
        return sorted([*others, *self.live.values()], key=lambda c: c.number)

    def agent(self, number: int) -> Agent:
        """The agent of that number.

        Raises:
            KageError: there is none; the message lists those that are.
        """
        if number not in self.agents:
            known = ", ".join(map(str, self.agents)) or "none"
            raise KageError(
                f"run {self.id} has no agent {number}", fix=f"Its agents: {known}.", code="unknown_agent"
            )
        return self.agents[number]

    def seen(self, number: int) -> CandidateStatus:
        """The candidate of that number to compare, which may be a live one.

        Raises:
            KageError: there is none (yet).
        """
        return self.live.get(number) or self.candidate(number)

    def candidate(self, number: int) -> CandidateStatus:
        """The candidate of that number, as it can be landed.

        Raises:
            KageError: there is none (yet); the message says which there are. Code ``working``: the agent is
                at work, and what is seen of it is no result.
        """
        if number in self.live:
            raise refused(
                f"agent {number} still works: what is shown of it is not finished",
                fix=f"Wait for it (kage wait), or end it and keep what it has: :Kage stop {number}. Single"
                " hunks can be taken in :KageDiff at any time.",
                code="working",
            )
        for candidate in self.record.status.candidates:
            if candidate.number == number:
                return candidate
        known = ", ".join(str(candidate.number) for candidate in self.record.status.candidates) or "none yet"
        if number in self.agents:
            agent = self.agents[number]
            synthesis, state = agent.record.synthesis, agent.record.status.state.value
            if synthesis is not None and synthesis.said and agent.record.status.state.ended:
                raise _not_kept(agent, synthesis)
            raise KageError(
                f"agent {number} has no candidate yet: it is {state}",
                fix=f"Wait for it (kage wait), stop it (:Kage stop {number}), or take another: {known}.",
                code="no_candidate",
            )
        raise KageError(
            f"run {self.id} has no candidate {number}", fix=f"Its candidates: {known}.", code="no_candidate"
        )

    def next_number(self) -> int:
        """The number of the next composed or synthesised candidate: above all agents and candidates."""
        taken = [*self.agents, *(candidate.number for candidate in self.record.status.candidates)]
        return max(taken, default=0) + 1

    def set_candidate(self, candidate: CandidateStatus) -> None:
        """Put a candidate in the place of an earlier one of the same number."""
        others = [c for c in self.record.status.candidates if c.number != candidate.number]
        self.record.status.candidates = sorted([*others, candidate], key=lambda c: c.number)


def _not_kept(agent: Agent, synthesis: Synthesis) -> KageError:
    """Why there is no candidate of an agent that was to improve a winner."""
    done = agent.record.status.state is State.DONE
    how = f"kage send {agent.number} TEXT" if done else f"kage resume {agent.number}"
    return KageError(
        f"what agent {agent.number} made is no candidate: {synthesis.said}",
        fix=f"Candidate {synthesis.winner} stands. {how} has the agent go on, and it is judged again.",
        code="no_candidate",
    )
