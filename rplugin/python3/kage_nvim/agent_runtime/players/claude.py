"""Claude Code, of Anthropic."""

import json

from kage_nvim.agent_runtime.screens.claude import RULES
from kage_nvim.description import Description, EventRule

RESULT = {
    "tokens_in": "usage.input_tokens+usage.cache_read_input_tokens+usage.cache_creation_input_tokens",
    "tokens_cached": "usage.cache_read_input_tokens",
    "tokens_out": "usage.output_tokens",
    "cost_usd": "total_cost_usd",
}
STREAM = [
    *("--output-format", "stream-json", "--verbose", "--input-format", "stream-json"),
    *("--replay-user-messages", "--model", "{model}", "--dangerously-skip-permissions"),
]
"""It asks for nothing: the sandbox around it is what keeps it in, and without somebody at its screen a
question would be a refusal."""

HOOKS = [
    "SessionStart",
    "UserPromptSubmit",
    "PreToolUse",
    "PostToolUse",
    "PermissionRequest",
    "Stop",
    "StopFailure",
]
TELL = {
    "hooks": [{"type": "command", "command": "cat >> {state}/events.jsonl; echo >> {state}/events.jsonl"}]
}
SCREEN = [
    # A key in the environment would be asked about first.
    *("env", "-u", "ANTHROPIC_API_KEY", "ANTHROPIC_AUTH_TOKEN={token}"),
    *("claude", "--model", "{model}", "{permissions}"),
    *("--settings", json.dumps({"hooks": {name: [TELL] for name in HOOKS}})),
]
STATE = {
    "hasCompletedOnboarding": True,
    "theme": "dark",
    "bypassPermissionsModeAccepted": True,
    "projects": {"{worktree}": {"hasTrustDialogAccepted": True, "hasCompletedProjectOnboarding": True}},
}
HOOK = "hook_event_name"

CONTENT = [
    EventRule(
        kind="text",
        each="message.content",
        when={"^type": "assistant", "type": "text"},
        fields={"text": "text"},
    ),
    EventRule(
        kind="tool",
        each="message.content",
        when={"^type": "assistant", "type": "tool_use"},
        fields={"id": "id", "name": "name", "args": "input"},
    ),
    EventRule(
        kind="result",
        each="message.content",
        when={"^type": "user", "type": "tool_result"},
        fields={"id": "tool_use_id", "text": "content", "ok": "!is_error"},
    ),
]
"""The parts of a message: what it says, what it calls, what came of that."""

CLI = Description(
    name="claude",
    title="Claude Code",
    program="claude",
    install="npm install -g @anthropic-ai/claude-code",
    wire="messages",
    provider="anthropic",
    model="sonnet",
    oneshot=["claude", "-p", *STREAM],
    resume=["claude", "-p", "--resume", "{session}", *STREAM],
    prompt="json",
    input_line='{"type": "user", "message": {"role": "user", "content": {message}}}',
    steerable=True,
    env={
        "ANTHROPIC_BASE_URL": "{base_url}",
        "ANTHROPIC_API_KEY": "{token}",
        "CLAUDE_CONFIG_DIR": "{home}/.claude",
        "CLAUDE_CODE_DISABLE_NONESSENTIAL_TRAFFIC": "1",
        "CLAUDE_CODE_MAX_RETRIES": "4",
        "DISABLE_AUTOUPDATER": "1",
        "IS_SANDBOX": "1",
    },
    login=[".claude/.credentials.json", ".claude.json"],
    hosts=["api.anthropic.com", "console.anthropic.com", "platform.claude.com", "claude.ai"],
    events=[
        EventRule(kind="session", when={HOOK: "SessionStart"}, fields={"id": "session_id"}),
        EventRule(kind="heard", when={HOOK: "UserPromptSubmit"}, fields={"text": "prompt"}),
        EventRule(kind="working", when={HOOK: "UserPromptSubmit"}),
        EventRule(
            kind="tool",
            when={HOOK: "PreToolUse"},
            fields={"id": "tool_use_id", "name": "tool_name", "args": "tool_input"},
        ),
        EventRule(
            kind="waiting",
            when={HOOK: "PreToolUse", "tool_name": "AskUserQuestion"},
            fields={"name": "=question", "text": "tool_input.questions.0.question"},
        ),
        EventRule(
            kind="waiting",
            when={HOOK: "PermissionRequest", "tool_name": "~^(?P<tool>(?!AskUserQuestion).*)$"},
            fields={"name": "=permission", "text": "?tool"},
        ),
        EventRule(kind="working", when={HOOK: "PostToolUse"}),
        EventRule(kind="done", when={HOOK: "Stop"}, fields={"text": "last_assistant_message"}),
        EventRule(kind="failed", when={HOOK: "StopFailure"}, fields={"text": "last_assistant_message+error"}),
        EventRule(kind="session", when={"type": "system", "subtype": "init"}, fields={"id": "session_id"}),
        EventRule(
            kind="retrying",
            when={"type": "system", "subtype": "api_retry"},
            fields={"text": "error"},
        ),
        EventRule(kind="heard", when={"type": "user", "isReplay": True}, fields={"text": "message.content"}),
        *CONTENT,
        EventRule(kind="usage", when={"type": "result"}, fields=RESULT),
        EventRule(
            kind="done",
            when={"type": "result", "subtype": "success", "is_error": False},
            fields={"text": "result"},
        ),
        EventRule(
            kind="failed",
            when={"type": "result", "subtype": "success", "is_error": True},
            fields={"text": "result"},
        ),
        EventRule(
            kind="failed",
            when={"type": "result", "subtype": "~^error"},
            fields={"text": "errors.0+result+subtype"},
        ),
    ],
    screens=RULES,
    allow=["--dangerously-skip-permissions"],
    interactive=[*SCREEN, "{task}"],
    resume_interactive=[*SCREEN, "--resume", "{session}"],
    tail="{state}/events.jsonl",
    files={".claude/.claude.json": json.dumps(STATE)},
)
