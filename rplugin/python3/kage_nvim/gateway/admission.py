"""Who may come in, as whom, and how everybody is answered: tokens, names, refusals in each wire's shape."""

from __future__ import annotations

from contextvars import ContextVar
from typing import Any
from urllib.parse import urlsplit

import msgspec
from aiohttp import web

from kage_nvim.gateway.agents import Registration
from kage_nvim.gateway.keys import Keys
from kage_nvim.gateway.pieces import to_json
from kage_nvim.gateway.problems import Problem
from kage_nvim.gateway.wires.chat import Chat
from kage_nvim.gateway.wires.gemini import Gemini
from kage_nvim.gateway.wires.messages import Messages
from kage_nvim.gateway.wires.responses import Responses
from kage_nvim.gateway.wires.wire import Wire

LOOPBACK = {"127.0.0.1", "localhost", "::1"}
_AGENT: ContextVar[Registration | None] = ContextVar("agent", default=None)


def admit(agent: Registration | None) -> None:
    """Whose request it is that this task answers; ``None`` for kaged and clients."""
    _AGENT.set(agent)


def agent() -> Registration:
    """The agent whose request this task answers."""
    found = _AGENT.get()
    assert found is not None, "the guard admits agents only"
    return found


async def once(request: web.Request, response: web.StreamResponse) -> None:
    """One request a connection: nobody is left hanging on a gateway that is being drained. The header says
    so, too, for aiohttp has made the headers by now: who is not told sends the next request into a reset."""
    response.headers["Connection"] = "close"
    response.force_close()


def token(request: web.Request) -> str:
    """The agent's token, wherever its protocol has it."""
    headers = request.headers
    return (
        headers.get("Authorization", "").removeprefix("Bearer ").strip()
        or headers.get("x-api-key", "")
        or headers.get("x-goog-api-key", "")
        or request.query.get("key", "")
    )


def from_here(request: web.Request) -> bool:
    """False for a request that came over TCP under another name: a page of the web whose name suddenly means
    this machine (DNS rebinding) is told apart by that name."""
    transport = request.transport
    if transport is None or isinstance(transport.get_extra_info("sockname"), str):
        return True
    try:
        return urlsplit(f"//{request.host}").hostname in LOOPBACK
    except ValueError:  # no name at all, such as `[`
        return False


def read_object(body: bytes) -> dict[str, Any]:
    try:
        return msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.MsgspecError, RecursionError) as error:
        raise Problem("bad_request", f"the body is not a JSON object: {error}") from error


def answer(body: Any, status: int = 200) -> web.Response:
    return web.Response(body=to_json(body), status=status, content_type="application/json")


def final() -> int:
    """The status of a refusal, 0 for the problem's own. What the gateway has tried for as long as makes sense
    a third-party CLI would try for minutes more: it gets the one that all of them take for final."""
    found = _AGENT.get()
    return 400 if found is not None and found.player.cli else 0


def refused(path: str, problem: Problem, status: int = 0) -> web.Response:
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
    response = answer(wire.refusal(problem), status)
    if problem.type != "gateway":
        response.headers["x-should-retry"] = "false"
    return response


def own(error: Exception, keys: Keys) -> Problem:
    """A mistake of the gateway's own."""
    return Problem(
        "gateway", keys.scrub(f"the gateway failed: {type(error).__name__}: {error}. Please report it.")
    )
