# ruff: noqa: RUF001  (the signs that the program draws, and lines as it draws them)
"""Qwen Code, once Gemini CLI. A question keeps a spinner under it, so questions are looked for first."""

from kage_nvim.agent_runtime.screens.gemini import BOX, at_rest
from kage_nvim.description import ScreenRule

MENU = r"^\s*> /|^\s*\(\d+/\d+\)\s*$"
IDLE = rf"{BOX}|{MENU}|^\s*(\? for shortcuts|YOLO mode|.*\(shift\+tab to cycle\)|Press Esc again)"
NEWEST = r"^\s{0,3}([✦✕✖]|[●ℹ⚠] |│ [✓x✗?⊷⊶o-]  ?)"
"""What it says and does; a line of the user's looks like one that is typed and not sent yet."""
SPINNER = r"^\s{0,2}[⠁-⣿] ?\S"
LIVE = [rf"{SPINNER}|{NEWEST}", SPINNER]

BANNER = r">_ Qwen Code \(v|^\s*Tips: "

RULES = [
    ScreenRule(
        state="waiting",
        waiting="trust",
        reason="trust prompt",
        all=[r"^[\s│]*[●›>]\s*\d+\."],
        any=[r"Do you trust (the files in )?this folder"],
        none=[BOX],
        lines=16,
    ),
    ScreenRule(
        state="waiting",
        waiting="question",
        reason="question",
        any=[r"Enter to (select|submit|confirm).*Esc", r"Type something"],
        none=[BOX, SPINNER],
        lines=16,
    ),
    ScreenRule(
        state="waiting",
        waiting="permission",
        reason="permission prompt",
        all=[r"^[\s│]*[●›>]\s*\d+\."],
        any=[
            r"^[\s│]*(Allow execution|Apply this change|Do you want to|Would you like)",
            r"^[\s│]*\d\. No, (suggest|keep)",
            r"Waiting for user confirmation",
        ],
        none=[BOX],
        lines=20,
    ),
    ScreenRule(
        state="waiting",
        waiting="permission",
        reason="permission prompt",
        all=[r"^\s*[⠀-⣿] Waiting for user confirmation"],
        none=[BOX],
        lines=3,
    ),
    ScreenRule(state="working", reason="retrying", last=LIVE, any=[r"[Rr]etry(ing)? (in|attempt)"], lines=10),
    ScreenRule(state="working", last=LIVE, lines=40),
    ScreenRule(
        state="stopped",
        any=[r"To continue this session, run qwen --resume", r"Agent powering down"],
        none=[BOX],
        lines=30,
    ),
    ScreenRule(
        state="interrupted",
        reason="interrupted",
        last=[NEWEST, r"[●ℹ] .*[Rr]equest cancelled|│ -  ?"],
        lines=60,
    ),
    ScreenRule(state="failed", reason="the API failed", last=[NEWEST, r"[✕✖]|\[API Error"], lines=60),
    *at_rest(IDLE, NEWEST, BANNER),
]
