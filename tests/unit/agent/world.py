"""What surrounds an agent, scripted: a gateway that answers from a list, a kaged that writes down and pushes.

Both are plain threaded servers on real unix sockets, so that the agent under test talks to something real.
"""

from __future__ import annotations

import contextlib
import json
import os
import socketserver
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim.model import AgentSpec, Limits, Profile, Task
from tests.conftest import until

Script = Callable[["Exchange"], None]


def call(name: str, /, **args: object) -> dict[str, Any]:
    """A native tool call."""
    return {"name": name, "arguments": json.dumps(args)}


def raw_call(name: str, arguments: str) -> dict[str, Any]:
    """A native tool call with whatever arguments."""
    return {"name": name, "arguments": arguments}


def finish(summary: str = "did it") -> Script:
    """The answer that ends a turn."""
    return say("", call("finish", summary=summary))


def say(text: str, *calls: dict[str, Any], cost: float | None = 0.01, finish: str = "") -> Script:
    """An answer, streamed or whole as the request wants it."""

    def script(exchange: Exchange) -> None:
        exchange.answer(text, list(calls), cost, finish or ("tool_calls" if calls else "stop"))

    return script


def fail(status: int, kind: str, message: str = "no", **more: object) -> Script:
    """An error of the gateway's."""

    def script(exchange: Exchange) -> None:
        exchange.whole(status, {"error": {"type": kind, "message": message, **more}})

    return script


def cut(text: str, error: dict[str, Any] | None = None) -> Script:
    """A stream that ends midway: without a word, or with the gateway's."""

    def script(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.event({"choices": [{"delta": {"content": text}}]})
        if error is not None:
            exchange.event({"error": error})

    return script


def hang(seconds: float = 30.0, then: Script | None = None) -> Script:
    """No answer until the agent hangs up or the time is over."""

    def script(exchange: Exchange) -> None:
        exchange.begin_stream()
        exchange.event({"choices": [{"delta": {"content": "Let me think"}}]})
        exchange.hung_up.clear()
        exchange.handler.connection.settimeout(seconds)
        with contextlib.suppress(OSError):
            if not exchange.handler.connection.recv(1):
                exchange.hung_up.set()

    return script


def also(action: Callable[[], object], script: Script) -> Script:
    """Do something first, then answer."""

    def both(exchange: Exchange) -> None:
        action()
        script(exchange)

    return both


class Exchange:
    """One request and the means to answer it."""

    def __init__(
        self, handler: socketserver.StreamRequestHandler, body: dict[str, Any], hung_up: Any
    ) -> None:
        self.handler = handler
        self.body = body
        self.hung_up = hung_up

    def write(self, data: bytes) -> None:
        with contextlib.suppress(OSError):
            self.handler.wfile.write(data)
            self.handler.wfile.flush()

    def whole(self, status: int, body: object) -> None:
        data = json.dumps(body).encode()
        head = f"HTTP/1.1 {status} X\r\nContent-Type: application/json\r\nContent-Length: {len(data)}\r\n\r\n"
        self.write(head.encode() + data)

    def begin_stream(self) -> None:
        self.write(
            b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n"
        )

    def chunk(self, data: bytes) -> None:
        self.write(f"{len(data):x}\r\n".encode() + data + b"\r\n")

    def event(self, event: object) -> None:
        self.chunk(b"data: " + (event if isinstance(event, bytes) else json.dumps(event).encode()) + b"\n\n")

    def answer(self, text: str, calls: list[dict[str, Any]], cost: float | None, finish: str) -> None:
        kage = {"tokens_in": 100, "tokens_cached": 60, "tokens_out": 7, "cost_usd": cost}
        parts: list[dict[str, Any]] = [
            {"index": at, "id": f"call_{at}", "type": "function", "function": part}
            for at, part in enumerate(calls)
        ]
        if not self.body.get("stream"):
            message = {"role": "assistant", "content": text, "tool_calls": parts}
            choices = [{"index": 0, "message": message, "finish_reason": finish}]
            self.whole(200, {"choices": choices, "usage": {}, "kage": kage})
            return
        self.begin_stream()
        for at in range(0, len(text), 7):
            self.event({"choices": [{"delta": {"content": text[at : at + 7]}}]})
        for part in parts:
            arguments = part["function"]["arguments"]
            half = len(arguments) // 2
            first = {**part, "function": {"name": part["function"]["name"], "arguments": arguments[:half]}}
            second = {"index": part["index"], "function": {"arguments": arguments[half:]}}
            self.event({"choices": [{"delta": {"tool_calls": [first]}}]})
            self.event({"choices": [{"delta": {"tool_calls": [second]}}]})
        self.event({"choices": [{"delta": {}, "finish_reason": finish}]})
        self.event({"choices": [], "usage": {}, "kage": kage})
        self.event(b"[DONE]")
        self.chunk(b"")


class _Server(socketserver.ThreadingUnixStreamServer):
    daemon_threads = True
    block_on_close = False


def _serve(path: Path, handler: type[socketserver.StreamRequestHandler]) -> _Server:
    path.unlink(missing_ok=True)
    server = _Server(str(path), handler)
    threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    return server


class Gateway:
    """Answers each chat request with the next script; remembers bodies and when they came."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.scripts: list[Script] = []
        self.bodies: list[dict[str, Any]] = []
        self.tokens: list[str] = []
        self.times: list[float] = []
        self.hung_up = threading.Event()
        self._server: _Server | None = None
        self.start()

    def start(self) -> None:
        world = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                self.rfile.readline()
                headers = {}
                while (line := self.rfile.readline().decode().strip()) != "":
                    name, _, value = line.partition(":")
                    headers[name.lower()] = value.strip()
                world.times.append(time.monotonic())
                world.tokens.append(headers.get("authorization", ""))
                world.bodies.append(json.loads(self.rfile.read(int(headers["content-length"]))))
                script = world.scripts.pop(0) if world.scripts else fail(500, "provider", "no more answers")
                script(Exchange(self, world.bodies[-1], world.hung_up))

        self._server = _serve(self.path, Handler)

    def stop(self) -> None:
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None
            self.path.unlink(missing_ok=True)

    def messages(self, request: int = -1) -> list[dict[str, Any]]:
        messages: list[dict[str, Any]] = self.bodies[request]["messages"]
        return messages


class Daemon:
    """Takes one agent's reports and pushes to it; can go away and come back."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "kaged.json"
        self.path = folder / "d.sock"
        self.hellos: list[dict[str, Any]] = []
        self.reports: list[dict[str, Any]] = []
        self.times: list[float] = []
        self._connections: list[socketserver.StreamRequestHandler] = []
        self._server: _Server | None = None
        self.start()

    def start(self) -> None:
        world = self

        class Handler(socketserver.StreamRequestHandler):
            def handle(self) -> None:
                while line := self.rfile.readline():
                    message = json.loads(line)
                    if message["method"] == "hello":
                        world.hellos.append(message["params"])
                        world._connections = [self]
                        result: dict[str, Any] = {"captured": 0}
                    else:
                        assert message["method"] == "agent.state"
                        world.times.append(time.monotonic())
                        world.reports.append(message["params"])
                        result = {}
                    with contextlib.suppress(OSError):
                        self.wfile.write(json.dumps({"id": message["id"], "result": result}).encode() + b"\n")

        self._server = _serve(self.path, Handler)
        self.file.write_text(json.dumps({"pid": os.getpid(), "start": 0, "socket": str(self.path)}))

    def stop(self) -> None:
        if self._server is None:
            return
        self._server.shutdown()
        self._server.server_close()
        self._server = None
        for connection in self._connections:
            with contextlib.suppress(OSError):
                connection.connection.shutdown(2)

    def push(self, name: str, **params: object) -> None:
        until(lambda: self._connections, what="the agent's connection")
        self._connections[0].wfile.write(json.dumps({"push": name, "params": params}).encode() + b"\n")

    @property
    def state(self) -> str:
        return self.reports[-1]["state"] if self.reports else ""

    def until_state(self, state: str, seconds: float = 10.0) -> dict[str, Any]:
        until(lambda: self.state == state, seconds, f"state {state}, last was {self.reports[-1:]}")
        return self.reports[-1]


class World:
    """One agent's surroundings: a worktree, a log, a gateway, a kaged, and its specification."""

    def __init__(self, folder: Path, mode: str = "off") -> None:
        self.folder = folder
        self.worktree = folder / "worktree"
        self.log = folder / "run" / "log.jsonl"
        self.worktree.mkdir()
        for name in ("tmp", "home"):
            (folder / name).mkdir()
        self.gateway = Gateway(folder / "g.sock")
        self.daemon = Daemon(folder)
        path = os.environ.get("PATH", "/usr/bin:/bin")
        env = {"PATH": path, "LANG": "C.UTF-8", "TMPDIR": str(folder / "tmp"), "HOME": str(folder / "home")}
        writable = [str(self.worktree), str(folder / "tmp"), str(folder / "home")]
        self.profile = Profile(mode=mode, worktree=str(self.worktree), writable=writable, env=env)

    def spec(self, **changes: Any) -> AgentSpec:
        fields: dict[str, Any] = {
            "run": "r1",
            "number": 1,
            "player": "fast",
            "model": "openai/gpt-5-mini",
            "repository": "/home/ada/project",
            "task": Task(text="Make it faster\nand keep it right"),
            "base": "0" * 40,
            "log": str(self.log),
            "token": "agent-token",
            "daemon": str(self.daemon.file),
            "gateway": str(self.gateway.path),
            "profile": self.profile,
            "limits": Limits(command_seconds=10),
        }
        return AgentSpec(**{**fields, **changes})

    def spec_file(self, **changes: Any) -> Path:
        path = self.folder / "spec.json"
        path.write_bytes(msgspec.json.encode(self.spec(**changes)))
        return path

    def events(self, kind: str = "") -> list[dict[str, Any]]:
        lines = self.log.read_bytes().splitlines() if self.log.exists() else []
        events = [json.loads(line) for line in lines]
        return [event for event in events if event["kind"] == kind] if kind else events

    def close(self) -> None:
        self.gateway.stop()
        self.daemon.stop()
