"""The models as agents reach them: a wire for each protocol, at the addresses that its libraries use."""

from __future__ import annotations

from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import aclosing, suppress
from functools import partial

from aiohttp import web

from kage_nvim.cache_marks import reads_marks
from kage_nvim.gateway import admission, stamp
from kage_nvim.gateway.admission import answer, read_object
from kage_nvim.gateway.agents import bare_model, upstream
from kage_nvim.gateway.calls import Calls
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.pieces import Bill, Delta
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.wires import gemini, messages
from kage_nvim.gateway.wires.chat import Chat
from kage_nvim.gateway.wires.gemini import Gemini
from kage_nvim.gateway.wires.messages import Messages
from kage_nvim.gateway.wires.reading import plain
from kage_nvim.gateway.wires.responses import Responses
from kage_nvim.gateway.wires.wire import Wire

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]


class Models:
    """The routes of agents. Who asks is known by then: ``admission.agent``."""

    def __init__(self, calls: Calls, keys: Keys) -> None:
        self._calls = calls
        self._keys = keys

    def routes(self) -> list[web.RouteDef]:
        """The addresses of all wires. OpenAI's and Anthropic's are there without ``/v1``, too, since some
        agents take a base address to be whole."""
        posts: list[tuple[str, Handler]] = [
            ("/chat/completions", partial(self._ask, Chat)),
            ("/responses", partial(self._ask, Responses)),
            ("/messages", partial(self._ask, Messages)),
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

    async def _ask(self, wire: type[Chat | Responses | Messages], request: web.Request) -> web.StreamResponse:
        return await self._send(request, wire(read_object(await request.read())))

    async def _google(self, request: web.Request) -> web.StreamResponse:
        """Gemini's addresses name the model and what is to be done with it."""
        model, _, verb = request.match_info["call"].rpartition(":")
        asked = read_object(await request.read())
        if verb == "countTokens":
            return answer(gemini.count(asked))
        if verb not in ("generateContent", "streamGenerateContent"):
            raise Problem("bad_request", f"the gateway cannot {verb or request.path}.")
        stream, sse = verb == "streamGenerateContent", request.query.get("alt") == "sse"
        return await self._send(request, Gemini(asked, model, stream=stream, sse=sse))

    async def _send(self, request: web.Request, wire: Wire) -> web.StreamResponse:
        """Make the call and answer it as it was asked for."""
        stamp.begin()
        body = wire.body
        if not reads_marks(upstream(admission.agent(), body).model or ""):
            body = {**body, "messages": plain(body["messages"])}
        async with aclosing(self._calls.answer(admission.agent(), body)) as pieces:
            if wire.body.get("stream"):
                return await self._stream(request, wire, pieces)
            deltas: list[Delta] = []
            async for piece in pieces:
                if isinstance(piece, Bill):
                    return answer(wire.whole(deltas, piece))
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
            problem = error if isinstance(error, Problem) else admission.own(error, self._keys)
            with suppress(ConnectionError):  # the agent may be gone, which is then what failed
                await response.write(wire.failed(problem))
        with suppress(ConnectionError):
            await response.write_eof()
        return response

    async def _count(self, request: web.Request) -> web.Response:
        return answer(messages.count(read_object(await request.read())))

    async def _models(self, request: web.Request) -> web.Response:
        """The agent's one model, in OpenAI's shape and in Anthropic's at once."""
        model = bare_model(admission.agent())
        one = {"id": model, "object": "model", "created": 0, "owned_by": "kage"}
        one |= {"type": "model", "display_name": model, "created_at": "1970-01-01T00:00:00Z"}
        return answer(
            {"object": "list", "data": [one], "has_more": False, "first_id": model, "last_id": model}
        )

    async def _google_models(self, request: web.Request) -> web.Response:
        model = bare_model(admission.agent())
        verbs = ["generateContent", "countTokens"]
        one = {"name": f"models/{model}", "displayName": model, "supportedGenerationMethods": verbs}
        return answer({"models": [one]})

    async def _usage(self, request: web.Request) -> web.Response:
        return answer(self._calls.usage(admission.agent()))
