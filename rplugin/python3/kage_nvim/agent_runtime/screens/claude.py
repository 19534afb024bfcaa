# ruff: noqa: RUF001, E501  (the signs that the program draws, and lines as it draws them)
"""Claude Code. Its menus mark an option with the sign that the input box begins with, so the newest such line
tells whether it asks."""

from kage_nvim.description import ScreenRule

MENU = [r"^[\s│]*[❯>](\s|$)", r"[❯>]\s*\d+\."]
SAID = r"^(●|⏺|\s*⎿\s)"
"""The first column of the transcript: the agent's words and calls, the user's words, results."""
BOX = r"^[\s│]*[❯>](\s|$)"
FOOT = r"^\s*(\? for shortcuts|⏵⏵|⏸|! for bash|.*(← for agents|shift\+tab to cycle|ctrl\+t to))"

RULES = [
    ScreenRule(
        state="waiting",
        waiting="trust",
        reason="trust prompt",
        any=[r"Quick safety check", r"trust th(is|e files in this) folder", r"Do you trust"],
        last=MENU,
        lines=24,
    ),
    ScreenRule(
        state="waiting",
        waiting="question",
        reason="question",
        any=[r"^\s*Enter to select", r"Type something\.?\s*$", r"^\s*Ready to submit your answers"],
        last=MENU,
        lines=24,
    ),
    ScreenRule(
        state="waiting",
        waiting="permission",
        reason="permission prompt",
        any=[r"Do you want to", r"Would you like to", r"Esc to (cancel|exit|reject)", r"tell Claude"],
        last=MENU,
        lines=16,
    ),
    ScreenRule(state="working", reason="retrying", all=[r"^[·✢✳✶✻✽∗*] .*Retrying in"], lines=24),
    ScreenRule(state="working", all=[r"^[·✢✳✶✻✽∗*] \S.*(…|\.\.\.)( \(.*|\s*$)"], lines=24),
    ScreenRule(state="working", all=[r"^\s{0,4}(.*[·(] ?)?esc to interrupt"], lines=3),
    ScreenRule(
        state="interrupted",
        reason="interrupted",
        last=[
            SAID,
            r"Interrupted\s+(·|by user)|User rejected|\[Request interrupted|Interrupted\s*$|declined to answer",
        ],
        lines=40,
    ),
    ScreenRule(
        state="failed",
        reason="the API failed",
        last=[
            SAID,
            r"^(●|⏺|\s*⎿)\s*(API Error|.*Please run /login|Unable to connect|Credit balance|.*API key"
            r"|Prompt is too long|.*usage limit|.*(hit|reached) your .*limit)",
        ],
        lines=40,
    ),
    ScreenRule(state="stopped", all=[r"^claude --resume [0-9a-f-]{8,}"], lines=4),
    ScreenRule(
        state="done",
        reason="idle after an answer",
        all=[BOX],
        any=[r"^(●|⏺) ", r"^[·✢✳✶✻✽∗*] \S+ for \d"],
        lines=60,
    ),
    ScreenRule(
        state="starting", reason="ready for a task", all=[BOX], any=[FOOT, r"Welcome", r"Try \""], lines=40
    ),
    ScreenRule(state="starting", reason="drawing", any=[r"Claude Code v\d"], lines=40),
]
