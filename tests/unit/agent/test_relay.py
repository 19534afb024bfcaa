"""A CLI's way out of its sandbox: the forwarder inside, the relay outside, and nothing else."""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
from pathlib import Path

import pytest

from kage_nvim import sandbox
from kage_nvim.agent_runtime.clis import forward
from kage_nvim.agent_runtime.clis.relay import Relay, allowed
from kage_nvim.agent_runtime.clis.start import PORT, PROXY_PORT, Start
from kage_nvim.description import Description
from kage_nvim.model import AgentSpec, Profile, Task

KEY = "sk-planted-not-to-be-found"

ASK = """
import socket, sys
s = socket.create_connection(("127.0.0.1", int(sys.argv[1])), 5)
s.sendall(sys.argv[2].encode().decode("unicode_escape").encode())
said = b""
while piece := s.recv(4096):
    said += piece
print(said.decode())
"""


def spec(
    tmp_path: Path, *, command: list[str], direct: bool = False, hosts: list[str] | None = None
) -> AgentSpec:
    """An agent whose CLI is this command, in a sandbox of its own."""
    folders = {name: tmp_path / "slot" / name for name in ("tree", "home", "tmp")}
    for folder in folders.values():
        folder.mkdir(parents=True)
    cli = Description(
        name="standin",
        title="A stand-in",
        program="python3",
        install="",
        wire="chat",
        provider="openai",
        oneshot=command,
        env={"BASE": "{base_url}", "TOKEN": "{token}"},
        hosts=hosts or [],
    )
    profile = Profile(
        worktree=str(folders["tree"]),
        writable=[str(folder) for folder in folders.values()],
        env={"PATH": "/usr/bin:/bin", "HOME": str(folders["home"]), "TMPDIR": str(folders["tmp"])},
    )
    return AgentSpec(
        run="r", number=1, player="p", model="m", repository="/", task=Task("t"), base="", log="",
        token="the-token", daemon=str(tmp_path / "kaged.json"), gateway=str(tmp_path / "models.sock"),
        profile=profile, cli=cli, direct=direct,
    )  # fmt: skip


async def played(one: AgentSpec) -> tuple[int, str]:
    """Run the CLI to its end; its exit code and what it printed."""
    assert one.cli is not None
    start = Start(one, one.cli)
    await start.relay.start()
    try:
        argv = start.argv(one.cli.oneshot, task="the task")
        done = await asyncio.to_thread(subprocess.run, argv, capture_output=True, text=True, timeout=30)
        return done.returncode, done.stdout + done.stderr
    finally:
        await start.relay.close()


async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """A server that says what it heard."""
    writer.write(b"heard " + await reader.read(4096))
    writer.close()


@pytest.fixture(autouse=True)
def _works() -> None:
    sandbox.check()


def test_the_gateway_is_reached_and_found_again(tmp_path: Path) -> None:
    async def go() -> None:
        await asyncio.start_unix_server(answer, str(tmp_path / "other.sock"))
        (tmp_path / "gateway.json").write_text(json.dumps({"models": str(tmp_path / "other.sock")}))
        command = ["python3", "-c", ASK, str(PORT), "hello"]
        assert await played(spec(tmp_path, command=command)) == (0, "heard hello\n")

    asyncio.run(go())


def test_an_exit_code_and_a_missing_program_are_told(tmp_path: Path) -> None:
    code, _ = asyncio.run(played(spec(tmp_path / "a", command=["sh", "-c", "exit 7"])))
    assert code == 7
    code, said = asyncio.run(played(spec(tmp_path / "b", command=["no-such-program"])))
    assert (code, said) == (127, "no-such-program: No such file or directory\n")


def test_its_own_login_reaches_its_hosts_only(tmp_path: Path) -> None:
    async def go() -> None:
        server = await asyncio.start_server(answer, "127.0.0.1", 0)
        port = server.sockets[0].getsockname()[1]
        hosts = [f"127.0.0.1:{port}"]
        ask = f"CONNECT 127.0.0.1:{port} HTTP/1.1\\r\\n\\r\\n"
        script = f"import sys; exec(sys.argv[1]) if 0 else None\n{ASK.replace('print(said.decode())', '')}"
        script = (
            script.replace("said = b", "s.recv(4096); s.sendall(b'over'); said = b") + "print(said.decode())"
        )
        command = ["python3", "-c", script.split("\n", 1)[1], str(PROXY_PORT), ask]
        one = spec(tmp_path / "a", command=command, direct=True, hosts=hosts)
        assert await played(one) == (0, "heard over\n")
        for line in (
            f"CONNECT localhost:{port} HTTP/1.1",
            "CONNECT 127.0.0.1:22 HTTP/1.1",
            "GET http://127.0.0.1/ HTTP/1.1",
        ):
            command = ["python3", "-c", ASK, str(PROXY_PORT), line + "\\r\\n\\r\\n"]
            folder = tmp_path / str(abs(hash(line)))
            _, said = await played(spec(folder, command=command, direct=True, hosts=hosts))
            assert said.startswith(("HTTP/1.1 403", "HTTP/1.1 405")), said
        env = Start(one, one.cli).environment() if one.cli else {}
        assert "TOKEN" not in env and "BASE" not in env

    asyncio.run(go())


def test_hosts_are_told_apart() -> None:
    hosts = ["api.example.org", "Example.net:8443"]
    assert allowed("api.example.org", "443", hosts)
    assert allowed("eu.API.example.org.", "443", hosts)
    assert allowed("example.net", "8443", hosts)
    for host, port in (("example.org", "443"), ("api.example.org", "22"), ("evilapi.example.org", "443")):
        assert not allowed(host, port, hosts)
    assert not allowed("api.example.org.evil.net", "443", hosts)


PROBE = """
import glob, os, socket, subprocess
found = []
for path in glob.glob("/proc/[0-9]*/environ") + glob.glob("/proc/[0-9]*/cmdline"):
    try:
        found.append(open(path, "rb").read())
    except OSError:
        pass
roots = ["/run", "/tmp", "/etc", "/root", "/home", "/dev/shm", os.environ["HOME"]]
young = ["-type", "f", "-mmin", "-10", "-print0"]  # the key is young, toolchains are vast
for path in subprocess.run(["find", *roots, *young], capture_output=True).stdout.split(b"\\0")[:-1]:
    try:
        found.append(open(path, "rb").read(1_000_000))
    except OSError:
        pass
found.append(open("/proc/net/unix", "rb").read())
for path in ("/kage/keys", "/kage/agents", "/kage/health"):
    try:
        s = socket.create_connection(("127.0.0.1", %d), 5)
        s.sendall(f"GET {path} HTTP/1.1\\r\\nHost: x\\r\\nConnection: close\\r\\n\\r\\n".encode())
        while piece := s.recv(4096):
            found.append(piece)
    except OSError:
        pass
print(b"%s" in b"".join(found), len(found) > 5)
"""


def test_a_planted_key_is_not_there(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Not in an environment, an argument, a file or a socket that a CLI can reach."""
    monkeypatch.setenv("OPENAI_API_KEY", KEY)
    (tmp_path / "secret.txt").write_text(KEY)

    async def go() -> None:
        await asyncio.start_unix_server(answer, str(tmp_path / "models.sock"))
        script = PROBE % (PORT, "sk-planted-" + "not-to-be-found")
        halves = script.replace("sk-planted-not", 'sk-planted-" b"not')
        assert await played(spec(tmp_path, command=["python3", "-c", halves])) == (0, "False True\n")

    asyncio.run(go())


def test_the_forwarder_needs_nothing_of_kage() -> None:
    """It runs where only the standard library is."""
    done = subprocess.run(
        [
            sys.executable,
            "-I",
            "-S",
            "-c",
            f"import runpy; runpy.run_path({forward.__file__!r}, run_name='x')",
        ],
        capture_output=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr


def test_a_gateway_that_stays_away_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kage_nvim.agent_runtime.clis.relay.GONE_FOR", 0.2)

    async def go() -> None:
        relay = Relay(tmp_path / "gate", tmp_path, str(tmp_path / "nobody.sock"))
        await relay.start()
        reader, writer = await asyncio.open_unix_connection(str(tmp_path / "gate" / "gate"))
        writer.write(b"GET / HTTP/1.1\r\n\r\n")
        assert b"503" in await reader.read()
        writer.close()
        await relay.close()

    asyncio.run(go())
