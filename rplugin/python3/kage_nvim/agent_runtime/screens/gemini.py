# ruff: noqa: RUF001, E501  (the signs that the program draws, and lines as it draws them)
"""Gemini CLI. Its title tells that it asks; that says Ready while it asks for trust, and is not believed then."""

from kage_nvim.description import ScreenRule

NEWEST = r"^\s?(✦|[✕✖] ? ?\S|[ℹ⚠].*([Ff]ailed|API Error|[Cc]ancelled)|│ [✓x✗?-] )"
"""What it says and does; a line of the user's looks like one that is typed and not sent yet."""
BOX = r"^\s*[>!*]\s+(Type your message|Initializing)"
FOOT = r"^\s*(workspace( \(/|  )|Shift\+Tab to |\? for shortcuts|YOLO\b)"
IDLE = rf"{BOX}|^\s*> /|^\s*\(\d+/\d+\)\s*$|{FOOT}"

BANNER = r"Gemini CLI v\d|Tips for getting started|is restarting to apply|^ *[█▝▗▄▀▟▜]{3,}.*[█▝▗▟▜]"


def at_rest(idle: str, newest: str, banner: str) -> list[ScreenRule]:
    """The rules for a screen that waits for a task, the last of a list. ``idle`` is a line that is there only
    then, ``newest`` one of what the program says and does, ``banner`` one that it begins with."""
    return [
        ScreenRule(
            state="done", reason="idle after an answer", all=[idle], last=[newest, r"✦|│ [✓x]"], lines=60
        ),
        ScreenRule(state="starting", reason="ready for a task", all=[idle], any=[banner], lines=60),
        ScreenRule(state="done", reason="idle", all=[idle], lines=12),
    ]


RULES = [
    ScreenRule(
        state="waiting",
        waiting="trust",
        reason="trust prompt",
        all=[r"[●›>]\s*\d+\. .*"],
        any=[r"Do you trust (the files in )?this folder", r"Trust (parent )?folder"],
        none=[BOX],
        lines=16,
    ),
    ScreenRule(
        state="waiting",
        waiting="question",
        reason="question",
        any=[r"Enter to select", r"Enter to submit", r"Enter a custom value", r"Answer Questions?"],
        none=[BOX],
        lines=16,
    ),
    ScreenRule(
        state="waiting",
        waiting="permission",
        reason="permission prompt",
        all=[r"^[\s│]*[●›>]\s*\d+\."],
        any=[
            r"Allow (execution|once|for)",
            r"Apply this change",
            r"Do you want to",
            r"suggest changes",
            r"Waiting for user",
        ],
        none=[BOX],
        lines=16,
    ),
    ScreenRule(
        state="working",
        last=[r"^\s*[⠀-⣿] .*esc to cancel|^✦|^[ℹ✕✖] ", r"^\s*[⠀-⣿] .*esc to cancel"],
        lines=40,
    ),
    ScreenRule(
        state="stopped",
        any=[r"Agent powering down", r"^\s*To resume this session", r"^\s*│?\s*Interaction Summary"],
        none=[BOX],
        lines=30,
    ),
    ScreenRule(
        state="interrupted",
        reason="interrupted",
        last=[NEWEST, r"[Rr]equest cancelled|│ - |[Cc]ancelled"],
        lines=60,
    ),
    ScreenRule(
        state="failed",
        reason="the API failed",
        last=[NEWEST, r"✕|✖|[ℹ⚠].*(request failed|API Error|[Ff]ailed)"],
        lines=60,
    ),
    *at_rest(IDLE, NEWEST, BANNER),
]
