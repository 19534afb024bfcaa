"""The model that all CLIs are driven with: it looks at what was said and at the tools that it is offered.

It mends ``calc.add`` with one command, writes NOTES.md when it was told *also write*, sleeps when it was told
*slowly*, and then says that it is done, each CLI in its own way.
"""

from __future__ import annotations

import json
from typing import Any

from tests.fixtures.model_server import Reply

MEND = "sed -i 's/a - b/a + b/' calc.py"
NOTE = "echo noted > NOTES.md"
SLEEP = "nice sleep 60"
"""Some refuse a bare sleep."""
SUBMIT = "echo COMPLETE_TASK_AND_SUBMIT_FINAL_OUTPUT && echo add adds now"
END = "add() adds now."
EDIT = "{file}\n```\n<<<<<<< SEARCH\n{old}=======\n{new}>>>>>>> REPLACE\n```\n"
EDITS = {
    "Fix add": EDIT.format(file="calc.py", old="    return a - b\n", new="    return a + b\n"),
    "also write": EDIT.format(file="NOTES.md", old="", new="noted\n"),
}
SHELLS = ("Bash", "bash", "run_shell_command", "shell", "exec_command", "shell_command")


def play(body: dict[str, Any], headers: dict[str, str]) -> Reply:
    """The next answer."""
    offered = {tool["function"]["name"]: tool["function"] for tool in body.get("tools") or []}
    shell = next((offered[name] for name in SHELLS if name in offered), None)
    messages = body["messages"]
    said = json.dumps([m for m in messages if m["role"] not in ("assistant", "tool")])
    did = json.dumps([m for m in messages if m["role"] == "assistant"])
    if shell is None:
        return Reply(END, delay=60) if "slowly" in said else Reply(written(messages))
    for word, command in (("slowly", SLEEP), ("Fix add", MEND), ("also write", NOTE)):
        if word in said and command[:11] not in did:
            return call(shell, command)
    return call(shell, SUBMIT) if "COMPLETE_TASK_AND_SUBMIT" in said else Reply(END)


def written(messages: list[dict[str, Any]]) -> str:
    """The answer for a CLI without tools, which edits by what answers say; its prompt ends with the task."""
    last = json.dumps([m for m in messages if m["role"] == "user"][-1])
    return "".join([edit for word, edit in EDITS.items() if word in last]) or END


def call(shell: dict[str, Any], command: str) -> Reply:
    """A call of the CLI's own shell tool, with the arguments that its schema asks for."""
    properties = shell["parameters"]["properties"]
    wanted: dict[str, Any] = {}
    for name in {*shell["parameters"].get("required", []), "command", "cmd"} & properties.keys():
        kind = properties[name].get("type")
        if name in ("command", "cmd"):
            wanted[name] = ["sh", "-c", command] if kind == "array" else command
        else:
            wanted[name] = {"boolean": False, "number": 60, "integer": 60}.get(kind, "a command")
    return Reply("I do it.", tool_calls=[(shell["name"], wanted)])
