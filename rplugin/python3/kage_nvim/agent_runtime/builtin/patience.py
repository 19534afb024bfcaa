"""How one model call is made to succeed when that is a matter of waiting.

keys missing         waiting, asked again each second until a client has delivered them
gateway gone         waiting, asked again for a minute: it is being restarted
answer broke off     asked again twice; the gateway cannot, it has passed words on already
gateway failed       asked again twice: it is there, so that waiting for it makes no sense
anything else        the gateway has tried what makes sense, so its word ends the turn

Each call that reaches the gateway may cost: a step makes at most 1 + ``CUTS`` + ``HANGUPS`` of them.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from kage_nvim.agent_runtime.builtin.limits import Allowance
from kage_nvim.agent_runtime.builtin.model_client import Answer, GatewayGone, ModelError
from kage_nvim.agent_runtime.inbox import TurnEnd
from kage_nvim.agent_runtime.progress import Progress
from kage_nvim.model import State

KEYS_EVERY = 1.0
LOOK_EVERY = 1.0
"""Seconds between two looks at what a call waits for."""
GONE_FOR = 60.0
"""Seconds that a gateway may be away."""
PRESENT = 5.0
"""A call that lasted so many seconds before it broke off shows that the gateway had been there."""
CUTS = 2
"""How often a call is made again after its answer broke off."""
HANGUPS = 4
"""How often it is made again after the gateway went without an answer."""
BROKEN = ("provider", "network", "gateway")


async def ask(
    call: Callable[[], Awaitable[Answer]],
    *,
    waiting: Callable[[], Awaitable[str]],
    progress: Progress,
    allowance: Allowance,
    notice: Callable[[str], None],
) -> Answer:
    """Make ``call`` until it answers or waiting makes no sense. ``waiting`` says what the gateway waits for.

    Raises:
        ModelError: the gateway's refusal, of a kind that waiting does not cure and that is no limit.
        TurnEnd: the time is up, the budget is spent, or the gateway stays away.
    """
    gone = _Absence()
    cuts = hangups = 0
    while True:
        try:
            answer = await asyncio.wait_for(_told(call, waiting, progress, notice), allowance.remaining())
        except asyncio.TimeoutError:
            allowance.check_time()
        except GatewayGone as error:
            hangups += error.asked
            if hangups > HANGUPS:
                why = f"the gateway hung up on {hangups} calls without an answer ({error})"
                raise TurnEnd(State.FAILED, why) from None
            with allowance.paused():
                await gone.wait(str(error), progress, notice)
        except ModelError as error:
            if error.usage is not None:
                progress.spent(error.usage)
            if error.kind == "keys_missing":
                with allowance.paused():
                    await _wait_for_keys(error, progress, notice)
            elif error.kind == "budget":
                if error.names:
                    progress.warn(f"{error.names[0]}: no room for another call")
                raise TurnEnd(State.STOPPED, error.message) from None
            elif error.broken and error.kind in BROKEN and cuts < CUTS:
                cuts += 1
                notice(f"no whole answer ({error.message}); asking again")
                await asyncio.sleep(0.5 * cuts)
            else:
                raise
        else:
            if progress.state is State.WAITING:
                progress.enter(State.WORKING, "")
            _tell(answer, progress, notice)
            return answer


async def _told(
    call: Callable[[], Awaitable[Answer]],
    waiting: Callable[[], Awaitable[str]],
    progress: Progress,
    notice: Callable[[str], None],
) -> Answer:
    """One call; while it lasts, the pane and the status say what the gateway waits for."""
    making, said = asyncio.ensure_future(call()), ""
    try:
        while not (await asyncio.wait({making}, timeout=LOOK_EVERY))[0]:
            if (words := await waiting()) != said:
                said = words
                progress.doing(f"waiting for {words}" if words else "thinking")
                if words:
                    notice(f"waiting for {words}")
        if said:
            progress.doing("thinking")
        return making.result()
    finally:
        if not making.done():
            making.cancel()
            await asyncio.wait({making})


def _tell(answer: Answer, progress: Progress, notice: Callable[[str], None]) -> None:
    """Show what the gateway has to say beside the answer: of each limit once, of another player each time."""
    for line in answer.notices:
        notice(line)
    if answer.warning and not progress.warning.startswith(answer.warning):
        notice(f"budget: {answer.warning}")
    progress.warn("; ".join(filter(None, [answer.warning, *answer.notices])))


async def _wait_for_keys(error: ModelError, progress: Progress, notice: Callable[[str], None]) -> None:
    reason = f"keys: {', '.join(error.names) or error.message}"
    if (progress.state, progress.reason) != (State.WAITING, reason):
        notice(f"waiting for {reason}; open Neovim or run `kage status` where they are set")
    progress.enter(State.WAITING, reason)
    await asyncio.sleep(KEYS_EVERY)


class _Absence:
    """How long the gateway has been away, and how long to wait before the next attempt."""

    def __init__(self) -> None:
        self._since = 0.0
        self._tried = float("-inf")
        self._pause = 0.1

    async def wait(self, why: str, progress: Progress, notice: Callable[[str], None]) -> None:
        now = time.monotonic()
        if now - self._tried > PRESENT:
            self._since, self._pause = now, 0.1
            notice("the gateway does not answer; waiting for it")
        if now - self._since > GONE_FOR:
            raise TurnEnd(State.FAILED, f"the gateway did not come back within {GONE_FOR:.0f} s ({why})")
        progress.enter(State.WAITING, "the gateway to come back")
        await asyncio.sleep(self._pause)
        self._pause = min(2.0, self._pause * 1.6)
        self._tried = time.monotonic()
