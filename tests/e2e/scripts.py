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

NOTED = [
    Reply("Let me look around first.", tool_calls=[("search", {"pattern": "def"})]),
    Reply(
        tool_calls=[
            ("edit", {"path": "calc.py", "old": "return a - b", "new": '"""Sum."""\n    return b + a'}),
            ("write", {"path": "NOTES.md", "content": "# Notes\nadd adds\n"}),
        ]
    ),
    Reply(tool_calls=[("finish", {"summary": "add() adds now; noted."})]),
]
"""Mends it otherwise, and adds a file."""
