"""The gateway's HTTP interface: a wire for each protocol of agents, ``/kage/…`` for kaged and clients.

Everything but ``/kage/…`` needs an agent's token. Two applications come of it: the whole, for kaged and
clients, and the models alone, for the doors that agents get: a socket of their own, and a port on loopback.
"""

from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial
from typing import Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from kage_nvim.gateway import stamp
from kage_nvim.gateway.accounts import account
from kage_nvim.gateway.agents import Agents, bare_model, upstream
from kage_nvim.gateway.calls import Calls
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.ledger import Ledger
from kage_nvim.gateway.pieces import Bill, Delta, to_json
from kage_nvim.gateway.prices import price_of
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.provider import Provider
from kage_nvim.gateway.wires import gemini, messages
from kage_nvim.gateway.wires.chat import Chat
from kage_nvim.gateway.wires.gemini import Gemini
from kage_nvim.gateway.wires.messages import Messages
from kage_nvim.gateway.wires.reading import plain
from kage_nvim.gateway.wires.responses import Responses
from kage_nvim.gateway.wires.wire import Wire
from kage_nvim.model import Player
from kage_nvim.version import __version__

MAX_BODY = 256 * 1024 * 1024
LOOPBACK = {"127.0.0.1", "localhost", "::1"}
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
        """All there is, for kaged and clients."""
        return self._application(
            [
                *self._model_routes(),
                web.post("/kage/load", self._load),
                web.post("/kage/agents", self._register),
                web.post("/kage/keys", self._put_keys),
                web.get("/kage/keys", self._get_keys),
                web.post("/kage/outcome", self._outcome),
                web.get("/kage/health", self._health),
                web.get("/kage/cost", self._cost),
                web.get("/kage/usage", self._usage_of),
                web.post("/kage/priced", self._priced),
            ]
        )

    def models(self) -> web.Application:
        """What agents get: models, and nothing without a token."""
        return self._application(self._model_routes())

    def _application(self, routes: list[web.RouteDef]) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._guard])
        app.on_response_prepare.append(_once)
        app.add_routes(routes)
        return app

    def _model_routes(self) -> list[web.RouteDef]:
        """The addresses of all wires. OpenAI's and Anthropic's are there without ``/v1``, too, since some
        agents take a base address to be whole."""
        posts: list[tuple[str, Handler]] = [
            ("/chat/completions", partial(self._answer, Chat)),
            ("/responses", partial(self._answer, Responses)),
            ("/messages", partial(self._answer, Messages)),
            ("/messages/count_tokens", self._count),
        ]
        routes = [web.post(base + url, handler) for base in ("", "/v1") for url, handler in posts]
        return [
            *routes,
            web.get("/models", self._models),
            web.get("/v1/models", self._models),
            web.get("/v1beta/models", self._google_models),
            web.post("/{version:v1|v1beta}/models/{call:.+}", self._google),
            web.get("/v1/kage/usage", self._usage),
        ]

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count requests; let in who may come in; turn every failure into an answer without a key in it, in
        the shape that its address has."""
        self.busy += 1
        self.quiet.clear()
        try:
            if not _from_here(request):
                raise Problem("forbidden", "the gateway answers to its own machine alone.")
            ours = request.path.startswith("/kage/") and request.match_info.http_exception is None
            if not ours:
                request["agent"] = self._agents.whose(_token(request))
            return await handler(request)
        except Problem as problem:
            return _refused(request.path, problem, _final(request))
        except web.HTTPException as error:
            unknown = Problem("bad_request", f"{request.path}: {error.reason}")
            return _refused(request.path, unknown, error.status)
        except Exception as error:
            return _refused(request.path, self._own(error))
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

    async def _answer(
        self, wire: type[Chat | Responses | Messages], request: web.Request
    ) -> web.StreamResponse:
        return await self._send(request, wire(_object(await request.read())))

    async def _google(self, request: web.Request) -> web.StreamResponse:
        """Gemini's addresses name the model and what is to be done with it."""
        model, _, verb = request.match_info["call"].rpartition(":")
        asked = _object(await request.read())
        if verb == "countTokens":
            return _json(gemini.count(asked))
        if verb not in ("generateContent", "streamGenerateContent"):
            raise Problem("bad_request", f"the gateway cannot {verb or request.path}.")
        stream, sse = verb == "streamGenerateContent", request.query.get("alt") == "sse"
        return await self._send(request, Gemini(asked, model, stream=stream, sse=sse))

    async def _send(self, request: web.Request, wire: Wire) -> web.StreamResponse:
        """Make the call and answer it as it was asked for."""
        stamp.begin()
        body = wire.body
        if not reads_marks(upstream(request["agent"], body)):
            body = {**body, "messages": plain(body["messages"])}
        async with aclosing(self._calls.answer(request["agent"], body)) as pieces:
            if wire.body.get("stream"):
                return await self._stream(request, wire, pieces)
            deltas: list[Delta] = []
            async for piece in pieces:
                if isinstance(piece, Bill):
                    return _json(wire.whole(deltas, piece))
                deltas.append(piece)
        raise Problem("provider", "the answer had no end.")

    async def _stream(
        self, request: web.Request, wire: Wire, pieces: AsyncGenerator[Delta | Bill, None]
    ) -> web.StreamResponse:
        """Headers go out with the first piece, so that a call that fails before it is answered with a status;
        whatever fails later is the stream's last event."""
        response = web.StreamResponse(
            headers={"Content-Type": wire.content_type, "Cache-Control": "no-cache"}
        )
        try:
            async for piece in pieces:
                if not response.prepared:
                    await response.prepare(request)
                if events := b"".join(wire.events(piece)):
                    await response.write(events)
        except Exception as error:
            if not response.prepared:
                raise
            problem = error if isinstance(error, Problem) else self._own(error)
            with suppress(ConnectionError):  # the agent may be gone, which is then what failed
                await response.write(wire.failed(problem))
        with suppress(ConnectionError):
            await response.write_eof()
        return response

    async def _count(self, request: web.Request) -> web.Response:
        return _json(messages.count(_object(await request.read())))

    async def _models(self, request: web.Request) -> web.Response:
        """The agent's one model, in OpenAI's shape and in Anthropic's at once."""
        model = bare_model(request["agent"])
        one = {"id": model, "object": "model", "created": 0, "owned_by": "kage"}
        one |= {"type": "model", "display_name": model, "created_at": "1970-01-01T00:00:00Z"}
        return _json(
            {"object": "list", "data": [one], "has_more": False, "first_id": model, "last_id": model}
        )

    async def _google_models(self, request: web.Request) -> web.Response:
        model = bare_model(request["agent"])
        verbs = ["generateContent", "countTokens"]
        one = {"name": f"models/{model}", "displayName": model, "supportedGenerationMethods": verbs}
        return _json({"models": [one]})

    async def _usage(self, request: web.Request) -> web.Response:
        return _json(self._calls.usage(request["agent"]))

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
        run, repository = request.query.get("run", ""), request.query.get("repository", "")
        return _json(account(self._ledger, run, repository, self._agents.of_run(run)))

    async def _usage_of(self, request: web.Request) -> web.Response:
        """What an agent itself would be told, for kaged."""
        number = request.query.get("number", "")
        agents = self._agents.of_run(request.query.get("run", ""))
        found = [agent for agent in agents if str(agent.number) == number]
        return _json(self._calls.usage(found[0]) if found else {})

    async def _priced(self, request: web.Request) -> web.Response:
        """For each of some players, whether it has a price."""
        try:
            players = msgspec.json.decode(await request.read(), type=list[Player])
        except msgspec.MsgspecError as error:
            raise Problem("bad_request", f"expected a list of players: {error}") from None
        return _json([price_of(player) is not None for player in players])


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


def _final(request: web.Request) -> int:
    """The status of a refusal, 0 for the problem's own. What the gateway has tried for as long as makes sense
    a third-party CLI would try for minutes more: it gets the one that all of them take for final."""
    agent = request.get("agent")
    return 400 if agent is not None and agent.player.cli else 0


def _refused(path: str, problem: Problem, status: int = 0) -> web.Response:
    """An error in the shape that this address has. The header stops the libraries of OpenAI and Anthropic."""
    wire: type[Wire] = Chat
    status = status or problem.status
    if "/messages" in path:
        wire = Messages
    elif path.startswith(("/v1beta/", "/v1/models/")):
        wire = Gemini
    elif path.endswith("/responses"):
        wire = Responses
        status = 400  # Codex asks again at any other: problems.STATUS
    response = _json(wire.refusal(problem), status)
    if problem.type != "gateway":
        response.headers["x-should-retry"] = "false"
    return response


def reads_marks(player: Player) -> bool:
    """Whether a model reads cache markers and signed thoughts: Anthropic's, wherever it is served."""
    model = (player.model or "").lower()
    return "claude" in model or model.startswith("anthropic/")


def _token(request: web.Request) -> str:
    """The agent's token, wherever its protocol has it."""
    headers = request.headers
    return (
        headers.get("Authorization", "").removeprefix("Bearer ").strip()
        or headers.get("x-api-key", "")
        or headers.get("x-goog-api-key", "")
        or request.query.get("key", "")
    )


def _from_here(request: web.Request) -> bool:
    """False for a request that came over TCP under another name: a page of the web whose name suddenly means
    this machine (DNS rebinding) is told apart by that name."""
    transport = request.transport
    if transport is None or isinstance(transport.get_extra_info("sockname"), str):
        return True
    return urlsplit(f"//{request.host}").hostname in LOOPBACK
