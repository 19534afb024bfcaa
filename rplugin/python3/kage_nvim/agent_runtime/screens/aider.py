"""aider. It prints like a shell: what counts is the last line, and the newest thing above its prompt."""

from kage_nvim.description import ScreenRule

PROMPT = r"^([a-z-]+ ?)?(multi ?)?>( |$)"
ASKS = r"\(Y\)es/\(N\)o|\(y/n\)"
FAILED = (
    r"^(litellm\.|Retrying in|APIConnectionError|The API provider|.*(BadRequest|Authentication|APIConnection"
    r"|InternalServer|RateLimit|NotFound|Timeout|ServiceUnavailable|PermissionDenied|ContextWindow)\w*Error)"
)
NEWEST = rf"{FAILED}|^\^C|^Tokens: |^Applied edit|^Commit "

RULES = [
    ScreenRule(state="stopped", last=[r"\S", r"^([a-z-]+ ?)?> /(exit|quit)"], lines=1),
    ScreenRule(
        state="waiting",
        waiting="question",
        reason="question",
        all=[ASKS],
        any=[
            r"see what's new|[Aa]dd .* to the chat|Open |Create new file|\.gitignore|Attempt to fix|add .*URL"
        ],
        last=[rf"{ASKS}|{PROMPT}", ASKS],
        lines=3,
    ),
    ScreenRule(
        state="waiting",
        waiting="permission",
        reason="permission prompt",
        last=[rf"{ASKS}|{PROMPT}|^Running |^Tokens: ", ASKS],
        lines=3,
    ),
    ScreenRule(state="working", reason="retrying", last=[r"\S", r"^Retrying in [\d.]+ seconds"], lines=1),
    ScreenRule(
        state="working", all=[r"^\s*[░█▓▒ ]+\s+(Waiting for|Updating|Summarizing|Generating)"], lines=2
    ),
    # Its prompt is the last line when it has nothing to do.
    ScreenRule(state="working", any=[r"^([a-z-]+ ?)?> \S"], last=[r"\S", rf"^(?!{PROMPT[1:]})"], lines=60),
    ScreenRule(
        state="interrupted",
        reason="interrupted",
        all=[PROMPT],
        last=[rf"{NEWEST}|^\^C|KeyboardInterrupt", r"^\^C|KeyboardInterrupt"],
        lines=40,
    ),
    ScreenRule(state="failed", reason="the API failed", all=[PROMPT], last=[NEWEST, FAILED], lines=40),
    ScreenRule(
        state="done",
        reason="idle after an answer",
        all=[PROMPT],
        last=[NEWEST, r"^Tokens|^Applied|^Commit"],
        lines=60,
    ),
    ScreenRule(
        state="starting",
        reason="ready for a task",
        all=[PROMPT],
        any=[r"^Aider v\d", r"^Repo-map:"],
        lines=60,
    ),
    ScreenRule(state="starting", reason="drawing", any=[r"^Aider v\d", r"^Repo-map:"], lines=60),
    ScreenRule(state="done", reason="idle", all=[PROMPT], lines=3),
]
