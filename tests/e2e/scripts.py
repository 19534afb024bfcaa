"""What the tests' models answer."""

from __future__ import annotations

from tests.fixtures.model_server import Reply

FIX = [
    Reply("I look first.", tool_calls=[("read", {"path": "calc.py"})]),
    Reply(tool_calls=[("edit", {"path": "calc.py", "old": "return a - b", "new": "return a + b"})]),
    Reply(tool_calls=[("shell", {"command": "python3 -c 'import calc; print(calc.add(2, 3))'"})]),
    Reply(tool_calls=[("finish", {"summary": "add() adds now."})]),
]
"""Mends ``calc.add`` of the tests' repository in four calls."""
