"""The database: what it answers for survives kill -9, damage and other versions."""

from __future__ import annotations

import os
import signal
import sqlite3
import subprocess
import sys
import time
from pathlib import Path

import pytest

from kage_nvim.errors import KageError
from kage_nvim.model import AgentStatus, RunStatus, State, Task
from kage_nvim.records import AgentRecord, LandedFile, Landing, RunRecord
from kage_nvim.store import MIGRATIONS, Database


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "kage.db"


def run(name: str, created: float = 1.0) -> RunRecord:
    status = RunStatus(id=name, task="t", repository="/r é\n", store="/s", base="b", created=created)
    return RunRecord(status=status, task=Task("do\0it", variants={2: "faster"}))


def landing(repository: str = "/r", state: str = "intent") -> Landing:
    file = LandedFile(path="a\nb", before=None, before_mode=None, after="f00", after_mode="100755")
    return Landing(
        repository=repository, run="r1", number=2, before="t0", after="t1", files=[file], state=state
    )


def test_runs_and_agents_come_back_as_they_were(path: Path) -> None:
    database = Database(path)
    for name, created in (("old", 1.0), ("new", 2.0)):
        database.put_run(run(name, created))
    cleaned = run("gone", 3.0)
    cleaned.cleaned = 4.0
    database.put_run(cleaned)
    status = AgentStatus(number=2, player="fast", state=State.WAITING, cost_usd=None)
    agent = AgentRecord(run="new", status=status, slot=7, token="x", pid=9, born="77", captured=3, tmux="/s")
    database.put_agent(agent)
    database.put_agent(AgentRecord(run="new", status=AgentStatus(number=1, player="fast"), slot=1, token="y"))
    database.close()
    database = Database(path)
    assert [r.status.id for r in database.runs()] == ["new", "old"]
    assert [r.status.id for r in database.runs(cleaned=True)] == ["gone", "new", "old"]
    assert database.runs()[1] == run("old")
    assert [a.status.number for a in database.agents("new")] == [1, 2]
    assert database.agents("new")[1] == agent
    database.drop_run("new")
    assert database.agents("new") == []
    assert [r.status.id for r in database.runs()] == ["old"]


def test_a_run_is_written_again_in_place(path: Path) -> None:
    database = Database(path)
    record = run("one")
    database.put_run(record)
    record.status.winner = 2
    database.put_run(record)
    assert [r.status.winner for r in database.runs()] == [2]


def test_landings_go_from_intent_to_done(path: Path) -> None:
    database = Database(path)
    first = database.open_landing(landing())
    other = database.open_landing(landing("/other"))
    assert (first.id, other.id) == (1, 2)
    assert [entry.id for entry in database.landings(state="intent")] == [2, 1]
    first.state = "done"
    database.put_landing(first)
    assert database.landings("/r") == [first]
    assert database.landings("/r", "done") == [first]
    assert database.landings("/r", "intent") == []


def test_landings_reach_the_disk_and_the_rest_does_not_wait_for_it(path: Path) -> None:
    database = Database(path)
    seen: list[str] = []
    database._db.set_trace_callback(seen.append)
    database.put_run(run("a"))
    database.open_landing(landing())
    full, normal = (seen.index(f"PRAGMA synchronous = {word}") for word in ("FULL", "NORMAL"))
    kinds = [statement.split(" INTO ")[-1].split(" ")[0] for statement in seen]
    assert kinds.index("runs") < full < kinds.index("landings") < normal


def test_intents_stay_open_until_they_are_closed(path: Path) -> None:
    database = Database(path)
    one = database.open_intent("spawn", {"run": "a"})
    two = database.open_intent("clean", {"run": "b", "n": [1, None]})
    database.close_intent(one)
    database.close()
    (left,) = Database(path).open_intents()
    assert (left.id, left.kind, left.payload) == (two, "clean", {"run": "b", "n": [1, None]})


def test_confirmations_are_per_repository(path: Path) -> None:
    database = Database(path)
    for _ in range(2):
        database.confirm("/r", "keys:OPENAI_API_KEY")
    assert database.confirmed("/r") == {"keys:OPENAI_API_KEY"}
    assert database.confirmed("/other") == set()


def test_a_newer_file_is_left_alone(path: Path) -> None:
    Database(path).close()
    with sqlite3.connect(path) as db:
        db.execute(f"PRAGMA user_version = {len(MIGRATIONS) + 1}")
    before = path.read_bytes()
    with pytest.raises(KageError, match="knows up to") as caught:
        Database(path)
    assert (caught.value.code, bool(caught.value.fix)) == ("store", True)
    assert path.read_bytes() == before


def test_an_interrupted_migration_starts_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    Database(path).close()
    good = "CREATE TABLE later (x); INSERT INTO later VALUES (1)"
    monkeypatch.setattr("kage_nvim.store.MIGRATIONS", [*MIGRATIONS, f"{good}; SELECT nonsense"])
    with pytest.raises(KageError, match="nonsense"):
        Database(path)
    monkeypatch.setattr("kage_nvim.store.MIGRATIONS", [*MIGRATIONS, good])
    database = Database(path)
    assert database._db.execute("SELECT count(*) FROM later").fetchone() == (1,)
    assert database._db.execute("PRAGMA user_version").fetchone() == (len(MIGRATIONS) + 1,)


@pytest.mark.parametrize("damage", ["header", "page", "empty-with-journal"])
def test_a_damaged_file_is_kept_and_a_new_one_begun(path: Path, damage: str) -> None:
    database = Database(path)
    for number in range(200):
        database.put_run(run(f"run-{number}"))
    database.close()
    content = bytearray(path.read_bytes())
    if damage == "header":
        content[:16] = b"not a database!!"
    elif damage == "page":
        content[4096 : 4096 * 6] = b"\xff" * (4096 * 5)
    else:
        content = bytearray(b"junk" * 2000)
        Path(f"{path}-wal").write_bytes(b"left over" * 1000)
    path.write_bytes(content)
    database = Database(path)
    assert database.runs() == []
    assert database.integrity() == "ok"
    assert len(database.notes) == 1
    aside = next(entry for entry in path.parent.glob("kage.db.damaged-*") if entry.name[-1].isdigit())
    assert str(aside) in database.notes[0]
    assert aside.read_bytes() == bytes(content)


@pytest.mark.skipif(os.getuid() == 0, reason="root may open any file")
def test_a_file_that_cannot_be_opened_is_not_moved(path: Path) -> None:
    Database(path).close()
    path.chmod(0)
    with pytest.raises(KageError, match="cannot be opened"):
        Database(path)
    assert list(path.parent.glob("*damaged*")) == []


def test_a_file_that_is_busy_is_not_moved(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    connect = sqlite3.connect
    monkeypatch.setattr(sqlite3, "connect", lambda *a, **k: connect(*a, **{**k, "timeout": 0.05}))
    Database(path).close()
    holder = connect(path, isolation_level=None)
    holder.execute("PRAGMA locking_mode = EXCLUSIVE")
    holder.execute("BEGIN EXCLUSIVE")
    with pytest.raises(KageError, match="locked"):
        Database(path)
    holder.close()
    assert list(path.parent.glob("*damaged*")) == []
    assert Database(path).integrity() == "ok"


WRITER = """
import sys
from pathlib import Path
from kage_nvim.records import Landing
from kage_nvim.store import Database
database = Database(Path(sys.argv[1]))
n = 0
while True:
    n += 1
    intent = database.open_intent("spawn", {"n": n})
    landing = database.open_landing(
        Landing(repository="/r", run=str(n), number=n, before="a", after="b", files=[])
    )
    if n % 2:
        database.close_intent(intent)
        landing.state = "done"
        database.put_landing(landing)
    print(n, flush=True)
"""


def test_kill_9_loses_nothing_that_was_acknowledged(path: Path) -> None:
    total = 0
    for _ in range(6):
        process = subprocess.Popen(
            [sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE, text=True
        )
        assert process.stdout is not None
        last = 0
        deadline = time.monotonic() + 0.1
        for line in process.stdout:
            last = int(line)
            if time.monotonic() > deadline:
                break
        os.kill(process.pid, signal.SIGKILL)
        last = max([last, *(int(line) for line in process.stdout.read().splitlines() if line.isdigit())])
        process.wait()
        process.stdout.close()
        database = Database(path)
        assert database.notes == []
        assert database.integrity() == "ok"
        landings = database.landings("/r")[: -total or None]
        known = {entry.number: entry.state for entry in landings}
        assert all(known[n] == ("done" if n % 2 else "intent") for n in range(1, last + 1))
        open_now = {i.payload["n"] for i in database.open_intents()}
        assert open_now >= set(range(2, last + 1, 2))
        total += len(landings)
        for intent in database.open_intents():
            database.close_intent(intent.id)
        database.close()
