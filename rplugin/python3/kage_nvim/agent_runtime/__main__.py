"""``python -m kage_nvim.agent_runtime``: the command that every pane runs.

A person waits for an agent's first word, and eight agents may start on two cores; so what it does not need is
not loaded: its only connections are unix sockets, and asyncio works without ``ssl``.
"""

from __future__ import annotations

import gc
import sys
from typing import Any

gc.set_threshold(50_000)  # what is imported is no garbage; looking through it is a tenth of the start

modules: dict[str, Any] = sys.modules
modules["ssl"] = None
import asyncio  # noqa: E402, F401

del modules["ssl"]

from kage_nvim.agent_runtime.runner import main  # noqa: E402

sys.exit(main(sys.argv[1:]))
