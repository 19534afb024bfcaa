"""What a player's tokens cost: the user's own prices, else litellm's list, else unknown.

The list is read as a file, without importing litellm (16 ms instead of 3 s), and not kept: only the entries
of players in use are. A model that a loopback server plays has no price unless the user gives one, even if
its name is in the list: what it costs its owner is not known here, and it is not zero.
"""

from __future__ import annotations

import importlib.util
from functools import lru_cache
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import discover
from kage_nvim.gateway.pieces import Usage
from kage_nvim.model import Player

WINDOW = 2_000_000
"""Tokens of context of a model that the list does not know: as many as any has."""
LONG_PROMPT = 200_000
"""Above this many tokens of input some providers charge more for the whole call."""
_LIST = "model_prices_and_context_window_backup.json"
_LONG = "_above_200k_tokens"


class Price(msgspec.Struct, frozen=True, kw_only=True):
    """US dollars for one token. ``long`` holds instead when the prompt is long."""

    fresh: float
    cached: float
    written: float
    out: float
    long: Price | None = None

    def cost(self, usage: Usage) -> float:
        """US dollars for a call."""
        price = self.long if self.long and usage.tokens_in > LONG_PROMPT else self
        fresh = max(usage.tokens_in - usage.tokens_cached - usage.tokens_written, 0)
        return (
            fresh * price.fresh
            + usage.tokens_cached * price.cached
            + usage.tokens_written * price.written
            + usage.tokens_out * price.out
        )

    @property
    def dearest_in(self) -> float:
        """The most that a token of input can cost: what a reservation counts with."""
        own = max(self.fresh, self.written)
        return max(own, self.long.dearest_in) if self.long else own

    @property
    def dearest_out(self) -> float:
        """The most that a token of output can cost."""
        return max(self.out, self.long.dearest_out) if self.long else self.out


def price_of(player: Player) -> Price | None:
    """The player's price; ``None`` when it is not known."""
    listed = None
    if player.model and not (player.api_base and discover.is_loopback(player.api_base)):
        listed = _listed(player.model)
    if player.price_in is None and player.price_out is None and player.price_cached is None:
        return listed
    million = 1_000_000
    fresh = listed.fresh if listed else None
    fresh = player.price_in / million if player.price_in is not None else fresh
    out = listed.out if listed else None
    out = player.price_out / million if player.price_out is not None else out
    if fresh is None or out is None:
        return None
    cached = player.price_cached / million if player.price_cached is not None else fresh
    return Price(fresh=fresh, cached=cached, written=fresh, out=out)


@lru_cache(maxsize=256)
def window(model: str) -> int:
    """Tokens of context that a model has."""
    listed = _entry(model).get("max_input_tokens")
    return listed if isinstance(listed, int) and listed > 0 else WINDOW


def window_of(player: Player) -> int:
    """What the user says of a player's window, else the list; 0 when neither does."""
    listed = window(player.model or "")
    return player.window or (listed if listed != WINDOW else 0)


@lru_cache(maxsize=256)
def longest(model: str) -> int:
    """Tokens of output that a model can give; as many as any when it is not listed."""
    listed = _entry(model).get("max_output_tokens")
    return listed if isinstance(listed, int) and listed > 0 else WINDOW


@lru_cache(maxsize=256)
def _listed(model: str) -> Price | None:
    entry = _entry(model)
    if entry.get("input_cost_per_token") is None or entry.get("output_cost_per_token") is None:
        return None
    usual = _price(entry)
    long = _price({**entry, **_long_prices(entry)})
    return msgspec.structs.replace(usual, long=long) if long != usual else usual


def _long_prices(entry: dict[str, Any]) -> dict[str, Any]:
    return {name.removesuffix(_LONG): value for name, value in entry.items() if name.endswith(_LONG)}


def _price(entry: dict[str, Any]) -> Price:
    fresh = entry["input_cost_per_token"]
    return Price(
        fresh=fresh,
        cached=entry.get("cache_read_input_token_cost") or fresh,
        written=entry.get("cache_creation_input_token_cost") or fresh,
        out=entry["output_cost_per_token"],
    )


def _entry(model: str) -> dict[str, Any]:
    """The list's entry for a model under its full name, or under its short one at the same provider."""
    listed = _read_list()
    provider, _, short = model.partition("/")
    if model in listed:
        return listed[model]
    found = listed.get(short, {})
    return found if found.get("litellm_provider") == provider else {}


def _read_list() -> dict[str, dict[str, Any]]:
    spec = importlib.util.find_spec("litellm")
    if spec is None or spec.origin is None:
        return {}
    try:
        text = (Path(spec.origin).parent / _LIST).read_bytes()
        listed: dict[str, dict[str, Any]] = msgspec.json.decode(text)
    except (OSError, msgspec.DecodeError):
        return {}
    return listed
