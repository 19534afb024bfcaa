"""``kage explain --cli``: the rules of a CLI on a recording, without any run."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

from kage_nvim.errors import Exit, usage


def tried(given: argparse.Namespace) -> Exit:
    """Print what the rules say of it."""
    from kage_nvim.agent_runtime import players
    from kage_nvim.agent_runtime.clis import trial
    from kage_nvim.config import load_user

    if not given.events and not given.screen:
        raise usage("--cli needs a recording", "Add --events FILE or --screen FILE.")
    description = players.describe(given.cli, load_user().clis)
    try:
        recorded = Path(given.events or given.screen).read_bytes()
    except OSError as error:
        raise usage(f"{error.filename}: {error.strerror}", "Name a file that you may read.") from error
    if given.events:
        told = trial.of_events(description, recorded)
    else:
        told = trial.of_screen(description, recorded.decode("utf-8", "replace"), given.title)
    if given.json:
        print(json.dumps(told, ensure_ascii=False, indent=2))
    else:
        print("\n".join(f"{name + ':':10}{value}" for name, value in told.items() if value))
    return Exit.DONE
