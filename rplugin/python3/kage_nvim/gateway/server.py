"""The gateway's HTTP interface: the models for agents (``models``), ``/kage/…`` for kaged and clients.

Everything but ``/kage/…`` needs an agent's token. Two applications come of it: the whole, for kaged and
clients, and the models alone, for the doors that agents get: a socket of their own, and a port on loopback.
"""

from __future__ import annotations

import asyncio
import os
import time

import msgspec
from aiohttp import web

from kage_nvim.gateway import admission
from kage_nvim.gateway.accounts import account
from kage_nvim.gateway.admission import answer, read_object
from kage_nvim.gateway.agents import Agents
from kage_nvim.gateway.calls import Calls
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.ledger import Ledger
from kage_nvim.gateway.models import Handler, Models
from kage_nvim.gateway.prices import price_of
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.provider import Provider
from kage_nvim.model import Player
from kage_nvim.version import __version__

MAX_BODY = 256 * 1024 * 1024


class Server:
    """The routes. ``busy`` counts requests under way, ``quiet`` is set while there is none, and ``last`` is
    when one was last seen (monotonic)."""

    def __init__(self, ledger: Ledger, provider: Provider | None = None) -> None:
        self._ledger = ledger
        self._keys = Keys()
        self._provider = provider or Provider()
        self._agents = Agents(ledger)
        self._calls = Calls(ledger, self._keys, self._provider)
        self._models = Models(self._calls, self._keys)
        self.busy = 0
        self.quiet = asyncio.Event()
        self.quiet.set()
        self.last = time.monotonic()

    def app(self) -> web.Application:
        """All there is, for kaged and clients."""
        return self._application(
            [
                *self._models.routes(),
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
        return self._application(self._models.routes())

    def _application(self, routes: list[web.RouteDef]) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY, middlewares=[self._guard])
        app.on_response_prepare.append(admission.once)
        app.add_routes(routes)
        return app

    @web.middleware
    async def _guard(self, request: web.Request, handler: Handler) -> web.StreamResponse:
        """Count requests; let in who may come in; turn every failure into an answer without a key in it, in
        the shape that its address has."""
        self.busy += 1
        self.quiet.clear()
        try:
            if not admission.from_here(request):
                raise Problem("forbidden", "the gateway answers to its own machine alone.")
            ours = request.path.startswith("/kage/") and request.match_info.http_exception is None
            admission.admit(None if ours else self._agents.whose(admission.token(request)))
            return await handler(request)
        except Problem as problem:
            return admission.refused(request.path, problem, admission.final())
        except web.HTTPException as error:
            unknown = Problem("bad_request", f"{request.path}: {error.reason}")
            return admission.refused(request.path, unknown, error.status)
        except Exception as error:
            return admission.refused(request.path, admission.own(error, self._keys))
        finally:
            self.busy -= 1
            self.last = time.monotonic()
            if self.busy == 0:
                self.quiet.set()

    async def _load(self, request: web.Request) -> web.Response:
        """A model will be called soon: its library loads while slots and panes are still being made."""
        self._provider.load()
        return answer({})

    async def _register(self, request: web.Request) -> web.Response:
        agent = self._agents.add(await request.read())
        if agent.player.model and not agent.player.recorded:
            self._provider.load()
        return answer({"priced": price_of(agent.player) is not None})

    async def _put_keys(self, request: web.Request) -> web.Response:
        try:
            keys = msgspec.json.decode(await request.read(), type=dict[str, str])
        except msgspec.MsgspecError:
            raise Problem("bad_request", "expected an object of variable names and keys.") from None
        self._keys.put(keys)
        return answer({"known": self._keys.known()})

    async def _get_keys(self, request: web.Request) -> web.Response:
        return answer({"known": self._keys.known()})

    async def _outcome(self, request: web.Request) -> web.Response:
        body = read_object(await request.read())
        try:
            self._ledger.outcome(str(body["run"]), int(body["number"]), str(body["outcome"]))
        except (KeyError, ValueError, TypeError):
            raise Problem("bad_request", "expected run, number and outcome.") from None
        return answer({})

    async def _health(self, request: web.Request) -> web.Response:
        return answer(
            {
                "pid": os.getpid(),
                "version": __version__,
                "ready": self._provider.ready,
                "agents": len(self._agents),
            }
        )

    async def _cost(self, request: web.Request) -> web.Response:
        run, repository = request.query.get("run", ""), request.query.get("repository", "")
        return answer(account(self._ledger, run, repository, self._agents.of_run(run)))

    async def _usage_of(self, request: web.Request) -> web.Response:
        """What an agent itself would be told, for kaged."""
        number = request.query.get("number", "")
        agents = self._agents.of_run(request.query.get("run", ""))
        found = [agent for agent in agents if str(agent.number) == number]
        return answer(self._calls.usage(found[0]) if found else {})

    async def _priced(self, request: web.Request) -> web.Response:
        """For each of some players, whether it has a price."""
        try:
            players = msgspec.json.decode(await request.read(), type=list[Player])
        except msgspec.MsgspecError as error:
            raise Problem("bad_request", f"expected a list of players: {error}") from None
        return answer([price_of(player) is not None for player in players])
