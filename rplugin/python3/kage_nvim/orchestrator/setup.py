"""Setup: the repository's own command, trusted at the spawn, run in each slot before its agent begins."""

from __future__ import annotations

import asyncio

import msgspec

from kage_nvim import sandbox
from kage_nvim.config import Setup
from kage_nvim.errors import KageError
from kage_nvim.model import Profile
from kage_nvim.orchestrator import candidates, slots
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.trees import changes


async def run_setup(run: Run, agents: list[Agent], profiles: dict[int, Profile]) -> None:
    """Run the run's setup command, if it has one, in these agents' slots, side by side.

    The files that it makes are kept out of the candidates: they are not the agents' work.

    Raises:
        KageError: it failed in one of them; the message holds the end of what it printed.
    """
    if run.record.setup is None:
        return
    setup = msgspec.convert(run.record.setup, Setup)
    jobs = [
        prepare(setup, profiles[agent.number], f"in the slot of agent {agent.number}") for agent in agents
    ]
    await asyncio.gather(*jobs)
    await asyncio.gather(*(asyncio.to_thread(_set_aside, run, agent) for agent in agents))


async def prepare(setup: Setup, profile: Profile, where: str) -> None:
    """Run a setup command in one slot.

    Raises:
        KageError: it failed; the message says ``where`` and holds the end of what it printed.
    """
    command = ["sh", "-c", setup.command] if isinstance(setup.command, str) else setup.command
    done = await sandbox.run(profile, command, timeout=setup.timeout, network=setup.network)
    if done.returncode != 0:
        tail = done.output.decode("utf-8", "replace").strip()[-1500:]
        how = "timed out" if done.timed_out else f"ended with {done.returncode}"
        raise KageError(
            f"the setup command {how} {where}:\n{tail}",
            fix="Mend [setup] in .kage.toml (network = true if it must download), then try again.",
            code="setup",
        )


def _set_aside(run: Run, agent: Agent) -> None:
    start = run.start_of(agent)
    made = candidates.capture(run.store, agent.slot, start, "after setup", agent.number)
    added = [change.path for change in changes(run.store, start, made.commit) if change.status == "A"]
    slots.set_aside(agent.slot, added)
