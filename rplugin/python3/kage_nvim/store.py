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

from kage_nvim.errors import KageError
from kage_nvim.protocol import dumps, loads
from kage_nvim.records import AgentRecord, Intent, Landing, RunRecord

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
