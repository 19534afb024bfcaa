"""One invocation of ``kage``: what its verbs share."""

from __future__ import annotations

import argparse
import json
from typing import Any

from kage_nvim.cli.words import here
from kage_nvim.client import Client


class Shell:
    """One invocation: a connection and the arguments."""

    def __init__(self, client: Client, given: argparse.Namespace) -> None:
        self.client = client
        self.given = given

    async def ask(self, method: str, **params: Any) -> Any:
        """Ask kaged about the repository around the current folder."""
        place = {"cwd": here(), "run": getattr(self.given, "run", None)}
        return await self.client.request(method, place | params)

    def show(self, answer: Any, text: str) -> None:
        """Print the answer as JSON when asked for, else as text."""
        if getattr(self.given, "json", False):
            print(json.dumps(answer, ensure_ascii=False, indent=2))
        elif text:
            print(text)
