"""The gateway's HTTP interface: the OpenAI chat protocol for agents, ``/kage/…`` for kaged and clients."""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from typing import Any

import msgspec
from aiohttp import web

from kage_nvim.gateway.agents import Agents
from kage_nvim.gateway.calls import Calls
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.ledger import Ledger
from kage_nvim.gateway.pieces import Bill, Delta, join, to_json
from kage_nvim.gateway.prices import price_of
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.provider import Provider
from kage_nvim.version import __version__

MAX_BODY = 256 * 1024 * 1024
Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Server:
    """The routes. ``busy`` counts requests under way, ``quiet`` is set while there is none, and ``last`` is
    when one was last seen (monotonic)."""

    def __init__(self, ledger: Ledger, provider: Provider | None = None) -> None:
        self._ledger = ledger
        self._keys = Keys()
        self._provider = provider or Provider()
        self._agents = Agents(ledger)
        self._calls = Calls(ledger, self._keys, self._provider)
        self.busy = 0
        self.quiet = asyncio.Event()
        self.quiet.set()
        self.last = time.monotonic()

    def app(self) -> web.Application:
        """The application to serve."""
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._guard])
        app.on_response_prepare.append(_once)
        app.add_routes(
            [
                web.post("/v1/chat/completions", self._chat),
                web.post("/kage/load", self._load),
                web.post("/kage/agents", self._register),
                web.post("/kage/keys", self._put_keys),
                web.get("/kage/keys", self._get_keys),
                web.post("/kage/outcome", self._outcome),
                web.get("/kage/health", self._health),
                web.get("/kage/cost", self._cost),
            ]
        )
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count requests; turn every failure into an answer without a key in it."""
        self.busy += 1
        self.quiet.clear()
        try:
            return await handler(request)
        except Problem as problem:
            return _json(problem.to_wire(), problem.status)
        except web.HTTPException as error:
            return _json(Problem("bad_request", f"{request.path}: {error.reason}").to_wire(), error.status)
        except Exception as error:
            own = self._own(error)
            return _json(own.to_wire(), own.status)
        finally:
            self.busy -= 1
            self.last = time.monotonic()
            if self.busy == 0:
                self.quiet.set()

    def _own(self, error: Exception) -> Problem:
        """A mistake of the gateway's own."""
        return Problem(
            "gateway",
            self._keys.scrub(f"the gateway failed: {type(error).__name__}: {error}. Please report it."),
        )

    async def _chat(self, request: web.Request) -> web.StreamResponse:
        agent = self._agents.whose(request.headers.get("Authorization", ""))
        body = _object(await request.read())
        if not isinstance(body.get("messages"), list) or not body["messages"]:
            raise Problem("bad_request", "`messages` is missing or empty.")
        async with aclosing(self._calls.answer(agent, body)) as pieces:
            if body.get("stream"):
                return await self._stream(request, pieces, agent.caller.model)
            deltas: list[Delta] = []
            async for piece in pieces:
                if isinstance(piece, Bill):
                    return _json(_completion(join(deltas), piece, agent.caller.model))
                deltas.append(piece)
        raise Problem("provider", "the answer had no end.")

    async def _stream(
        self, request: web.Request, pieces: AsyncGenerator[Delta | Bill, None], model: str
    ) -> web.StreamResponse:
        """Server-sent events. Headers go out with the first piece, so that a call that fails before it is
        answered with a status; whatever fails later is the stream's last event."""
        response = web.StreamResponse(
            headers={"Content-Type": "text/event-stream", "Cache-Control": "no-cache"}
        )
        head = _head("chat.completion.chunk", model)
        try:
            async for piece in pieces:
                if not response.prepared:
                    await response.prepare(request)
                for chunk in _chunks(head, piece):
                    await response.write(_event(chunk))
            await response.write(b"data: [DONE]\n\n")
        except Exception as error:
            if not response.prepared:
                raise
            problem = error if isinstance(error, Problem) else self._own(error)
            with suppress(ConnectionError):  # the agent may be gone, which is then what failed
                await response.write(_event(problem.to_wire()))
        with suppress(ConnectionError):
            await response.write_eof()
        return response

    async def _load(self, request: web.Request) -> web.Response:
        """A model will be called soon: its library loads while slots and panes are still being made."""
        self._provider.load()
        return _json({})

    async def _register(self, request: web.Request) -> web.Response:
        agent = self._agents.add(await request.read())
        if agent.player.model and not agent.player.recorded:
            self._provider.load()
        return _json({"priced": price_of(agent.player) is not None})

    async def _put_keys(self, request: web.Request) -> web.Response:
        try:
            keys = msgspec.json.decode(await request.read(), type=dict[str, str])
        except msgspec.MsgspecError:
            raise Problem("bad_request", "expected an object of variable names and keys.") from None
        self._keys.put(keys)
        return _json({"known": self._keys.known()})

    async def _get_keys(self, request: web.Request) -> web.Response:
        return _json({"known": self._keys.known()})

    async def _outcome(self, request: web.Request) -> web.Response:
        body = _object(await request.read())
        try:
            self._ledger.outcome(str(body["run"]), int(body["number"]), str(body["outcome"]))
        except (KeyError, ValueError, TypeError):
            raise Problem("bad_request", "expected run, number and outcome.") from None
        return _json({})

    async def _health(self, request: web.Request) -> web.Response:
        return _json(
            {
                "pid": os.getpid(),
                "version": __version__,
                "ready": self._provider.ready,
                "agents": len(self._agents),
            }
        )

    async def _cost(self, request: web.Request) -> web.Response:
        return _json(self._ledger.cost(request.query.get("run", ""), request.query.get("repository", "")))


async def _once(request: web.Request, response: web.StreamResponse) -> None:
    """One request a connection: nobody is left hanging on a gateway that is being drained."""
    response.force_close()


def _object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Problem("bad_request", f"the body is not a JSON object: {error}") from error


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=to_json(body), status=status, content_type="application/json")


def _event(body: Any) -> bytes:
    return b"data: " + to_json(body) + b"\n\n"


def _head(kind: str, model: str) -> dict[str, Any]:
    return {"id": f"kage-{time.time_ns()}", "object": kind, "created": int(time.time()), "model": model}


def _totals(bill: Bill) -> dict[str, Any]:
    return {"usage": bill.usage.to_openai(), "kage": bill.sums()}


def _chunks(head: dict[str, Any], piece: Delta | Bill) -> list[dict[str, Any]]:
    if not isinstance(piece, Bill):
        return [{**head, "choices": [{"index": 0, "delta": piece, "finish_reason": None}]}]
    return [
        {**head, "choices": [{"index": 0, "delta": {}, "finish_reason": piece.finish}]},
        {**head, "choices": [], **_totals(piece)},
    ]


def _completion(message: dict[str, Any], bill: Bill, model: str) -> dict[str, Any]:
    choice = {"index": 0, "message": message, "finish_reason": bill.finish}
    return {**_head("chat.completion", model), "choices": [choice], **_totals(bill)}
