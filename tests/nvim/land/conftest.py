"""A Neovim with `kage.diff.land` in it, and land files as kaged would plan them."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.nvim.editor import Editor

STUB = """
kaged = { handlers = {} }
function kaged.request() end
function kaged.handle(method, handler) kaged.handlers[method] = handler end
package.loaded["kage.host"] = kaged
"""


class Lander:
    """Lands bytes in one Neovim through the handlers that kaged calls."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor
        editor.lua("require('kage.diff.land')")

    def open(self, path: Path, *commands: str) -> int:
        """Edit a file, run commands there, and return the buffer's number."""
        self.editor.lua("vim.cmd.edit(vim.fn.fnameescape(...))", str(path))
        for command in commands:
            self.editor.command(command)
        return int(self.editor.lua("return vim.api.nvim_get_current_buf()"))

    def file(self, path: Path, new: bytes | None, **changes: Any) -> dict[str, Any]:
        """The LandFile that would bring the buffer of that path to ``new``."""
        tick, modified, yours = self.editor.lua(
            """
            local buffer = vim.fn.bufnr(...)
            local bytes = require("kage.diff.text.bytes")
            local doc = bytes.document(buffer)
            local text = bytes.encode(doc, bytes.format(buffer, doc))
            local tick = vim.api.nvim_buf_get_changedtick(buffer)
            return { tick, vim.bo[buffer].modified, vim.base64.encode(text) }
            """,
            str(path),
        )
        found = {
            "path": str(path),
            "tick": tick,
            "disk_sha256": hashlib.sha256(path.read_bytes()).hexdigest() if path.exists() else None,
            "yours_b64": yours,
            "new_b64": base64.b64encode(new).decode() if new is not None else None,
            "mode": "100755" if path.exists() and path.stat().st_mode & 0o100 else "100644",
            "conflicts": [],
            "write": not modified,
        }
        found.update(changes)
        return {key: value for key, value in found.items() if value is not None}

    def ask(self, method: str, *files: dict[str, Any]) -> tuple[Any, Any]:
        """What a handler replies: (error, result)."""
        error, result = self.editor.lua(
            """
            local method, files = ...
            local answer
            kaged.handlers[method]({ landing = 1, files = files }, function(err, result)
              answer = { err or false, result or false }
            end)
            return answer
            """,
            method,
            list(files),
        )
        return error, result

    def land(self, *files: dict[str, Any]) -> Any:
        """Prepare and apply; the result. An error fails the test."""
        error, _ = self.ask("land.prepare", *files)
        assert not error, error
        error, result = self.ask("land.apply", *files)
        assert not error, error
        return result["files"]

    def refusal(self, *files: dict[str, Any]) -> str:
        """Both handlers refuse these files; the reason for the first."""
        found = []
        for method in ("land.prepare", "land.apply"):
            error, _ = self.ask(method, *files)
            assert error and error["code"] == "changed", error
            found.append(error["data"]["refused"][0]["why"])
        assert found[0] == found[1]
        return str(found[0])

    def bytes(self, path: Path) -> bytes:
        """What `:write` would make of the buffer."""
        target = path.parent / "written.out"
        self.editor.lua(
            """
            local path, target = ...
            local buffer = vim.fn.bufnr(path)
            vim.bo[buffer].fixendofline = false
            vim.api.nvim_buf_call(buffer, function()
              vim.cmd("silent noautocmd keepalt write! " .. vim.fn.fnameescape(target))
            end)
            """,
            str(path),
            str(target),
        )
        found = target.read_bytes()
        target.unlink()
        return found

    def options(self, path: Path) -> dict[str, Any]:
        """The buffer's options that belong to its bytes, and 'modified'."""
        return dict(
            self.editor.lua(
                """
                local found = {}
                for _, name in ipairs({ "fileformat", "fileencoding", "bomb", "endofline", "fixendofline",
                                        "modified", "binary" }) do
                  found[name] = vim.bo[vim.fn.bufnr(...)][name]
                end
                return found
                """,
                str(path),
            )
        )


@pytest.fixture
def lander(start_nvim: Callable[..., Editor]) -> Lander:
    """A Neovim that lands."""
    return Lander(start_nvim(init=STUB))
