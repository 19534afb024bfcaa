"""Gemini CLI, of Google: headless, with its events as JSON lines.

What it does not tell: it exits 0 on SIGTERM and on some failures; retries are silent, and so is a command's
exit code.
"""

import json

from kage_nvim.agent_runtime.screens.gemini import RULES
from kage_nvim.description import Description, EventRule

SETTINGS = {
    "security": {"auth": {"selectedType": "gemini-api-key"}, "folderTrust": {"enabled": False}},
    "general": {
        "enableAutoUpdate": False,
        "enableAutoUpdateNotification": False,
        # The gateway retries by itself.
        "maxAttempts": 3,
    },
    "privacy": {"usageStatisticsEnabled": False},
    "telemetry": {"enabled": False},
}
OPTIONS = ["-m", "{model}", "--yolo", "--skip-trust", "-o", "stream-json"]

CLI = Description(
    name="gemini",
    title="Gemini CLI",
    program="gemini",
    install="npm install -g @google/gemini-cli",
    wire="gemini",
    provider="gemini",
    model="gemini-2.5-pro",
    oneshot=["gemini", *OPTIONS],
    resume=["gemini", "--resume", "{session}", *OPTIONS],
    prompt="stdin",
    env={
        "GEMINI_API_KEY": "{token}",
        "GOOGLE_GEMINI_BASE_URL": "{base_url}",
        "GEMINI_CLI_NO_RELAUNCH": "true",
    },
    files={".gemini/settings.json": json.dumps(SETTINGS, indent=2)},
    login=[".gemini/oauth_creds.json", ".gemini/google_accounts.json", ".gemini/settings.json"],
    hosts=[
        "cloudcode-pa.googleapis.com",
        "generativelanguage.googleapis.com",
        "oauth2.googleapis.com",
        "accounts.google.com",
        "www.googleapis.com",
    ],
    acp=["gemini", "--acp", "-m", "{model}"],
    events=[
        EventRule(kind="session", when={"type": "init"}, fields={"id": "session_id"}),
        EventRule(kind="text", when={"type": "message", "role": "assistant"}, fields={"text": "content"}),
        EventRule(
            kind="tool",
            when={"type": "tool_use"},
            fields={"id": "tool_id", "name": "tool_name", "args": "parameters"},
        ),
        EventRule(
            kind="result",
            when={"type": "tool_result"},
            fields={"id": "tool_id", "text": "output+error.message", "ok": "!error"},
        ),
        EventRule(
            kind="usage",
            when={"type": "result"},
            fields={
                "tokens_in": "stats.input_tokens",
                "tokens_cached": "stats.cached",
                "tokens_out": "stats.output_tokens",
            },
        ),
        EventRule(kind="working", when={"type": "error", "severity": "warning"}, fields={"text": "message"}),
        # The result after it does not say why.
        EventRule(kind="failed", when={"type": "error", "severity": "error"}, fields={"text": "message"}),
        EventRule(kind="done", when={"type": "result", "status": "success"}),
        EventRule(
            kind="failed",
            when={
                "type": "result",
                "status": "error",
                "error.message": r'~"message": ?"(?P<why>(?:[^"\\]|\\.)*)"',
            },
            fields={"text": "?why"},
        ),
        EventRule(
            kind="failed",
            when={"type": "result", "status": "error", "error.message": r'~^(?!.*"message":).'},
            fields={"text": "error.message"},
        ),
    ],
    screens=RULES,
    allow=["--yolo"],
    interactive=["gemini", "-m", "{model}", "{permissions}", "-i", "{task}"],
    resume_interactive=["gemini", "-m", "{model}", "{permissions}", "--resume", "latest"],
)
