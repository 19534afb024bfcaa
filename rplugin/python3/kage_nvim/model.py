"""The words of Kage as data: task, player, agent, candidate, run.

Every process speaks in these structures; ``kage status --json`` is ``Status`` as it stands. Times are Unix
seconds, money is US dollars, and ``None`` for a cost means *unpriced*, which is never the same as zero.
"""

from __future__ import annotations

from enum import Enum
from typing import Literal

import msgspec

from kage_nvim.description import Description

MAX_AGENTS = 50
"""More agents than this in one run are refused."""
ASK_ABOVE = 8
"""More agents than this in one run are confirmed first."""


class Selection(msgspec.Struct, frozen=True):
    """Lines of one file that the user had selected: 1-based, both ends included."""

    path: str
    first: int
    last: int
    text: str


STRATEGIES = ("all", "race", "cascade", "converge", "tournament")
"""How the agents of a run are spent."""


class Task(msgspec.Struct, frozen=True):
    """What the user asked, with its context. ``variants`` adds text for single agents, by number; ``before``
    says what was done already, when the run starts on a candidate. ``wanted`` says what to hand in where that
    is no code, ``proposal`` is a document that was chosen, to be carried out."""

    text: str
    selection: Selection | None = None
    files: list[str] = []
    diagnostics: list[str] = []
    variants: dict[int, str] = {}
    before: str = ""
    wanted: str = ""
    proposal: str = ""


class Player(msgspec.Struct, frozen=True, forbid_unknown_fields=True, omit_defaults=True):
    """One ``[players.NAME]`` table: a model, a third-party CLI, a recording, or a command.

    Prices are US dollars for a million tokens. ``recorded`` is the path of a cassette that the gateway
    plays instead of calling a model. ``expose`` names files and folders of the user's home that a CLI may
    have for its own login; without a key or an address beside it such a CLI is *unmetered*: it runs without
    the gateway. ``permissions`` says whether an agent of mode interactive or acp does at once what it would
    ask leave for, or asks the user. ``unmetered = "allow"`` lets a player without a price run under a budget
    in dollars, ``agent_tokens`` caps what one agent of it may use, ``window`` is its context in tokens.
    ``fallback`` names the players that answer instead when this one's provider does not.
    """

    model: str | None = None
    cli: str | None = None
    command: str | list[str] | None = None
    recorded: str | None = None
    api_base: str | None = None
    api_key_env: str | None = None
    api_key_command: list[str] | None = None
    price_in: float | None = None
    price_cached: float | None = None
    price_out: float | None = None
    temperature: float | None = None
    max_tokens: int | None = None
    stream: bool = True
    mode: Literal["oneshot", "interactive", "acp"] = "oneshot"
    permissions: Literal["allow", "ask"] = "allow"
    expose: list[str] = []
    unmetered: Literal["refuse", "allow"] = "refuse"
    agent_tokens: int | None = None
    window: int | None = None
    fallback: list[str] = []

    @property
    def own_login(self) -> bool:
        """A CLI that signs in by itself: what it spends is neither seen nor limited here."""
        keyed = self.api_base or self.api_key_env or self.api_key_command or self.recorded
        return bool(self.cli and self.expose and not keyed and "/" not in (self.model or ""))


NEW_TASK = "The task has changed. It is now:\n\n"
"""What a message begins with that takes the place of the task."""


class State(str, Enum):
    """What an agent is doing; each comes with the reason that set it."""

    STARTING = "starting"
    WORKING = "working"
    WAITING = "waiting"
    CHECKING = "checking"
    DONE = "done"
    FAILED = "failed"
    STOPPED = "stopped"
    INTERRUPTED = "interrupted"
    UNKNOWN = "unknown"

    @property
    def ended(self) -> bool:
        """True when the agent does nothing until someone speaks to it."""
        return self in ENDED


ENDED = frozenset({State.DONE, State.FAILED, State.STOPPED, State.INTERRUPTED})


class AgentStatus(msgspec.Struct, kw_only=True):
    """One agent as every view shows it. ``model`` is the label of what answers, marked when recorded.

    ``rule`` names what set the state, ``evidence`` is what it saw, ``since`` is when. ``warning`` is what the
    user should know of its budget.
    """

    number: int
    player: str
    model: str = ""
    role: str | None = None
    angle: str = ""
    state: State = State.STARTING
    reason: str = ""
    activity: str = ""
    pane: str | None = None
    worktree: str | None = None
    tokens_in: int = 0
    tokens_cached: int = 0
    tokens_out: int = 0
    cost_usd: float | None = 0.0
    started: float | None = None
    ended: float | None = None
    rule: str = ""
    evidence: str = ""
    since: float | None = None
    unmetered: bool = False
    warning: str = ""


class CandidateStatus(msgspec.Struct, kw_only=True):
    """A resulting tree, committed on the base. ``added`` and ``removed`` count lines of text files.

    ``live``: what an agent at work has so far, shown while somebody compares; it lands only when forced.
    ``checks`` holds the state of each check by name, ``checked`` is all of them in a line, ``green`` is set
    when all have ended: every required one passed, and no test was weakened. ``weakened`` names what was done
    to tests, ``rank`` is the place in the verdict, ``note`` one line on where it comes from,
    ``language`` the one of most changed lines.
    """

    number: int
    kind: str = "agent"
    agent: int | None = None
    commit: str
    files: int = 0
    added: int = 0
    removed: int = 0
    checks: dict[str, str] = {}
    live: bool = False
    checked: str = ""
    green: bool | None = None
    weakened: list[str] = []
    rank: int | None = None
    note: str = ""
    language: str = ""


class RunStatus(msgspec.Struct, kw_only=True):
    """One spawn: a task, a base, N agents and what came of them; ``head`` is the commit under the base.

    A run ``on`` a candidate (``RUN:NUMBER``) has the base of that candidate's run; its agents began from the
    candidate. ``strategy`` says how its agents are spent, ``verdict`` is the verdict in a line, ``saved``
    what the strategy saved. ``kind`` is ``code``; ``parts`` when its agents do different parts of one task
    (an agent's ``angle`` is its part's title), ``proposals`` when its candidates are documents.
    """

    id: str
    task: str
    repository: str
    store: str
    base: str
    head: str = ""
    on: str | None = None
    created: float
    agents: list[AgentStatus] = []
    candidates: list[CandidateStatus] = []
    winner: int | None = None
    landed: int | None = None
    strategy: str = "all"
    kind: str = "code"
    verdict: str = ""
    saved: str = ""


class Status(msgspec.Struct, kw_only=True):
    """The answer of ``kage status --json``, newest run first."""

    schema: int = 1
    runs: list[RunStatus] = []


class Limits(msgspec.Struct, frozen=True):
    """What ends a turn as *stopped*: model calls, tokens, seconds, US dollars, unreadable answers."""

    steps: int = 100
    tokens: int | None = None
    seconds: float = 3600.0
    usd: float | None = None
    format_errors: int = 3
    command_seconds: float = 120.0


class Profile(msgspec.Struct, frozen=True, kw_only=True):
    """Everything the sandbox needs to know about one slot; made by the host, used by host and agent.

    ``writable`` and ``readable`` are absolute paths bound at themselves; ``binds`` are (source, target)
    pairs bound read-only, ``alias`` an extra writable bind of the worktree at the user's own repository
    path, wanted when an environment there names itself by absolute path. ``hidden`` are folders covered by
    an empty one because a readable root contains them. ``filter`` is the file of the system call filter.
    ``env`` is the whole environment.
    """

    mode: str = "on"
    worktree: str
    writable: list[str] = []
    readable: list[str] = []
    binds: list[tuple[str, str]] = []
    alias: str | None = None
    hidden: list[str] = []
    filter: str | None = None
    env: dict[str, str] = {}


class AgentSpec(msgspec.Struct, frozen=True, kw_only=True):
    """The file that ``kage agent`` is started with (mode 0600, no key in it).

    ``role`` is a name, ``instructions`` what it tells the agent. ``token`` proves the agent to kaged and to
    the gateway; ``daemon`` is the path of kaged's state file, which names the socket of the moment;
    ``gateway`` is the gateway's HTTP socket for agents; ``log`` the JSONL log. ``command`` is set instead of
    a model for players that are commands, ``cli`` (the description, with ``mode`` and whether it signs in by
    itself) for those that are third-party CLIs. ``priced`` is false when nobody knows what the player costs.
    ``window`` is the model's, in tokens (0: not known), ``context`` the path of what is told of the
    repository. ``once``: it takes one turn for whoever holds its standard input, without a word to kaged.
    """

    run: str
    number: int
    player: str
    model: str
    role: str | None = None
    instructions: str = ""
    angle: str = ""
    repository: str
    task: Task
    base: str
    log: str
    token: str
    daemon: str
    gateway: str
    profile: Profile
    limits: Limits = Limits()
    stream: bool = True
    temperature: float | None = None
    max_tokens: int | None = None
    window: int = 0
    context: str = ""
    command: str | list[str] | None = None
    cli: Description | None = None
    mode: str = "oneshot"
    permissions: str = "allow"
    direct: bool = False
    priced: bool = True
    once: bool = False
