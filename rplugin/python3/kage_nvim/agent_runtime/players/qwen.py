"""Qwen Code, of Alibaba: headless, with its events as JSON lines, like those of Claude Code.

What it does not tell: it calls a turn a success whose model could not be reached; only the last words of its
result, ``[API Error: …]``, say so. Retries are silent.
"""

import json

from kage_nvim.agent_runtime.players.claude import CONTENT
from kage_nvim.agent_runtime.screens.qwen import RULES
from kage_nvim.description import Description, EventRule

SETTINGS = {
    "general": {"enableAutoUpdate": False},
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
    "security": {"folderTrust": {"enabled": False}},
    # Its memory would ask the model once more after each turn.
    "memory": {"enableManagedAutoMemory": False, "enableManagedAutoDream": False},
    # The gateway retries by itself.
    "model": {"generationConfig": {"maxRetries": 1}},
}
OPTIONS = ["--yolo", "-o", "stream-json", "{routed}"]
SCREEN = ["{routed}", "{permissions}", "--json-file", "{state}/events.jsonl"]
API_ERROR = r"\[API Error: (?P<why>[^\n]*)\]\s*$"
SUCCESS = {"type": "result", "subtype": "success", "is_error": False}

CLI = Description(
    name="qwen",
    title="Qwen Code",
    program="qwen",
    install="npm install -g @qwen-code/qwen-code",
    wire="chat",
    provider="dashscope",
    model="qwen3-coder-plus",
    oneshot=["qwen", *OPTIONS],
    resume=["qwen", "--resume", "{session}", *OPTIONS],
    routed=["--auth-type", "openai", "-m", "{model}"],
    prompt="stdin",
    env={
        "OPENAI_API_KEY": "{token}",
        "OPENAI_BASE_URL": "{base_url}/v1",
        "QWEN_CODE_NO_RELAUNCH": "true",
    },
    files={".qwen/settings.json": json.dumps(SETTINGS, indent=2)},
    login=[".qwen/oauth_creds.json", ".qwen/settings.json"],
    hosts=["chat.qwen.ai", "portal.qwen.ai", "dashscope.aliyuncs.com"],
    acp=["qwen", "--acp", "{routed}"],
    events=[
        EventRule(kind="session", when={"type": "system", "subtype": "init"}, fields={"id": "session_id"}),
        EventRule(kind="working", each="message.content", when={"^type": "assistant", "type": "thinking"}),
        *CONTENT,
        EventRule(
            kind="usage",
            when={"type": "result"},
            fields={
                "tokens_in": "usage.input_tokens",
                "tokens_cached": "usage.cache_read_input_tokens",
                "tokens_out": "usage.output_tokens",
            },
        ),
        EventRule(kind="failed", when={**SUCCESS, "result": f"~{API_ERROR}"}, fields={"text": "?why"}),
        EventRule(
            kind="done",
            when={**SUCCESS, "result": r"~^(?!(?:.|\n)*\[API Error: [^\n]*\]\s*$)"},
            fields={"text": "result"},
        ),
        EventRule(
            kind="failed",
            when={"type": "result", "is_error": True},
            fields={"text": "error.message+result+subtype"},
        ),
    ],
    screens=RULES,
    allow=["--yolo"],
    interactive=["qwen", *SCREEN, "-i", "{task}"],
    resume_interactive=["qwen", *SCREEN, "--continue"],
    tail="{state}/events.jsonl",
    tail_ends=False,
)
