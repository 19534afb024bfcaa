"""What can go wrong with a call, as the agent and its user read it: what, what was found, what to do."""

from __future__ import annotations

from typing import Any, Literal

Retry = Literal["", "unreached", "passing", "crowded"]
"""Why a call may work a little later: nobody answered there, the server failed, it has too many calls."""

STATUS = {
    "keys_missing": 428,
    "unauthorized": 401,
    "budget": 402,
    "forbidden": 403,
    "privacy": 403,
    "rate_limit": 424,
    "bad_request": 400,
    "network": 424,
    "provider": 424,
    "cassette": 410,
    "gateway": 500,
}
"""The HTTP status of each type of problem.

What the gateway gives up on has had all the tries that make sense, so these are statuses that CLIs do not try
again. Measured: at 502 claude goes on for minutes (10 tries), gemini for more than 40 s, qwen for more than
30 s, codex for 24 s (30 tries). At 424 all of them end at once but codex, which does so at 400 alone (at 402,
403, 424 it asks 6 times in 7 s): ``responses`` answers 400, whatever it is. 409 and 429 are tried again by
most.
"""


class Problem(Exception):
    """A call that cannot be answered.

    ``retry`` says how the same call may work a little later (``policy.PATIENCE``; empty: not at all);
    ``after`` is how many seconds the provider asked to wait, when it did. ``elsewhere`` when another player
    may well be answered. ``names`` are the keys that are missing, or the limit that is reached. ``sums`` is
    what the call used all the same (``Bill.sums``).
    """

    def __init__(
        self,
        type: str,
        message: str,
        *,
        names: list[str] | None = None,
        retry: Retry = "",
        after: float | None = None,
        elsewhere: bool = False,
        sums: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.type = type
        self.message = message
        self.names = names
        self.retry = retry
        self.after = after
        self.elsewhere = elsewhere
        self.sums = sums

    @property
    def status(self) -> int:
        """The HTTP status."""
        return STATUS[self.type]

    def to_wire(self) -> dict[str, Any]:
        """The body of the answer."""
        error: dict[str, Any] = {"type": self.type, "message": self.message}
        if self.names is not None:
            error["names"] = self.names
        return {"error": error} if self.sums is None else {"error": error, "kage": self.sums}
