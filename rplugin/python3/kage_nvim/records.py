"""What kaged writes down of runs, agents and landings, as its database keeps it. Times are Unix seconds."""

from __future__ import annotations

from typing import Any

import msgspec

from kage_nvim.model import AgentStatus, CandidateStatus, RunStatus, Task


class Repair(msgspec.Struct, kw_only=True):
    """A turn in which an agent mends what checks complain of: the tokens and US dollars that it had spent
    before, and what the turn took (``None`` while it is under way; dollars: or unpriced). ``asked``: by the
    user."""

    tokens: int
    usd: float | None
    took_tokens: int | None = None
    took_usd: float | None = None
    asked: bool = False


class Synthesis(msgspec.Struct, kw_only=True):
    """What an agent that improves a winner is held against: the ``winner``'s number and its ``commit`` then,
    from which the agent begins; ``others`` whose work it was shown. ``kept`` is its last candidate that stood
    the comparison, ``said`` what came of the last one."""

    winner: int
    commit: str
    others: list[int] = []
    kept: CandidateStatus | None = None
    said: str = ""


class AgentRecord(msgspec.Struct, kw_only=True):
    """What kaged must know of an agent to find it again: its status, slot, process and pane.

    ``pid`` and ``born`` (the process's start as the kernel gives it) identify the process for certain;
    ``captured`` is the last turn whose files became the candidate; ``mail`` waits for its process to arrive.
    ``held``: it was not started yet; ``resting``: it waits for the end of a round; ``spared``: the run's
    strategy ended it, or did not start it; ``by_hand``: the user had it go on after the strategy's end, which
    leaves it alone since; ``copy_of`` is the agent whose place a further attempt took;
    ``synthesis`` is set for one that improves a winner.
    """

    run: str
    status: AgentStatus
    slot: int
    token: str
    pid: int | None = None
    born: str = ""
    captured: int = 0
    tmux: str = ""
    hidden: bool = False
    mail: list[str] = []
    repairs: list[Repair] = []
    held: bool = False
    resting: bool = False
    spared: bool = False
    by_hand: bool = False
    copy_of: int | None = None
    synthesis: Synthesis | None = None


class Round(msgspec.Struct, frozen=True, kw_only=True):
    """One round of a tournament: when it began, its seconds (``None``: to the end), who plays."""

    began: float
    seconds: float | None
    playing: list[int]


class Step(msgspec.Struct, frozen=True):
    """A candidate that a run stands on: which one it is, and the commit that it was then."""

    run: str
    number: int
    commit: str


class Course(msgspec.Struct, frozen=True, kw_only=True):
    """What follows in a run by itself.

    ``strategy`` is one of ``model.STRATEGIES`` (empty in a request: as the user's file says); ``until`` is
    ``green`` or empty; ``retry`` are the turns that an agent gets to mend what checks complain of (``None``:
    as the checks say); ``auto_accept`` is ``green`` or empty; ``usd`` caps the run in US dollars. ``parts``
    are the subtasks by agent's number; with them nothing is ranked. ``proposals`` is the path of the Markdown
    document that each agent is to write instead of code.
    """

    strategy: str = ""
    until: str = ""
    retry: int | None = None
    auto_accept: str = ""
    usd: float | None = None
    parts: dict[int, str] = {}
    round_seconds: float = 120.0
    proposals: str = ""

    @property
    def kind(self) -> str:
        """What the run's candidates are, as ``RunStatus`` has it."""
        return "parts" if self.parts else "proposals" if self.proposals else "code"


class RunRecord(msgspec.Struct, kw_only=True):
    """A run as it was asked for, and what came of it. ``status.agents`` is empty here: agents have rows.

    ``setup`` is the trusted ``[setup]`` table of that moment, to be run again when an agent restarts.
    ``steps`` are the candidates from the base to where the agents began, oldest first; most runs have none.
    ``course`` is what was asked to follow: strategy, repair turns, landing by itself. ``verdict`` is the
    whole verdict, ``provenance`` where each hunk of a composed candidate comes from, by number; ``union``
    what came of putting a run's parts together. ``over``: what follows from the agents' end is decided.
    """

    status: RunStatus
    task: Task
    setup: dict[str, Any] | None = None
    steps: list[Step] = []
    cleaned: float | None = None
    course: Course = Course()
    verdict: dict[str, Any] | None = None
    provenance: dict[int, list[dict[str, Any]]] = {}
    round: Round | None = None
    over: bool = True
    union: dict[str, Any] | None = None


class LandedFile(msgspec.Struct, kw_only=True):
    """One file of a landing: blobs in the store (``None`` = absent) and modes, before and after."""

    path: str
    before: str | None
    before_mode: str | None
    after: str | None
    after_mode: str | None
    where: str = "disk"


class Landing(msgspec.Struct, kw_only=True):
    """Candidates brought into the working tree; ``state`` is intent, done, undone or abandoned.

    ``number`` is the last of ``numbers``, ``commits`` are the candidates as they were then, in that order;
    ``head`` is the user's HEAD then. ``conflicts`` counts places, ``left`` names files of which places were
    left as the user had them, ``marked`` those that got conflict markers. ``commit`` and ``branch`` say where
    it was committed to, if it was.
    ``folders`` were there, empty, before. ``undoes`` is the newest landing that this one takes back,
    ``takes_back`` are all of them.
    """

    id: int = 0
    repository: str
    run: str
    number: int
    before: str
    after: str
    files: list[LandedFile]
    state: str = "intent"
    created: float = 0.0
    conflicts: int = 0
    undoes: int | None = None
    numbers: list[int] = []
    commits: list[str] = []
    head: str | None = None
    left: list[str] = []
    marked: list[str] = []
    folders: list[str] = []
    added: int = 0
    removed: int = 0
    commit: str = ""
    branch: str = ""
    takes_back: list[int] = []


class Intent(msgspec.Struct):
    """Something begun and not yet known to be finished."""

    id: int
    kind: str
    payload: dict[str, Any]
