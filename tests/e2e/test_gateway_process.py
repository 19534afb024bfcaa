"""The gateway as a process: one a user, found by its file, alive as long as it is needed, and tight."""

from __future__ import annotations

import http.client
import json
import os
import shutil
import signal
import socket
import sqlite3
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from kage_nvim import paths, summon
from tests.conftest import until
from tests.e2e.stage import Stage
from tests.fixtures.gateway import Client, Gateway, start_gateway
from tests.fixtures.model_server import ModelServer, Reply, refusal

KEY = "sk-planted-0123456789abcdef"


@pytest.fixture
def started() -> Iterator[list[Gateway]]:
    """Gateways to end after the test."""
    gateways: list[Gateway] = []
    yield gateways
    for gateway in gateways:
        gateway.process.kill()
        gateway.process.wait()


def start(started: list[Gateway], folder: Path, **options: object) -> Gateway:
    gateway = start_gateway(folder / "gateway.log", **options)  # type: ignore[arg-type]
    started.append(gateway)
    return gateway


def tape(folder: Path) -> str:
    path = folder / "tape.jsonl"
    lines = [{"text": "one"}, {"text": "two", "delay": 0.8}]
    path.write_text("\n".join(json.dumps(line) for line in lines))
    return str(path)


def memory_mb(pid: int) -> float:
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def test_it_begins_small_without_its_model_library(started: list[Gateway], tmp_path: Path) -> None:
    gateway = start(started, tmp_path)
    state = json.loads(paths.gateway_file().read_text())
    assert state.keys() == {"pid", "start", "socket", "models", "port", "version"}
    assert state["pid"] == gateway.process.pid
    health = gateway.client.get("/kage/health")
    assert health == {"pid": state["pid"], "version": state["version"], "ready": True, "agents": 0}
    assert memory_mb(state["pid"]) < 80
    assert Path(state["socket"]).stat().st_mode & 0o077 == 0
    assert (paths.state() / "ledger.db").exists()


def test_a_second_one_ends_at_once(started: list[Gateway], tmp_path: Path) -> None:
    gateway = start(started, tmp_path)
    second = subprocess.run(
        [sys.executable, "-I", "-m", "kage_nvim.gateway"],
        capture_output=True,
        timeout=10,
        env=dict(os.environ),
    )
    assert (second.returncode, second.stdout, second.stderr) == (0, b"", b"")
    assert gateway.client.get("/kage/health")["pid"] == gateway.process.pid


def test_after_kill_9_the_next_one_knows_the_agents_but_no_key(
    started: list[Gateway], tmp_path: Path
) -> None:
    first = start(started, tmp_path)
    first.client.register("T1", recorded=tape(tmp_path))
    first.client.register("T2", number=2, model="openai/any", api_key_env="MY_KEY")
    first.client.post("/kage/keys", {"MY_KEY": KEY})
    assert first.client.ask("T1").text == "one"
    first.process.kill()
    first.process.wait()
    assert paths.gateway_file().exists(), "a stale file is left, as after a crash"
    second = start(started, tmp_path)
    assert second.client.path == first.client.path
    assert second.client.get("/kage/health")["agents"] == 2
    assert second.client.ask("T1", turns=1).text == "two"
    assert second.client.ask("T2").error["names"] == ["MY_KEY"]
    assert second.client.get("/kage/cost?run=run-1")["run"]["calls"] == 2


def test_the_socket_is_made_again_when_its_folder_vanished(started: list[Gateway], tmp_path: Path) -> None:
    gateway = start(started, tmp_path)
    shutil.rmtree(paths.sockets())
    until(lambda: (paths.sockets() / "gateway.sock").exists(), 5, "a new socket")
    until(lambda: paths.models_socket().exists(), 5, "and that of agents")
    assert gateway.client.get("/kage/health")["pid"] == gateway.process.pid


def over_tcp(port: int, url: str, **headers: str) -> int:
    """The status of a GET at the gateway's port."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=10)
    connection.request("GET", url, headers=headers)
    status = connection.getresponse().status
    connection.close()
    return status


def test_agents_have_doors_of_their_own_that_come_back(started: list[Gateway], tmp_path: Path) -> None:
    """A socket and a port with models alone, the same after a kill and after a drain."""
    places = []
    for number in (signal.SIGKILL, signal.SIGTERM, signal.SIGKILL):
        gateway = start(started, tmp_path)
        gateway.client.register("T1", recorded=tape(tmp_path))
        state = json.loads(paths.gateway_file().read_text())
        port = state["port"]
        places.append((state["models"], port))
        assert Path(state["models"]).stat().st_mode & 0o077 == 0
        agents = Client(state["models"])
        assert agents.ask("T1").text == "one"
        assert agents.post("/kage/agents", {})[0] == 401
        assert agents.post("/kage/agents?key=T1", {})[0] == 404
        assert over_tcp(port, "/v1/models", Authorization="Bearer T1") == 200
        assert over_tcp(port, "/v1/models", Authorization="Bearer T9") == 401
        assert over_tcp(port, "/kage/health") == 401
        assert over_tcp(port, "/") == 401
        for name in (f"evil.example:{port}", "[", "127.0.0.1@evil.example"):
            rebound = {"Authorization": "Bearer T1", "Host": name}
            assert over_tcp(port, "/v1/models", **rebound) in (400, 403)
        gateway.process.send_signal(number)
        gateway.process.wait(10)
    assert len(set(places)) == 1


def test_the_port_is_another_one_if_it_is_taken(started: list[Gateway], tmp_path: Path) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", 0))
        other.listen()
        paths.gateway_port_file().write_text(str(other.getsockname()[1]))
        start(started, tmp_path)
        port = json.loads(paths.gateway_file().read_text())["port"]
        assert port != other.getsockname()[1]
        assert over_tcp(port, "/v1/models") == 401


def test_it_ends_when_nobody_needs_it(started: list[Gateway], tmp_path: Path) -> None:
    gateway = start(started, tmp_path, linger=0.4)
    gateway.client.register(recorded=tape(tmp_path))
    assert gateway.client.ask(turns=1).text == "two", "a request of twice that time is not cut"
    assert gateway.process.wait(5) == 0
    assert not paths.gateway_file().exists()
    assert list(paths.sockets().iterdir()) == []


def test_it_stays_while_kaged_listens(started: list[Gateway], tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as kaged:
        path = paths.sockets() / "kaged.sock"
        kaged.bind(str(path))
        kaged.listen(128)
        paths.daemon_file().write_text(json.dumps({"pid": os.getpid(), "socket": str(path)}))
        gateway = start(started, tmp_path, linger=0.3)
        with pytest.raises(subprocess.TimeoutExpired):
            gateway.process.wait(1.2)
    assert gateway.process.wait(5) == 0


def test_sigterm_drains_while_a_successor_begins(started: list[Gateway], tmp_path: Path) -> None:
    first = start(started, tmp_path)
    first.client.register(recorded=tape(tmp_path))
    answers = []
    asking = threading.Thread(target=lambda: answers.append(first.client.ask(turns=1)))
    asking.start()
    until(lambda: first.client.usage()["open"] == 1, 5, "the call")
    first.process.send_signal(signal.SIGTERM)
    until(lambda: not paths.gateway_file().exists(), 5, "the place is free")
    second = start(started, tmp_path)
    assert second.process.pid != first.process.pid
    asking.join(5)
    assert first.process.wait(5) == 0, "at once after its last call"
    assert answers[0].text == "two"
    assert answers[0].done
    assert second.client.ask().text == "one"


def test_a_key_is_in_memory_only(started: list[Gateway], tmp_path: Path, home: Path) -> None:
    """Even when the gateway is started with one in its environment, and whatever a provider does with it."""
    script = tmp_path / "print key"
    script.write_text(f"#!/bin/sh\nenv > {tmp_path}/child-env\necho {KEY}-command\n")
    script.chmod(0o700)
    gateway = start(started, tmp_path, OPENAI_API_KEY=KEY, MY_TOKEN=KEY)
    pid, client = gateway.process.pid, gateway.client
    client.post("/kage/keys", {"MY_KEY": KEY})
    replies = [
        Reply("well"),
        refusal(401, f"bad key {KEY}"),
        refusal(400, f"bad {KEY}"),
        Reply("a b c", cut_after=2),
        Reply(raw=f"<html>{KEY}", content_type="text/html"),
    ]
    answers = []
    for reply in replies:
        with ModelServer(reply) as server:
            client.register("T1", model="openai/any", api_base=server.url, api_key_env="MY_KEY")
            client.register(
                "T2", number=2, model="openai/x", api_base=server.url, api_key_command=[str(script)]
            )
            answers += [client.ask(t, stream=s) for t in ("T1", "T2") for s in (True, False)]
            used = {r.headers["authorization"] for r in server.requests}
            assert used == {f"Bearer {KEY}", f"Bearer {KEY}-command"}
    assert answers[0].text == "well"
    assert KEY not in str([a.events for a in answers])
    script.unlink()
    for place in (f"/proc/{pid}/cmdline", f"/proc/{pid}/environ"):
        assert KEY.encode() not in Path(place).read_bytes(), place
    for folder in (home, tmp_path, paths.sockets()):
        for path in folder.rglob("*"):
            if path.is_file():
                assert KEY.encode() not in path.read_bytes(), path
    assert (tmp_path / "gateway.log").read_text() == "", "nothing is printed"
    assert memory_mb(pid) < 350


@pytest.mark.parametrize(("point", "status"), [("gateway.call.held", "lost"), ("gateway.call.settled", "ok")])
def test_killed_at_each_point_of_a_call(
    started: list[Gateway], tmp_path: Path, point: str, status: str
) -> None:
    """What was held goes on counting against the budget; the agent asks again and is answered."""
    first = start(started, tmp_path, KAGE_FAIL_AT=point)
    limits = {"agent_usd": None, "run_usd": 1.0, "day_usd": None}
    first.client.register(limits=limits, recorded=tape(tmp_path), price_in=1.0, price_out=1.0)
    with pytest.raises((OSError, http.client.HTTPException)):
        first.client.ask(stream=False)
    assert first.process.wait(5) == -signal.SIGKILL
    second = start(started, tmp_path)
    assert second.client.ask().text == "one"
    with sqlite3.connect(paths.state() / "ledger.db") as db:
        rows = db.execute("SELECT status, held_usd > 0 FROM calls").fetchall()
    assert rows == [(status, 1), ("ok", 1)]


def test_the_users_proxy_carries_what_leaves_this_machine(
    started: list[Gateway], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It reaches kaged and the gateway; what stays on this machine does not pass it."""
    with ModelServer(Reply("by proxy")) as proxy, ModelServer(Reply("straight")) as local:
        address = f"http://user:secret@127.0.0.1:{proxy.port}"
        for name in ("http_proxy", "HTTP_PROXY", "https_proxy", "HTTPS_PROXY", "no_proxy", "NO_PROXY"):
            monkeypatch.setenv(name, "" if "no" in name.lower() else address)
        passed = {n: v for n, v in summon.daemon_environment().items() if n.lower().endswith("_proxy")}
        assert address in passed.values()
        assert address not in summon.client_environment().values()
        gateway = start(started, tmp_path, **passed)
        gateway.client.register("T1", model="openai/x", api_base="http://models.example/v1", api_key_env="K")
        gateway.client.post("/kage/keys", {"K": KEY})
        gateway.client.register("T2", number=2, model="openai/x", api_base=local.url)
        assert gateway.client.ask("T1").text == "by proxy"
        assert gateway.client.ask("T2").text == "straight"
        assert len(proxy.requests) == 1


def test_no_agent_sees_the_users_proxy(stage: Stage) -> None:
    """Its address may hold a password."""
    with ModelServer(Reply("talk", delay=2.0)) as server:
        stage.environment["HTTPS_PROXY"] = "http://user:planted-password@127.0.0.1:9"
        stage.player(server.url)
        stage.shell("spawn", "-n", "1", "talk")
        until(lambda: server.requests, 20, "the call")
        seen = {
            process.pid
            for process in stage.processes()
            if b"planted-password" in Path(f"/proc/{process.pid}/environ").read_bytes()
        }
        assert seen == {stage.pid("kaged"), stage.pid("gateway")}
        assert len(stage.processes()) > 2
