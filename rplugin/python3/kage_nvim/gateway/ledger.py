"""The ledger: one row a call, from before the first byte leaves until the outcome of its agent is known.

A row is opened with what the call may cost at most (``held_usd``) and settled with what it did cost. Budgets
are sums over ``held_usd``, in the same transaction that opens the row, so neither two agents nor two
gateways (one being drained) can pass a limit together, and a crash forgets no reservation. ``cost_usd`` is
null where it is not known.

    status   open → ok          answered, with the server's own count of tokens or (``estimated``) ours
                  → partial     ended midway; tokens and cost are estimated
                  → interrupted the agent hung up; estimated likewise
                  → failed      nothing came
                  → lost        the gateway died meanwhile
"""

from __future__ import annotations

import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim.gateway.pieces import Usage

MIGRATIONS = [
    """
    CREATE TABLE agents (
        token TEXT PRIMARY KEY,
        registration TEXT NOT NULL,
        registered REAL NOT NULL
    );
    CREATE TABLE calls (
        id INTEGER PRIMARY KEY,
        time REAL NOT NULL,
        run TEXT NOT NULL,
        number INTEGER NOT NULL,
        player TEXT NOT NULL,
        model TEXT NOT NULL,
        role TEXT,
        repository TEXT NOT NULL,
        tokens_in INTEGER NOT NULL DEFAULT 0,
        tokens_cached INTEGER NOT NULL DEFAULT 0,
        tokens_out INTEGER NOT NULL DEFAULT 0,
        estimated INTEGER NOT NULL DEFAULT 0,
        cost_usd REAL,
        held_usd REAL NOT NULL,
        seconds REAL,
        status TEXT NOT NULL DEFAULT 'open',
        outcome TEXT
    );
    CREATE INDEX calls_by_agent ON calls (run, number);
    CREATE INDEX calls_by_day ON calls (repository, time);
    """,
]
"""Each brings the database one ``user_version`` further; they are only ever added to."""

REMEMBERED = 90 * 86_400.0
"""Seconds that an agent's token is good for; kaged registers an agent again when it resumes."""
_SUMS = """
    count(*), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_cached), 0), coalesce(sum(tokens_out), 0),
    sum(cost_usd), coalesce(sum(cost_usd IS NULL), 0)
"""
_ANSWERED = "status IN ('ok', 'partial', 'interrupted')"


class Limits(msgspec.Struct, frozen=True):
    """US dollars that one agent, its run and one day of its repository may cost; ``None`` sets no limit."""

    agent_usd: float | None = None
    run_usd: float | None = None
    day_usd: float | None = None

    @property
    def any(self) -> bool:
        """True when anything is limited."""
        return (self.agent_usd, self.run_usd, self.day_usd) != (None, None, None)


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the columns that every row of an agent shares."""

    run: str
    number: int
    player: str
    model: str
    role: str | None
    repository: str


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """How much of the tightest limit is left. ``open_usd`` is the part held by calls under way, which may
    come back; ``cost_usd`` the part that is known to be spent."""

    name: str
    limit_usd: float
    held_usd: float
    open_usd: float
    cost_usd: float

    @property
    def left_usd(self) -> float:
        """US dollars that a call may still reserve."""
        return self.limit_usd - self.held_usd


class Ledger:
    """The database. Calls are short (20 to 100 µs) and made on the event loop's thread.

    Raises:
        sqlite3.DatabaseError: the file is not a ledger, or of a newer Kage.
    """

    def __init__(self, path: Path) -> None:
        self._db = sqlite3.connect(path, isolation_level=None, timeout=5.0)
        self._db.execute("PRAGMA journal_mode = WAL")
        self._db.execute("PRAGMA synchronous = NORMAL")
        self._migrate()
        self._db.execute("UPDATE calls SET status = 'lost' WHERE status = 'open'")
        self._db.execute("DELETE FROM agents WHERE registered < ?", (time.time() - REMEMBERED,))

    def close(self) -> None:
        """Close the file."""
        self._db.close()

    def add_agent(self, token_hash: str, registration: bytes) -> None:
        """Remember an agent, or replace what was known of it."""
        self._db.execute(
            "INSERT OR REPLACE INTO agents VALUES (?, ?, ?)", (token_hash, registration.decode(), time.time())
        )

    def agents(self) -> list[tuple[str, bytes]]:
        """All agents, as ``add_agent`` got them."""
        rows = self._db.execute("SELECT token, registration FROM agents")
        return [(token, registration.encode()) for token, registration in rows]

    def room(self, caller: Caller, limits: Limits) -> Room | None:
        """The limit that is nearest; ``None`` without limits."""
        scopes = (
            ("agent_usd", limits.agent_usd, "run = ? AND number = ?", (caller.run, caller.number)),
            ("run_usd", limits.run_usd, "run = ?", (caller.run,)),
            ("day_usd", limits.day_usd, "repository = ? AND time >= ?", (caller.repository, midnight())),
        )
        rooms = []
        for name, limit, where, values in scopes:
            if limit is not None:
                held, open_, cost = self._db.execute(
                    "SELECT coalesce(sum(held_usd), 0),"
                    " coalesce(sum(held_usd) FILTER (WHERE status = 'open'), 0),"
                    f" coalesce(sum(cost_usd), 0) FROM calls WHERE {where}",
                    values,
                ).fetchone()
                rooms.append(Room(name=name, limit_usd=limit, held_usd=held, open_usd=open_, cost_usd=cost))
        return min(rooms, key=lambda room: room.left_usd, default=None)

    def open(self, caller: Caller, limits: Limits, held_usd: float) -> int | None:
        """Open a row and hold that much; ``None`` when a limit has no room for it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            room = self.room(caller, limits)
            if room is not None and held_usd > room.left_usd:
                return None
            row = self._db.execute(
                "INSERT INTO calls (time, run, number, player, model, role, repository, held_usd)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (time.time(), *msgspec.structs.astuple(caller), held_usd),
            )
            return row.lastrowid
        finally:
            self._db.execute("COMMIT")

    def settle(
        self, row: int, status: str, usage: Usage, cost_usd: float | None, held_usd: float, seconds: float
    ) -> None:
        """Close a row with what the call used. ``held_usd`` is what budgets go on counting."""
        self._db.execute(
            "UPDATE calls SET status = ?, tokens_in = ?, tokens_cached = ?, tokens_out = ?, estimated = ?,"
            " cost_usd = ?, held_usd = ?, seconds = ? WHERE id = ?",
            (
                status,
                usage.tokens_in,
                usage.tokens_cached,
                usage.tokens_out,
                usage.estimated,
                cost_usd,
                held_usd,
                seconds,
                row,
            ),
        )

    def outcome(self, run: str, number: int, outcome: str) -> None:
        """Note what became of an agent's work (``accepted`` or not) on all its calls."""
        self._db.execute("UPDATE calls SET outcome = ? WHERE run = ? AND number = ?", (outcome, run, number))

    def cost(self, run: str, repository: str) -> dict[str, Any]:
        """Sums of a run, of today in a repository (everywhere when it is empty), and by player: of the run,
        or of today when no run is named."""
        day: tuple[str, list[Any]] = ("time >= ?", [midnight()])
        if repository:
            day = (f"{day[0]} AND repository = ?", [*day[1], repository])
        of_run: tuple[str, list[Any]] = ("run = ?", [run])
        where, values = of_run if run else day
        by_player = self._db.execute(
            f"SELECT player, {_SUMS} FROM calls WHERE {_ANSWERED} AND {where} GROUP BY player",
            values,
        )
        return {
            "run": self._sums(*of_run),
            "today": self._sums(*day),
            "players": {player: _named(sums) for player, *sums in by_player},
        }

    def _sums(self, where: str, values: list[Any]) -> dict[str, Any]:
        query = f"SELECT {_SUMS} FROM calls WHERE {_ANSWERED} AND {where}"
        return _named(self._db.execute(query, values).fetchone())

    def _migrate(self) -> None:
        (version,) = self._db.execute("PRAGMA user_version").fetchone()
        if version > len(MIGRATIONS):
            raise sqlite3.DatabaseError(f"the ledger is of a newer Kage (version {version})")
        for number, script in enumerate(MIGRATIONS[version:], version + 1):
            self._db.executescript(f"BEGIN; {script} PRAGMA user_version = {number}; COMMIT;")


def midnight() -> float:
    """When today began here, in Unix seconds."""
    now = time.localtime()
    return time.mktime((now.tm_year, now.tm_mon, now.tm_mday, 0, 0, 0, 0, 0, -1))


def _named(sums: Any) -> dict[str, Any]:
    names = ("calls", "tokens_in", "tokens_cached", "tokens_out", "cost_usd", "unpriced_calls")
    return dict(zip(names, sums, strict=True))
