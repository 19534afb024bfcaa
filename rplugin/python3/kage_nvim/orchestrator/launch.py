"""Launch: an agent in its pane. The specification is its only argument, its environment is given."""

from __future__ import annotations

import asyncio

from kage_nvim import paths
from kage_nvim.model import AgentSpec, Limits, Profile
from kage_nvim.orchestrator import briefing
from kage_nvim.orchestrator.conductor import Conductor
from kage_nvim.orchestrator.peers import Peer
from kage_nvim.orchestrator.players import Seat
from kage_nvim.orchestrator.runs import Agent, Run
from kage_nvim.orchestrator.tmux.panes import PaneRequest, Panes, Place
from kage_nvim.protocol import dumps


def write_spec(run: Run, agent: Agent, seat: Seat, profile: Profile, limits: Limits) -> None:
    """Write the file that an agent's process is started with."""
    agent.folder.mkdir(parents=True, exist_ok=True, mode=0o700)
    spec = AgentSpec(
        run=run.id,
        number=agent.number,
        player=seat.name,
        model=seat.label,
        role=seat.role,
        instructions=seat.instructions,
        angle=seat.angle,
        repository=str(run.root),
        task=run.record.task,
        base=run.start_of(agent),
        log=str(agent.folder / "log.jsonl"),
        token=agent.record.token,
        daemon=str(paths.daemon_file()),
        gateway=str(paths.models_socket()),
        profile=profile,
        limits=limits,
        stream=seat.player.stream,
        temperature=seat.player.temperature,
        max_tokens=seat.player.max_tokens,
        window=seat.player.window or 0,
        context=str(briefing.path(run.id)),
        command=seat.player.command,
        cli=seat.cli,
        mode=seat.player.mode,
        permissions=seat.player.permissions,
        direct=seat.player.own_login,
        priced=agent.record.status.cost_usd is not None,
    )
    (agent.folder / "spec.json").write_bytes(dumps(spec))


def agent_argv(agent: Agent, *, resume: bool = False) -> list[str]:
    """The command that an agent's pane runs. ``-I`` keeps the worktree off the import path."""
    argv = [paths.python(), "-I", "-m", "kage_nvim.agent_runtime", "--spec", str(agent.folder / "spec.json")]
    return [*argv, "--resume"] if resume else argv


def agent_environment(peer: Peer) -> dict[str, str]:
    """The environment of the agent's own process, beside tmux's TERM: no key is in it."""
    wanted = ("PATH", "HOME", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "SHELL")
    return {"LANG": "C.UTF-8"} | {name: peer.hello.env[name] for name in wanted if name in peer.hello.env}


def panes_of(peer: Peer) -> Panes:
    """The tmux that a client sits in, or Kage's own when it sits in none."""
    env = peer.hello.env
    return Panes(env.get("TMUX"), env.get("TMUX_PANE"), own_socket=paths.sockets() / "tmux")


async def open_panes(
    conductor: Conductor, run: Run, agents: list[Agent], peer: Peer, place: Place, *, resume: bool = False
) -> None:
    """Start the agents' processes in panes and note where they are."""
    requests = [
        PaneRequest(
            number=agent.number,
            title=f"kage {agent.number} · {agent.record.status.player}",
            argv=agent_argv(agent, resume=resume),
            env=agent_environment(peer),
            run=run.id,
        )
        for agent in agents
    ]
    opened = await asyncio.to_thread(panes_of(peer).open, requests, place)
    for agent in agents:
        info = opened[agent.number]
        agent.record.status.pane = info.pane_id
        agent.record.tmux = info.socket
        agent.record.hidden = place == "hidden"
        conductor.agent_changed(run, agent)
        conductor.spawn_task(conductor.must_arrive(run, agent))
