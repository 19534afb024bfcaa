"""Kage's Python package: the remote plugin, the daemon, the gateway, the agent, the command line.

Agents, kaged and the command line import this package too, and must not pay for pynvim. So the plugin class
comes into being only when someone looks for it in a process that has pynvim: the remote plugin host, which
lists the members of this module.
"""

from __future__ import annotations

import sys
from typing import Any

PLUGIN = "KagePlugin"


def __dir__() -> list[str]:
    return [*globals(), *([PLUGIN] if "pynvim" in sys.modules else [])]


def __getattr__(name: str) -> Any:
    if name == PLUGIN and "pynvim" in sys.modules:
        return globals().setdefault(name, _make_plugin())
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def _make_plugin() -> type:
    import pynvim

    @pynvim.plugin
    class KagePlugin:
        """Two functions that queue and return: a handler that worked would block the next one."""

        def __init__(self, nvim: Any) -> None:
            from kage_nvim.bridge import Bridge

            self._bridge = Bridge(nvim)

        @pynvim.function("KageSend")  # type: ignore[untyped-decorator]
        def send(self, arguments: list[Any]) -> None:
            """``KageSend(id, method, params)``: ask kaged; the answer reaches ``kage.host`` with that id."""
            self._bridge.send(*arguments)

        @pynvim.function("KageReply")  # type: ignore[untyped-decorator]
        def reply(self, arguments: list[Any]) -> None:
            """``KageReply(call, result, error)``: answer what kaged asked; ``error`` is nil or its object."""
            self._bridge.reply(*arguments)

    return KagePlugin
