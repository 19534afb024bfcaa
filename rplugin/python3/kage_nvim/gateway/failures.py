"""From what litellm raises to what the user reads: what happened, what was found, what to do.

Only the failures that may pass by themselves are marked for another try: 429, 408, 409, 425, most of 5xx,
broken or refused connections, and silence. Never what a second try cannot change: 400, 401, 403, 404, a
module that is missing, a mistake of the program's.
"""

from __future__ import annotations

import errno
import json
import math
import os
import re
import time
from collections.abc import Iterator
from email.utils import parsedate_to_datetime

from kage_nvim import budgets, discover
from kage_nvim.gateway.problems import Problem
from kage_nvim.model import Player

QUOTED = 300
"""Characters of a provider's own words that are passed on."""
PASSING = frozenset({408, 409, 425, 500, 502, 503, 504, 520, 521, 522, 523, 524, 529})
"""Statuses of an answer that the same request may well not get again; 429 has a patience of its own."""
_PREFIX = re.compile(r"^((litellm\.)?[\w ]*(Error|Exception|Timeout|LiteLLM): )*(\w+Exception - )?")
_APPENDED = re.compile(r"\s*(Traceback \(most|Original exception: )")
_UNREADABLE = (
    "Empty or invalid response",
    "codec can't decode",
    "Expecting value",
    "Unable to get json",
    "provider returned",
)
_UNREACHED = {
    "ClientConnectorError",
    "ConnectError",
    "ConnectionRefusedError",
    "gaierror",
    "UnsupportedProtocol",
}
_SILENT = {"Timeout", "TimeoutException", "TimeoutError"}
_MIDWAY = {"MidStreamFallbackError", "ClientPayloadError", "RemoteProtocolError"}
_BROKEN = {"APIConnectionError", "ClientError", "TransportError", "ConnectionError"}
_CARRIERS = {"httpx", "httpcore", "aiohttp", "openai"}
_TOO_LONG = ("context length", "context_length", "context window", "prompt is too long", "too many tokens")
_NO_PROVIDER = "LLM Provider NOT provided"


def midway(name: str, player: Player, found: str = "no finish reason") -> Problem:
    """The stream stopped without saying why: nothing says that the answer is whole."""
    return Problem(
        "provider",
        f"the stream ended midway: {where(player)} broke off player `{name}`'s answer ({found})."
        " Send the agent a message to let it try again; if this repeats, look at that server, or set"
        f" stream = false under {budgets.table(name)}.",
        retry="passing",
        elsewhere=True,
    )


def uncounted(name: str, player: Player) -> Problem:
    """The stream ended in order, but did not say what it used: it may have been cut just before its end."""
    return midway(name, player, "it sent no usage")


def explain(error: BaseException, name: str, player: Player, key_from: str, silence: float) -> Problem:
    """The problem behind an exception of litellm, or of what lies beneath it."""
    chain = list(_chain(error))
    status = _status(chain)
    if status in (401, 403):
        return Problem(
            "unauthorized",
            f"{where(player)} refused {key_from} for player `{name}` ({status}: {_words(chain)}). Give a"
            " valid key for it, then send the agent a message to let it try again.",
            elsewhere=True,
        )
    if status == 429:
        return _too_many(chain, name, where(player))
    if status not in (408, 504) and (problem := _network(chain, name, player, silence)):
        return problem
    return _spoken(status, _words(chain), name, player)


def _network(chain: list[BaseException], name: str, player: Player, silence: float) -> Problem | None:
    """No answer, or half of one."""
    at = where(player)
    kinds = {kind.__name__ for one in chain for kind in type(one).__mro__}
    if kinds & _UNREACHED:
        reason = _reason(chain) or "no connection"
        return Problem(
            "network",
            f"player `{name}` could not reach {at}: {reason}. Start the server there, check the network, or"
            f" correct api_base of {budgets.table(name)}.",
            retry="unreached",
            elsewhere=True,
        )
    if kinds & _SILENT:
        return Problem(
            "network",
            f"{at} did not answer player `{name}` within {silence:g} s. Look whether it is overloaded or"
            " hangs, then send the agent a message to let it try again.",
            retry="passing",
            elsewhere=True,
        )
    if any(sign in _words(chain) for sign in _UNREADABLE):
        return None
    if kinds & _MIDWAY:
        return midway(name, player, _words(chain))
    if kinds & _BROKEN and not any(map(_of_the_network, chain)):
        return Problem(
            "bad_request",
            f"the request of player `{name}` could not be put into the words of {at} ({_words(chain[-1:])});"
            " nothing was sent.",
        )
    if kinds & _BROKEN:
        return Problem(
            "network",
            f"the connection of player `{name}` to {at} broke before the answer was whole"
            f" ({_reason(chain) or _words(chain)}). Look at that server, then send the agent a message to let"
            " it try again.",
            retry="passing",
            elsewhere=True,
        )
    return None


def _of_the_network(error: BaseException) -> bool:
    """False for litellm's own exceptions, which name any mistake in a request a broken connection."""
    return isinstance(error, (OSError, EOFError)) or type(error).__module__.partition(".")[0] in _CARRIERS


def where(player: Player) -> str:
    """Whom a player talks to, in words."""
    return player.api_base or discover.provider(player.model or "the provider")


def _too_many(chain: list[BaseException], name: str, at: str) -> Problem:
    words = _words(chain)
    after = _retry_after(chain)
    asked = f", and asked to wait {after:g} s" if after is not None else ""
    return Problem(
        "rate_limit",
        f"{at} has too many requests and refused player `{name}` (429: {words}){asked}. Wait a little and"
        " send the agent a message, run fewer agents at once, or raise your quota there.",
        retry="crowded",
        after=after,
        elsewhere=True,
    )


def _spoken(status: int | None, words: str, name: str, player: Player) -> Problem:
    """An answer that is none."""
    at = where(player)
    if _NO_PROVIDER in words:
        return Problem(
            "bad_request",
            f"player `{name}` has the model `{player.model}`, which names no provider that litellm knows."
            f" Write provider/model in {budgets.table(name)}, such as openai/{player.model} for any server"
            " that speaks OpenAI's protocol.",
        )
    if any(sign in words for sign in _UNREADABLE):
        return Problem(
            "provider",
            f"{at} answered player `{name}` with something that is not the OpenAI chat protocol ({words})."
            f" Check that api_base of {budgets.table(name)} is right; most servers want it to end in /v1.",
        )
    if status == 404:
        return Problem(
            "bad_request",
            f"{at} knows no model or address for player `{name}` ({player.model}; 404: {words}). Correct"
            f" model or api_base of {budgets.table(name)}.",
        )
    if status == 402:
        return Problem(
            "provider",
            f"{at} wants to be paid before it answers player `{name}` (402: {words}).",
            elsewhere=True,
        )
    if status is not None and any(sign in words.lower() for sign in _TOO_LONG):
        return Problem(
            "bad_request",
            f"{at} found the conversation of player `{name}` too long ({status}: {words}). Start the"
            " agent again with a smaller task, or use a model with a larger window.",
            elsewhere=True,
        )
    if status is not None and 400 <= status < 500 and status not in PASSING:
        return Problem(
            "bad_request",
            f"{at} did not accept the request of player `{name}` ({status}: {words}). Check model and"
            f" settings of {budgets.table(name)}; a conversation that is too long is refused like this, too.",
        )
    shown = f"{status}: {words}" if status else words
    return Problem(
        "provider",
        f"{at} failed to answer player `{name}` ({shown}). This is the server's own error: look there, then"
        " send the agent a message to let it try again.",
        retry="passing" if status in PASSING else "",
        elsewhere=status is not None and status >= 500,
    )


def _chain(error: BaseException) -> Iterator[BaseException]:
    """The exception and all that it was raised from."""
    seen: set[int] = set()
    waiting: list[object] = [error]
    while waiting:
        one = waiting.pop(0)
        if isinstance(one, BaseException) and id(one) not in seen:
            seen.add(id(one))
            yield one
            waiting += [one.__cause__, one.__context__, getattr(one, "original_exception", None)]


def _status(chain: list[BaseException]) -> int | None:
    """The status that the server answered with: nearest to it, since litellm renames some on the way."""
    found = [status for one in chain if isinstance(status := getattr(one, "status_code", None), int)]
    return found[-1] if found else None


def _words(chain: list[BaseException]) -> str:
    """The provider's own words, without litellm's names for them."""
    said = _APPENDED.split(str(chain[0]), maxsplit=1)[0]
    text = _PREFIX.sub("", said).strip() or type(chain[0]).__name__
    text = " ".join(_message(text).split())
    return text if len(text) <= QUOTED else text[:QUOTED] + " …"


def _message(text: str) -> str:
    """The message in an error body, for providers whose body litellm passes on as it is."""
    try:
        return str(json.loads(text.removeprefix("b'").removesuffix("'"))["error"]["message"])
    except (ValueError, KeyError, TypeError):
        return text


def _reason(chain: list[BaseException]) -> str | None:
    """What the operating system said."""
    for one in reversed(chain):
        if isinstance(one, OSError) and one.errno is not None and one.errno in errno.errorcode:
            return os.strerror(one.errno).lower()
        if isinstance(one, OSError) and one.strerror:
            return one.strerror
    return None


def _retry_after(chain: list[BaseException]) -> float | None:
    """Seconds that the server asked to wait: in milliseconds, in seconds, or as a date."""
    for one in chain:
        headers = getattr(one, "litellm_response_headers", None) or getattr(
            getattr(one, "response", None), "headers", None
        )
        for name, read in (("retry-after-ms", _milliseconds), ("retry-after", float), ("retry-after", _date)):
            try:
                if headers and (value := headers.get(name)) is not None and math.isfinite(read(value)):
                    return max(0.0, read(value))
            except (ValueError, TypeError, OverflowError):
                continue
    return None


def _milliseconds(value: str) -> float:
    return float(value) / 1000


def _date(value: str) -> float:
    """Seconds from now to an HTTP date."""
    return parsedate_to_datetime(value).timestamp() - time.time()
