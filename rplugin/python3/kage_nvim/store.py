"""kaged's database: intents, landings, confirmations, and an index of runs and agents.

Code lives in git refs and events in the agents' logs; what stands here is written before an action and
marked after it, so that the next start knows what was under way. One process writes (kaged). Times are Unix
seconds.
"""

from __future__ import annotations

import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim.errors import KageError
from kage_nvim.model import AgentStatus, CandidateStatus, RunStatus, Task
from kage_nvim.protocol import dumps, loads

MIGRATIONS = [
    """
    CREATE TABLE runs (id TEXT PRIMARY KEY, repository TEXT NOT NULL, created REAL NOT NULL,
                       cleaned REAL, record BLOB NOT NULL);
    CREATE INDEX runs_by_repository ON runs (repository, created);
    CREATE TABLE agents (run TEXT NOT NULL, number INTEGER NOT NULL, record BLOB NOT NULL,
                         PRIMARY KEY (run, number));
    CREATE TABLE landings (id INTEGER PRIMARY KEY AUTOINCREMENT, repository TEXT NOT NULL,
                           created REAL NOT NULL, state TEXT NOT NULL, record BLOB NOT NULL);
    CREATE TABLE intents (id INTEGER PRIMARY KEY AUTOINCREMENT, kind TEXT NOT NULL, payload BLOB NOT NULL,
                          opened REAL NOT NULL, done REAL);
    CREATE TABLE confirmations (repository TEXT NOT NULL, question TEXT NOT NULL, time REAL NOT NULL,
                                PRIMARY KEY (repository, question));
    """,
    """
    CREATE TABLE results (tree TEXT NOT NULL, key BLOB NOT NULL, record BLOB NOT NULL, time REAL NOT NULL,
                          PRIMARY KEY (tree, key));
    """,
]
"""Entry K brings ``user_version`` from K to K + 1."""


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


DAMAGED = ("database disk image is malformed", "file is not a database")
"""SQLite's words for a file that holds no sound database; any other failure may pass and costs no file."""


def _is_damage(error: sqlite3.DatabaseError) -> bool:
    return any(words in str(error) for words in DAMAGED)


class Database:
    """The one connection to ``kage.db``.

    Raises:
        KageError: code ``store``; the file was written by a newer Kage, or cannot be opened now. A damaged
            file is no error: it is moved aside, kept, and said in ``notes``.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.notes: list[str] = []
        try:
            self._db = self._open()
        except sqlite3.DatabaseError as error:
            if not _is_damage(error):
                raise KageError(
                    f"{path} cannot be opened: {error}",
                    fix=f"Look at the disk and at who holds it: df -h {path.parent}; ls -l {path}*",
                    code="store",
                ) from error
            aside = self._move_aside()
            self.notes.append(f"{path.name} was damaged ({error}); it is kept as {aside} and a new one begun")
            self._db = self._open()

    def _move_aside(self) -> Path:
        """Keep the damaged file with its journals: SQLite would play a left journal into the new file."""
        aside = self.path.with_name(f"{self.path.name}.damaged-{time.time_ns()}")
        for suffix in ("-wal", "-shm", ""):
            with suppress(FileNotFoundError):
                self.path.with_name(self.path.name + suffix).rename(aside.with_name(aside.name + suffix))
        return aside

    def _open(self) -> sqlite3.Connection:
        db = sqlite3.connect(self.path, isolation_level=None, check_same_thread=False)
        try:
            self._prepare(db)
        except BaseException:
            db.close()
            raise
        return db

    def _prepare(self, db: sqlite3.Connection) -> None:
        """Bring the file to this version; damage is looked for now rather than met in the midst of work."""
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA synchronous = NORMAL")
        (found,) = db.execute("PRAGMA quick_check(1)").fetchone()
        if found != "ok":
            raise sqlite3.DatabaseError(f"{DAMAGED[0]}: {found}")
        (version,) = db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise KageError(
                f"{self.path} has version {version}, this Kage knows up to {len(MIGRATIONS)}",
                fix="Update Kage, or move that file away to begin anew (refs and logs stay).",
                code="store",
            )
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            db.executescript(f"BEGIN; {script}; PRAGMA user_version = {number}; COMMIT;")

    def close(self) -> None:
        """Let go of the file; everything acknowledged is already in it."""
        self._db.close()

    @contextmanager
    def _durable(self) -> Iterator[None]:
        """Landings survive a power cut, not only a crash: the write reaches the disk before we go on."""
        self._db.execute("PRAGMA synchronous = FULL")
        try:
            yield
        finally:
            self._db.execute("PRAGMA synchronous = NORMAL")

    def integrity(self) -> str:
        """``ok``, or what SQLite found wrong."""
        (answer,) = self._db.execute("PRAGMA quick_check").fetchone()
        return str(answer)

    # Runs and agents.

    def put_run(self, run: RunRecord) -> None:
        """Write a run, new or changed."""
        status = run.status
        self._db.execute(
            "INSERT OR REPLACE INTO runs VALUES (?, ?, ?, ?, ?)",
            (status.id, status.repository, status.created, run.cleaned, dumps(run)),
        )

    def runs(self, *, cleaned: bool = False) -> list[RunRecord]:
        """All runs, newest first; those that were cleaned only when asked for."""
        where = "" if cleaned else "WHERE cleaned IS NULL"
        rows = self._db.execute(f"SELECT record FROM runs {where} ORDER BY created DESC, id DESC")
        return [loads(row[0], RunRecord) for row in rows]

    def drop_run(self, run: str) -> None:
        """Forget a run that never began."""
        self._db.execute("DELETE FROM agents WHERE run = ?", (run,))
        self._db.execute("DELETE FROM runs WHERE id = ?", (run,))

    def put_agent(self, agent: AgentRecord) -> None:
        """Write an agent, new or changed."""
        self._db.execute(
            "INSERT OR REPLACE INTO agents VALUES (?, ?, ?)", (agent.run, agent.status.number, dumps(agent))
        )

    def drop_agent(self, run: str, number: int) -> None:
        """Forget an agent that never began."""
        self._db.execute("DELETE FROM agents WHERE run = ? AND number = ?", (run, number))

    def agents(self, run: str) -> list[AgentRecord]:
        """The agents of a run by number."""
        rows = self._db.execute("SELECT record FROM agents WHERE run = ? ORDER BY number", (run,))
        return [loads(row[0], AgentRecord) for row in rows]

    # Landings.

    def open_landing(self, landing: Landing) -> Landing:
        """Write the intent of a landing to the disk and return it with its number."""
        landing.created = time.time()
        with self._durable():
            cursor = self._db.execute(
                "INSERT INTO landings (repository, created, state, record) VALUES (?, ?, ?, ?)",
                (landing.repository, landing.created, landing.state, dumps(landing)),
            )
        landing.id = int(cursor.lastrowid or 0)
        return landing

    def put_landing(self, landing: Landing) -> None:
        """Write the state that a landing has reached."""
        with self._durable():
            self._db.execute(
                "UPDATE landings SET state = ?, record = ? WHERE id = ?",
                (landing.state, dumps(landing), landing.id),
            )

    def landings(self, repository: str | None = None, state: str | None = None) -> list[Landing]:
        """Landings, newest first."""
        rows = self._db.execute(
            "SELECT id, record FROM landings WHERE repository = coalesce(?1, repository)"
            " AND state = coalesce(?2, state) ORDER BY id DESC",
            (repository, state),
        )
        found = []
        for number, record in rows:
            landing = loads(record, Landing)
            landing.id = number
            found.append(landing)
        return found

    # Intents.

    def open_intent(self, kind: str, payload: dict[str, Any]) -> int:
        """Say what is about to be done; returns the intent's number."""
        cursor = self._db.execute(
            "INSERT INTO intents (kind, payload, opened) VALUES (?, ?, ?)",
            (kind, dumps(payload), time.time()),
        )
        return int(cursor.lastrowid or 0)

    def close_intent(self, number: int) -> None:
        """Say that it is done, or that its traces are removed."""
        self._db.execute("UPDATE intents SET done = ? WHERE id = ?", (time.time(), number))

    def open_intents(self) -> list[Intent]:
        """What an earlier process began and did not finish, oldest first."""
        rows = self._db.execute("SELECT id, kind, payload FROM intents WHERE done IS NULL ORDER BY id")
        return [Intent(number, kind, loads(payload, dict)) for number, kind, payload in rows]

    # What checks said.

    def keep_result(self, tree: str, key: bytes, record: bytes) -> None:
        """Keep what a command said of a tree."""
        self._db.execute(
            "INSERT OR REPLACE INTO results VALUES (?, ?, ?, ?)", (tree, key, record, time.time())
        )

    def result(self, tree: str, key: bytes) -> bytes | None:
        """What a command said of a tree, if it was run on it."""
        row = self._db.execute(
            "SELECT record FROM results WHERE tree = ? AND key = ?", (tree, key)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def drop_results(self, before: float) -> None:
        """Forget what was said before a time."""
        self._db.execute("DELETE FROM results WHERE time < ?", (before,))

    # What the user has confirmed.

    def confirm(self, repository: str, question: str) -> None:
        """Remember that the user said yes to a question about a repository."""
        self._db.execute(
            "INSERT OR REPLACE INTO confirmations VALUES (?, ?, ?)", (repository, question, time.time())
        )

    def confirmed(self, repository: str) -> set[str]:
        """The questions that the user has said yes to."""
        rows = self._db.execute("SELECT question FROM confirmations WHERE repository = ?", (repository,))
        return {row[0] for row in rows}
