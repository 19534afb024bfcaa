# ruff: noqa: E501  (the signs that the program draws, and lines as it draws them)
"""mini-swe-agent. A running command looks like the question before it, but for the question's own last lines."""

from kage_nvim.description import ScreenRule

STEP = r"^mini-swe-agent \(step \d+"

RULES = [
    ScreenRule(
        state="done",
        reason="it wants to finish",
        all=[r"^Agent wants to finish"],
        lines=4,
    ),
    ScreenRule(
        state="waiting",
        waiting="permission",
        reason="permission prompt",
        all=[r"^Execute( \d+ action\(s\))?\?|Enter to confirm, type comment to reject"],
        lines=5,
    ),
    ScreenRule(
        state="interrupted",
        reason="interrupted",
        any=[r"^Interrupted\b", r"Interrupted\. .*comment", r"Type a comment/command"],
        lines=5,
    ),
    ScreenRule(state="working", all=[r"Waiting for the LM to respond"], lines=3),
    ScreenRule(state="done", reason="submitted", all=[r"^Submitted\s*$", r"^Exit:"], lines=14),
    ScreenRule(
        state="failed",
        reason="ended without submitting",
        any=[r"^(RepeatedFormatError|LimitsExceeded|\w+Error)\s*$", r"^Traceback \(most recent call last\)"],
        lines=12,
    ),
    ScreenRule(
        state="working",
        last=[rf"{STEP}|^User:|^Observation:|^Exit:", r"^mini-swe-agent|^Observation|^User"],
        lines=60,
    ),
    ScreenRule(
        state="starting",
        reason="drawing",
        any=[r"This is mini-swe-agent", r"Building agent config"],
        lines=40,
    ),
]
