"""``python -m kage_nvim.agent_runtime``: the command that every pane runs."""

from __future__ import annotations

import sys

from kage_nvim.agent_runtime.runner import main

sys.exit(main(sys.argv[1:]))
