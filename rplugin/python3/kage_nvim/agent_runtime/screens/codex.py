# ruff: noqa: RUF001  (the signs that the program draws, and lines as it draws them)
"""Codex. A bullet in the first column begins what it says or does, a square an error; a line with the seconds
stands above the input box while it works, but not while it answers."""

from kage_nvim.description import ScreenRule

MENU = [r"^\s*[›❯▌>]", r"^\s*[›❯▌>]\s*\d+\."]
SAID = r"^([•■✔✗⚠✘]|[›▌] )"
BOX = r"^\s*[›▌](\s|$)"
NEWEST = r"^([•■✗✘]|[›▌] (?!Ask Codex|Explain |Find |Write |Improve |Implement |Summarize |Use |Run ))"

WORKED = r"^[─\s]*Worked for [<\d]"

RULES = [
    ScreenRule(
        state="waiting",
        waiting="trust",
        reason="trust prompt",
        any=[
            r"Trust this folder\?",
            r"trust (the contents of )?this (folder|directory)",
            r"Trust and continue",
        ],
        last=MENU,
        lines=24,
    ),
    ScreenRule(
        state="waiting",
        waiting="permission",
        reason="permission prompt",
        any=[
            r"^\s*Would you like to (run|make|grant|allow|apply)",
            r"^\s*Do you want to (approve|allow|run|make|grant)",
            r"Press enter to confirm or esc to cancel",
            r"^\s*Allow ",
        ],
        last=MENU,
        lines=24,
    ),
    ScreenRule(
        state="waiting",
        waiting="question",
        reason="question",
        any=[r"enter to submit", r"^\s*Question \d+/\d+", r"tab to add notes"],
        last=MENU,
        lines=24,
    ),
    ScreenRule(
        state="working",
        reason="retrying",
        all=[r"^\s*[•◦] (Reconnecting|Retrying).*\(.*esc to interrupt\)"],
        lines=16,
    ),
    ScreenRule(state="working", all=[r"^[•◦] .*\((\d+h )?(\d+m )?\d+s • esc to interrupt\)"], lines=20),
    ScreenRule(state="working", title=True, all=[r"^[⠀-⣿] "]),
    ScreenRule(
        state="interrupted",
        reason="interrupted",
        last=[NEWEST, r"^■ (Conversation interrupted|Turn aborted|.*[Ii]nterrupted)"],
        lines=60,
    ),
    ScreenRule(state="failed", reason="the API failed", last=[NEWEST, r"^[■✗✘] "], lines=60),
    ScreenRule(state="stopped", all=[r"^\s*codex resume [0-9a-f-]{8,}"], lines=4),
    ScreenRule(
        state="working",
        reason="answering",
        all=[BOX, r"^  (← for agents|\? for shortcuts)"],
        last=[rf"{NEWEST}|{WORKED}", r"^•"],
        lines=60,
    ),
    # Of a long answer that goes on, the first line has left the screen.
    ScreenRule(
        state="working",
        reason="answering",
        all=[BOX, r"^  (← for agents|\? for shortcuts)"],
        none=[r"^[•■✗✘]", WORKED, r"OpenAI Codex"],
        lines=60,
    ),
    ScreenRule(state="done", reason="idle after an answer", all=[BOX], any=[r"^•", WORKED], lines=60),
    ScreenRule(
        state="starting",
        reason="ready for a task",
        all=[BOX],
        any=[r"OpenAI Codex", r"\? for shortcuts", r"context left"],
        lines=40,
    ),
    ScreenRule(state="starting", reason="drawing", any=[r"OpenAI Codex"], lines=40),
    ScreenRule(state="done", reason="idle", all=[BOX], lines=12),
]
