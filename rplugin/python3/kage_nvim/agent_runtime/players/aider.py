"""aider: it prints text, and its exit code is 0 whatever happened.

What it does not tell: the end. A line of token counts ends each answer, and what it prints after it says
whether another round follows; so *done* is known with the last answer, a moment before it exits. It edits
files that it was not given too: each that an answer names is added to the chat, and each that an edit names
may be edited, for ``--yes-always`` says yes to both. Its window for retries is 60 s and cannot be set.
"""

from kage_nvim.agent_runtime.screens.aider import RULES
from kage_nvim.description import Description, EventRule

OPTIONS = [
    *("--model", "openai/{model}", "--edit-format", "diff"),
    *("--yes-always", "--no-pretty", "--no-fancy-input", "--no-suggest-shell-commands", "--no-detect-urls"),
    *("--no-auto-commits", "--no-dirty-commits", "--no-gitignore"),
    *("--no-check-update", "--no-show-release-notes", "--no-show-model-warnings", "--analytics-disable"),
    *("--chat-history-file", "{state}/chat.md", "--input-history-file", "{state}/input"),
]
# Its cache of symbols can only lie in the worktree; what it leaves when it is killed is litter.
TIDY = 'trap : INT TERM; aider "$@"; code=$?; rm -rf .aider.tags.cache.v*; exit $code'
# As litellm words it: litellm.AuthenticationError: AuthenticationError: OpenAIException - the server's words.
ERROR = r"~^(?:.* )?litellm\.(?=\w+(?:Error|Timeout): )(?:\w+: )*(?:\w+Exception - )?(?P<why>.*)"

SCREEN = [
    word for word in OPTIONS if word not in ("--yes-always", "--no-pretty", "--no-suggest-shell-commands")
]

CLI = Description(
    name="aider",
    title="aider",
    program="aider",
    install="pipx install aider-chat",
    wire="chat",
    provider="openai",
    model="gpt-5.6-terra",
    oneshot=["sh", "-c", TIDY, "aider", *OPTIONS, "--message-file", "{task_file}"],
    resume=["sh", "-c", TIDY, "aider", *OPTIONS, "--restore-chat-history", "--message={message}"],
    env={
        "OPENAI_API_KEY": "{token}",
        "OPENAI_API_BASE": "{base_url}/v1",
        # Without these litellm and aider each wait for a list of prices from the network.
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        # Compiled files are read where it is installed: to make them anew takes longer than a short task.
        "PYTHONPYCACHEPREFIX": "",
        "PYTHONDONTWRITEBYTECODE": "1",
        "COLUMNS": "2000",
    },
    files={".aider/caches/model_prices_and_context_window.json": '{"kage": {}}'},
    events=[
        # It has one conversation, in its history file, without a name.
        EventRule(kind="session", when={"line": r"~^Aider v\d"}, fields={"id": "=chat"}),
        EventRule(kind="working", when={"line": r"~^Repo-map: "}),
        EventRule(kind="result", when={"line": r"~^(?P<what>Applied edit to .*)"}, fields={"text": "?what"}),
        # What comes after the token counts of an answer when another round follows.
        EventRule(
            kind="working",
            when={
                "line": r"~^(?P<what>The LLM did not conform to the edit format\.|Add file to the chat\?.*"
                r"|Attempt to fix (?:lint|test) errors\?.*)"
            },
            fields={"text": "?what"},
        ),
        EventRule(
            kind="usage",
            when={"line": r"~^Tokens: (?P<in>[\d.,]+[kM]?) sent,.*?(?P<out>[\d.,]+[kM]?) received"},
            fields={"tokens_in": "?in", "tokens_out": "?out"},
        ),
        EventRule(
            kind="usage",
            when={"line": r"~^Tokens: .* Cost: (?P<cost>\$[\d.]+) message"},
            fields={"cost_usd": "?cost"},
        ),
        EventRule(kind="done", when={"line": r"~^Tokens: [\d.,]+[kM]? sent,.* [1-9][\d.,]*[kM]? received"}),
        EventRule(
            kind="retrying",
            when={"line": r"~^(?P<what>Retrying in [\d.]+ seconds)"},
            fields={"text": "?what"},
        ),
        EventRule(kind="failed", when={"line": ERROR}, fields={"text": "?why"}),
        EventRule(
            kind="failed",
            when={
                "line": r"~^(?P<why>Empty response received from LLM\..*|Model .* has hit a token limit!"
                r"|Only \d+ reflections allowed, stopping\.)"
            },
            fields={"text": "?why"},
        ),
        EventRule(kind="interrupted", when={"line": r"~^\^C (?:again to exit|KeyboardInterrupt)"}),
    ],
    screens=RULES,
    litter=[".aider.tags.cache.v*", ".aider.*.history*"],
    allow=["--yes-always"],
    interactive=["aider", "{permissions}", *SCREEN],
    interrupt_keys="\x03",
    yes_keys="y\r",
    no_keys="n\r",
)
