"""Codex, of OpenAI: ``codex exec`` with its events as JSON lines.

What it does not tell: after a steer (``exec resume``) its usage counts the whole conversation again; of a
server's failure it says only that demand is high; interrupted, it just ends.
"""

import json

from kage_nvim.agent_runtime.screens.codex import RULES
from kage_nvim.description import Description, EventRule

PROVIDER = (
    '{name="Kage",base_url="{base_url}/v1",env_key="KAGE_TOKEN",wire_api="responses",'
    # The gateway retries by itself; codex's own five retries only make a failure late.
    "request_max_retries=1,stream_max_retries=2}"
)
OPTIONS = [
    *("--json", "--skip-git-repo-check", "-m", "{model}", "{routed}"),
    # Its own sandbox cannot be built inside Kage's, and nobody is there to approve anything.
    "--dangerously-bypass-approvals-and-sandbox",
    *("-c", "allow_login_shell=false", "-c", "notify=[]"),
    *("-c", "check_for_update_on_startup=false", "-c", "analytics.enabled=false"),
]
TOOLS = ["command_execution", "file_change", "mcp_tool_call", "web_search", "collab_tool_call"]

# Settings for its own screen: the worktree is trusted, and no notice about a new version is in the way.
CONFIG = "\n".join(
    [
        "check_for_update_on_startup = false",
        "[analytics]",
        "enabled = false",
        f"[projects.{json.dumps('{worktree}')}]",
        'trust_level = "trusted"',
        "",
    ]
)

SCREEN = [
    *("-m", "{model}", "{routed}", "-c", "allow_login_shell=false"),
    "{permissions}",
]

CLI = Description(
    name="codex",
    title="Codex",
    program="codex",
    install="npm install -g @openai/codex",
    wire="responses",
    provider="openai",
    model="gpt-5.6-terra",
    oneshot=["codex", "exec", *OPTIONS, "-"],
    resume=["codex", "exec", "resume", *OPTIONS, "{session}", "-"],
    routed=["-c", f"model_providers.kage={PROVIDER}", "-c", "model_provider=kage"],
    prompt="stdin",
    env={"KAGE_TOKEN": "{token}", "CODEX_HOME": "{home}/.codex"},
    files={".codex/config.toml": CONFIG},
    login=[".codex/auth.json", ".codex/config.toml"],
    hosts=["chatgpt.com", "auth.openai.com", "api.openai.com"],
    events=[
        EventRule(kind="session", when={"type": "thread.started"}, fields={"id": "thread_id"}),
        EventRule(kind="working", when={"type": "turn.started"}),
        EventRule(
            kind="text",
            when={"type": "item.completed", "item.type": "agent_message"},
            fields={"text": "item.text"},
        ),
        EventRule(
            kind="working",
            when={"type": "item.completed", "item.type": "reasoning"},
            fields={"text": "item.text"},
        ),
        EventRule(
            kind="tool",
            when={"type": "item.started", "item.type": TOOLS},
            fields={"id": "item.id", "name": "item.type", "args": "item"},
        ),
        EventRule(
            kind="result",
            when={"type": "item.completed", "item.type": "command_execution"},
            fields={"id": "item.id", "text": "item.aggregated_output", "ok": "!item.exit_code"},
        ),
        EventRule(
            kind="result",
            when={
                "type": "item.completed",
                "item.type": [name for name in TOOLS if name != "command_execution"],
            },
            fields={"id": "item.id", "text": "item.error.message+item.status", "ok": "!item.error"},
        ),
        EventRule(kind="working", when={"type": ["item.started", "item.updated"], "item.type": "todo_list"}),
        EventRule(
            kind="retrying",
            when={"type": "error", "message": r"~^Reconnecting\.\.\. \d+/\d+ ?\(?(?P<why>.*?)\)?$"},
            fields={"text": "?why"},
        ),
        EventRule(
            kind="usage",
            when={"type": "turn.completed"},
            fields={
                "tokens_in": "usage.input_tokens",
                "tokens_cached": "usage.cached_input_tokens",
                "tokens_out": "usage.output_tokens",
            },
        ),
        EventRule(kind="done", when={"type": "turn.completed"}),
        # A refusal's body comes as it was sent: its message is taken out of the JSON.
        EventRule(
            kind="failed",
            when={"type": "turn.failed", "error.message": r'~^\{.*?"message": ?"(?P<why>(?:[^"\\]|\\.)*)"'},
            fields={"text": "?why"},
        ),
        EventRule(
            kind="failed",
            when={"type": "turn.failed", "error.message": r"~^(?!\{)"},
            fields={"text": "error.message"},
        ),
    ],
    screens=RULES,
    allow=["--dangerously-bypass-approvals-and-sandbox"],
    # It asks before what it takes for dangerous; its own sandbox cannot be built inside Kage's.
    ask=["--sandbox", "danger-full-access", "--ask-for-approval", "on-request"],
    interactive=["codex", *SCREEN, "{task}"],
    resume_interactive=["codex", "resume", "--last", *SCREEN],
)
