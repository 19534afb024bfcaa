"""Errors that reach the user: what happened, what was found, what to do, and how a shell should exit."""

from __future__ import annotations

from enum import IntEnum
from typing import Any


class Exit(IntEnum):
    """Exit codes of the ``kage`` command; a protected interface."""

    DONE = 0
    ERROR = 1
    USAGE = 2
    NOTHING = 3
    REFUSED = 4
    AGENT_FAILED = 5
    TIMED_OUT = 124


class KageError(Exception):
    """A failure that the user can act on.

    ``message`` says what happened and what was found, ``fix`` what to do about it, ``code`` is a stable
    word for programs (``no_repository``, ``confirm``, ``conflict``, …), ``exit`` the shell's exit code, and
    ``data`` carries details that a client shows in its own way (a list of conflicts, questions to ask).
    """

    def __init__(
        self,
        message: str,
        *,
        fix: str = "",
        code: str = "error",
        exit: Exit = Exit.ERROR,
        data: dict[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.message = message
        self.fix = fix
        self.code = code
        self.exit = exit
        self.data = data or {}

    def __str__(self) -> str:
        return f"{self.message}\n{self.fix}" if self.fix else self.message

    def to_wire(self) -> dict[str, Any]:
        """The error as it travels to a client: one JSON object."""
        return {
            "code": self.code,
            "message": self.message,
            "fix": self.fix,
            "exit": int(self.exit),
            "data": self.data,
        }

    @classmethod
    def from_wire(cls, wire: dict[str, Any]) -> KageError:
        """The error that ``to_wire`` wrote."""
        return cls(
            wire["message"],
            fix=wire.get("fix", ""),
            code=wire.get("code", "error"),
            exit=Exit(wire.get("exit", 1)),
            data=wire.get("data"),
        )


def usage(message: str, fix: str = "") -> KageError:
    """A command was given words it does not take."""
    return KageError(message, fix=fix, code="usage", exit=Exit.USAGE)


def refused(message: str, fix: str = "", code: str = "refused", **data: Any) -> KageError:
    """Nothing was changed, because going on could have lost something."""
    return KageError(message, fix=fix, code=code, exit=Exit.REFUSED, data=data)
