"""opencode: ``opencode run`` with its events as JSON lines.

What it does not tell: a tool is named when it has ended, not when it begins, so a long command looks like a
silent model; retries are silent. An interrupted one just ends.
"""

import json

from kage_nvim.agent_runtime.screens.opencode import RULES
from kage_nvim.description import Description, EventRule

CONFIG = {
    "autoupdate": False,
    "share": "disabled",
    "model": "kage/{model}",
    "small_model": "kage/{model}",
    "enabled_providers": ["kage"],
    "permission": "allow",
    "agent": {"title": {"disable": True}},
    "provider": {
        "kage": {
            "npm": "@ai-sdk/openai-compatible",
            "name": "Kage",
            "options": {"baseURL": "{base_url}/v1", "apiKey": "{token}"},
            # It asks for as much output as the limit says, and the budget reserves that much.
            "models": {"{model}": {"tool_call": True, "limit": {"context": 128000, "output": 16000}}},
        }
    },
}
RUN = ["opencode", "run", "--format", "json", "--auto", "--title", "Kage", "{routed}"]
TOOL = {"id": "part.callID", "name": "part.tool", "args": "part.state.input"}

CLI = Description(
    name="opencode",
    title="opencode",
    program="opencode",
    install="npm install -g opencode-ai",
    wire="chat",
    provider="openai",
    model="gpt-5.6-terra",
    oneshot=RUN,
    resume=[*RUN, "--session", "{session}"],
    routed=["-m", "kage/{model}"],
    prompt="stdin",
    env={
        "OPENCODE_CONFIG_CONTENT": json.dumps(CONFIG),
        "OPENCODE_DISABLE_MODELS_FETCH": "1",
        "OPENCODE_DISABLE_AUTOUPDATE": "1",
        "OPENCODE_DISABLE_SHARE": "1",
        "OPENCODE_DISABLE_LSP_DOWNLOAD": "1",
        "OPENCODE_DISABLE_DEFAULT_PLUGINS": "1",
    },
    login=[".local/share/opencode/auth.json", ".config/opencode"],
    hosts=["api.anthropic.com", "api.openai.com", "opencode.ai", "models.dev", "console.anthropic.com"],
    acp=["opencode", "acp"],
    events=[
        EventRule(kind="session", when={"type": "step_start"}, fields={"id": "sessionID"}),
        EventRule(kind="working", when={"type": "step_start"}),
        EventRule(kind="working", when={"type": "reasoning"}, fields={"text": "part.text"}),
        EventRule(kind="text", when={"type": "text"}, fields={"text": "part.text"}),
        EventRule(kind="tool", when={"type": "tool_use"}, fields=TOOL),
        EventRule(
            kind="result",
            when={"type": "tool_use", "part.state.status": "completed"},
            fields={"id": "part.callID", "text": "part.state.output", "ok": "!part.state.metadata.exit"},
        ),
        EventRule(
            kind="result",
            when={"type": "tool_use", "part.state.status": "error"},
            fields={"id": "part.callID", "text": "part.state.error", "ok": "!part.state.status"},
        ),
        EventRule(
            kind="usage",
            when={"type": "step_finish"},
            fields={
                "tokens_in": "part.tokens.input+part.tokens.cache.read",
                "tokens_cached": "part.tokens.cache.read",
                "tokens_out": "part.tokens.output",
            },
        ),
        # Its cost is 0 where it knows no price.
        EventRule(
            kind="usage", when={"type": "step_finish", "part.cost": True}, fields={"cost_usd": "part.cost"}
        ),
        # After an answer without an end it asks again, without a limit.
        EventRule(
            kind="retrying",
            when={"type": "step_finish", "part.reason": "unknown"},
            fields={"text": "=the answer had no end"},
        ),
        EventRule(kind="done", when={"type": "step_finish", "part.reason": "stop"}),
        EventRule(
            kind="failed",
            when={"type": "step_finish", "part.reason": "~^(?!(tool-calls|unknown|stop)$)(?P<why>.*)"},
            fields={"text": "?why"},
        ),
        EventRule(
            kind="interrupted",
            when={"type": "error", "error.name": "MessageAbortedError"},
            fields={"text": "error.data.message"},
        ),
        EventRule(
            kind="failed",
            when={"type": "error", "error.name": "~^(?!MessageAbortedError$)"},
            fields={"text": "error.data.message+error.name"},
        ),
    ],
    screens=RULES,
    ask=[f"OPENCODE_PERMISSION={json.dumps({'bash': 'ask', 'edit': 'ask', 'webfetch': 'ask'})}"],
    interactive=["env", "{permissions}", "opencode", "{routed}", "--prompt", "{task}"],
    resume_interactive=["env", "{permissions}", "opencode", "{routed}", "--continue"],
    interrupt_keys="\x1b\x1b",
    yes_keys="\r",
    no_keys="\x1b",
)
