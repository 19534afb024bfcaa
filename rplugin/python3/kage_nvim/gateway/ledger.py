"""The ledger: one row a call, from before the first byte leaves until the outcome of its agent is known.

A row is opened with what the call may use at most (``held_usd``, ``held_tokens``) and settled with what it
did use. Budgets are sums over these, in the same transaction that opens the row, so neither two agents nor
two gateways (one being drained) can pass a limit together, and a crash forgets no reservation. ``cost_usd``
is null where it is not known. ``owner`` is the gateway's process that makes the call.

    status   open → ok          answered, with the server's own count of tokens or (``estimated``) ours
                  → partial     ended midway; tokens and cost are estimated
                  → interrupted the agent hung up; estimated likewise, and all that was held stays held
                  → failed      nothing came
                  → lost        the gateway died meanwhile
"""

from __future__ import annotations

import os
import sqlite3
import time
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import processes
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
    """
    ALTER TABLE calls ADD COLUMN held_tokens INTEGER NOT NULL DEFAULT 0;
    ALTER TABLE calls ADD COLUMN owner TEXT NOT NULL DEFAULT '';
    UPDATE calls SET held_tokens = tokens_in + tokens_out;
    """,
]
"""Each brings the database one ``user_version`` further; they are only ever added to."""

REMEMBERED = 90 * 86_400.0
"""Seconds that an agent's token is good for; kaged registers an agent again when it resumes."""
_SUMS = """
    count(*), coalesce(sum(tokens_in), 0), coalesce(sum(tokens_cached), 0), coalesce(sum(tokens_out), 0),
    sum(cost_usd), coalesce(sum(cost_usd IS NULL), 0)
"""
_COUNTED = "tokens_in + tokens_out"
_ANSWERED = "status IN ('ok', 'partial', 'interrupted')"


class Limits(msgspec.Struct, frozen=True):
    """US dollars and tokens that one agent, its run and one day of its repository may use; ``None`` sets no
    limit."""

    agent_usd: float | None = None
    run_usd: float | None = None
    day_usd: float | None = None
    agent_tokens: int | None = None
    run_tokens: int | None = None
    day_tokens: int | None = None

    @property
    def usd(self) -> bool:
        """True when dollars are limited."""
        return (self.agent_usd, self.run_usd, self.day_usd) != (None, None, None)

    @property
    def tokens(self) -> bool:
        """True when tokens are limited."""
        return (self.agent_tokens, self.run_tokens, self.day_tokens) != (None, None, None)

    def capped(self, tokens: int | None) -> Limits:
        """The same with no more tokens for the agent than that."""
        caps = [cap for cap in (self.agent_tokens, tokens) if cap is not None]
        return msgspec.structs.replace(self, agent_tokens=min(caps, default=None))


class Caller(msgspec.Struct, frozen=True, kw_only=True):
    """Who calls: the columns that every row of an agent shares."""

    run: str
    number: int
    player: str
    model: str
    role: str | None
    repository: str


class Room(msgspec.Struct, frozen=True, kw_only=True):
    """What is left of one limit, in dollars or tokens as its name says. ``open`` is the part of ``held`` that
    belongs to calls under way, and may come back; ``known`` the part that was surely used."""

    name: str
    limit: float
    held: float
    open: float
    known: float

    @property
    def usd(self) -> bool:
        """In US dollars; else in tokens."""
        return self.name.endswith("_usd")

    @property
    def left(self) -> float:
        """What a call may still reserve."""
        return self.limit - self.held


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
        self._me = f"{os.getpid()} {processes.born(os.getpid())}"
        self.give_up_lost()
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

    def rooms(self, caller: Caller, limits: Limits) -> list[Room]:
        """Each limit that is set, with what was used of it."""
        rooms = []
        for scope, where, values in (
            ("agent", "run = ? AND number = ?", (caller.run, caller.number)),
            ("run", "run = ?", (caller.run,)),
            ("day", "repository = ? AND time >= ?", (caller.repository, midnight())),
        ):
            for unit, held, known in (("usd", "held_usd", "cost_usd"), ("tokens", "held_tokens", _COUNTED)):
                limit = getattr(limits, f"{scope}_{unit}")
                if limit is not None:
                    sums = self._db.execute(
                        f"SELECT coalesce(sum({held}), 0), coalesce(sum({held}) FILTER (WHERE status ="
                        f" 'open'), 0), coalesce(sum({known}), 0) FROM calls WHERE {where}",
                        values,
                    ).fetchone()
                    rooms.append(
                        Room(name=f"{scope}_{unit}", limit=limit, held=sums[0], open=sums[1], known=sums[2])
                    )
        return rooms

    def open(self, caller: Caller, limits: Limits, held_usd: float, held_tokens: int = 0) -> int | None:
        """Open a row and hold that much; ``None`` when a limit has no room for it."""
        self._db.execute("BEGIN IMMEDIATE")
        try:
            for room in self.rooms(caller, limits):
                if (held_usd if room.usd else held_tokens) > room.left:
                    return None
            row = self._db.execute(
                "INSERT INTO calls (time, run, number, player, model, role, repository, held_usd,"
                " held_tokens, owner) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (time.time(), *msgspec.structs.astuple(caller), held_usd, held_tokens, self._me),
            )
            return row.lastrowid
        finally:
            self._db.execute("COMMIT")

    def settle(
        self,
        row: int,
        status: str,
        usage: Usage,
        cost_usd: float | None,
        held_usd: float,
        seconds: float,
        *,
        keep: bool = False,
    ) -> None:
        """Close a row with what the call used. ``held_usd`` is what budgets go on counting, and no less than
        was held until now with ``keep``."""
        self._db.execute(
            "UPDATE calls SET status = ?, tokens_in = ?, tokens_cached = ?, tokens_out = ?, estimated = ?,"
            " cost_usd = ?, held_usd = max(?, held_usd * ?), held_tokens = max(?, held_tokens * ?),"
            " seconds = ? WHERE id = ?",
            (
                status,
                usage.tokens_in,
                usage.tokens_cached,
                usage.tokens_out,
                usage.estimated,
                cost_usd,
                held_usd,
                keep,
                usage.tokens_in + usage.tokens_out,
                keep,
                seconds,
                row,
            ),
        )

    def outcome(self, run: str, number: int, outcome: str) -> None:
        """Note what became of an agent's work (``accepted`` or not) on all its calls."""
        self._db.execute("UPDATE calls SET outcome = ? WHERE run = ? AND number = ?", (outcome, run, number))

    def sums(self, where: str, *values: Any) -> dict[str, Any]:
        """Calls, tokens and cost of the rows that were answered, if only in part, and fit ``where``."""
        query = f"SELECT {_SUMS} FROM calls WHERE {_ANSWERED} AND {where}"
        return _named(self._db.execute(query, values).fetchone())

    def sums_by(self, column: str, where: str, *values: Any) -> dict[Any, dict[str, Any]]:
        """The same for each value of a column."""
        query = f"SELECT {column}, {_SUMS} FROM calls WHERE {_ANSWERED} AND {where} GROUP BY {column}"
        return {key: _named(sums) for key, *sums in self._db.execute(query, values)}

    def under_way(self, run: str, number: int) -> int:
        """Calls of an agent that are being made."""
        query = "SELECT count(*) FROM calls WHERE status = 'open' AND run = ? AND number = ?"
        count: int = self._db.execute(query, (run, number)).fetchone()[0]
        return count

    def give_up_lost(self) -> None:
        """Calls of gateways that are gone will never be settled; one that is being drained goes on."""
        open_ = "FROM calls WHERE status = 'open'"
        for (owner,) in self._db.execute(f"SELECT DISTINCT owner {open_}").fetchall():
            pid, _, born = owner.partition(" ")
            if not pid or not processes.alive(int(pid), born):
                self._db.execute(
                    "UPDATE calls SET status = 'lost' WHERE status = 'open' AND owner = ?", (owner,)
                )

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
