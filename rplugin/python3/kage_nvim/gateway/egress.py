"""The way of a call's bytes: neither a redirect nor a proxy may carry them elsewhere than was decided."""

from __future__ import annotations

import os
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from kage_nvim import discover

OWN_NAMES = ("localhost", "127.0.0.1", "::1")


def keep_straight() -> None:
    """Once, before any client is made: no redirect is followed, none of this machine's names has a proxy."""
    import httpx

    past_proxies(*OWN_NAMES)
    if bundle := os.environ.get("REQUESTS_CA_BUNDLE"):  # the name by which the most programs know it
        os.environ.setdefault("SSL_CERT_DIR" if Path(bundle).is_dir() else "SSL_CERT_FILE", bundle)
    # Client libraries ask for redirects in many places; they all send through here.
    httpx.AsyncClient.send = _straight(httpx.AsyncClient.send)  # type: ignore


def past_proxies(*hosts: str) -> bool:
    """Let no proxy of the environment be used for these hosts; true when that is news."""
    known = os.environ.get("no_proxy") or os.environ.get("NO_PROXY") or ""
    listed = [name.strip() for name in known.split(",") if name.strip()]
    news = [host for host in hosts if host not in listed and "*" not in listed]
    if news or "NO_PROXY" not in os.environ:
        os.environ["no_proxy"] = os.environ["NO_PROXY"] = ",".join([*listed, *news])
    return bool(news)


def local_host(api_base: str | None) -> str | None:
    """The host of an address on this machine; ``None`` for any other."""
    return urlsplit(api_base).hostname if api_base and discover.is_loopback(api_base) else None


def _straight(send: Callable[..., Awaitable[Any]]) -> Callable[..., Awaitable[Any]]:
    async def straight(self: Any, request: Any, **how: Any) -> Any:
        return await send(self, request, **{**how, "follow_redirects": False})

    return straight
