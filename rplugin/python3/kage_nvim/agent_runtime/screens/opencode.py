"""opencode. The line under a turn says how it stands: with a time it has ended."""

from kage_nvim.description import ScreenRule

TURN = r"^\s*▣ "
FOOT = r"ctrl\+p\b"
BODY = r"^\s*┃\s+(?!.* · |.*┃\s+┃)\S|^\s{4,5}(?!.*(commands|interrupt))[^\s▣┃╹█▀■⬝]"
"""A turn's own lines: a framed one is the user's or an error, since calls and answers have no frame."""

RULES = [
    ScreenRule(
        state="waiting",
        waiting="permission",
        reason="permission prompt",
        any=[
            r"^\s*┃?\s*△ Permission required",
            r"^\s*┃?\s*△ (Reject|Always allow)",
            r"Allow once\s+Allow always",
        ],
        lines=14,
    ),
    ScreenRule(
        state="waiting",
        waiting="question",
        reason="question",
        all=[r"enter (submit|confirm|toggle)\s+esc dismiss"],
        lines=4,
    ),
    ScreenRule(
        state="working",
        reason="retrying",
        all=[r"esc (again to )?interrupt"],
        any=[r"[Rr]etry", r"attempt #?\d"],
        lines=3,
    ),
    ScreenRule(
        state="working", all=[r"^\s*[■⬝⬩▪]{4,}\s+esc\b|^\s*[⠀-⣿]?\s*esc (again to )?(to )?interrupt"], lines=3
    ),
    ScreenRule(state="interrupted", reason="interrupted", last=[TURN, r"· interrupted"], lines=60),
    ScreenRule(state="stopped", all=[r"^\s*(Continue|opencode)\s+(opencode )?(-s|--session) ses_"], lines=6),
    ScreenRule(state="starting", reason="ready for a task", all=[r"Ask anything"], none=[TURN], lines=40),
    ScreenRule(
        state="done",
        reason="idle after an answer",
        last=[TURN, r"· \d[\d.ms h]*?(\s*│.*|\s{2,}.*)?$"],
        lines=60,
    ),
    ScreenRule(state="failed", reason="the API failed", all=[TURN, FOOT], last=[BODY, r"^\s*┃"], lines=60),
    ScreenRule(state="interrupted", reason="a request was rejected", all=[TURN, FOOT], lines=60),
    ScreenRule(state="done", reason="idle, a menu is open", all=[r"^\s*┃\s+/\S+\s{2,}\S"], lines=40),
]
