"""goose, of Block: as its documentation and source (1.50) describe it, for no registry has it to be tried.

An older goose says ``complete`` after an error too, and is then *done* without a change.
"""

from kage_nvim.description import Description, EventRule

RUN = ["goose", "run", "--output-format", "stream-json", "--quiet", "--with-builtin", "developer"]

CLI = Description(
    name="goose",
    title="goose",
    program="goose",
    install="see https://block.github.io/goose (or: brew install block-goose-cli)",
    wire="chat",
    provider="openai",
    model="gpt-5.6-terra",
    oneshot=[*RUN, "--name", "kage", "--instructions", "{task_file}"],
    resume=[*RUN, "--resume", "--name", "kage", "--text={message}"],
    env={
        "GOOSE_PROVIDER": "openai",
        "GOOSE_MODEL": "{model}",
        "GOOSE_MODE": "auto",
        "GOOSE_DISABLE_KEYRING": "1",
        "GOOSE_DISABLE_SESSION_NAMING": "true",
        "GOOSE_DISABLE_TOOL_CALL_SUMMARY": "true",
        "GOOSE_TELEMETRY_ENABLED": "false",
        "OPENAI_HOST": "{base_url}",
        "OPENAI_BASE_PATH": "v1/chat/completions",
        "OPENAI_API_KEY": "{token}",
    },
    login=[".config/goose", ".local/share/goose"],
    hosts=["api.openai.com", "api.anthropic.com"],
    acp=["goose", "acp"],
    events=[
        # The session has the name that it was started with.
        EventRule(kind="session", when={"type": "message"}, fields={"id": "=kage"}),
        EventRule(
            kind="text",
            each="message.content",
            when={"^type": "message", "^message.role": "assistant", "type": "text"},
            fields={"text": "text"},
        ),
        EventRule(
            kind="working",
            each="message.content",
            when={"^type": "message", "^message.role": "assistant", "type": ["thinking", "reasoning"]},
        ),
        EventRule(
            kind="tool",
            each="message.content",
            when={"^type": "message", "type": "toolRequest"},
            fields={"id": "id", "name": "toolCall.value.name", "args": "toolCall.value.arguments"},
        ),
        EventRule(
            kind="result",
            each="message.content",
            when={"^type": "message", "type": "toolResponse", "toolResult.status": "success"},
            fields={"id": "id", "text": "toolResult.value.content", "ok": "!toolResult.value.isError"},
        ),
        EventRule(
            kind="result",
            each="message.content",
            when={"^type": "message", "type": "toolResponse", "toolResult.status": "error"},
            fields={"id": "id", "text": "toolResult.error", "ok": "!toolResult.status"},
        ),
        EventRule(
            kind="usage",
            when={"type": "complete"},
            fields={
                "tokens_in": "input_tokens",
                "tokens_cached": "cache_read_input_tokens",
                "tokens_out": "output_tokens",
                "cost_usd": "cost_usd",
            },
        ),
        EventRule(kind="working", when={"type": "notification"}, fields={"text": "message"}),
        EventRule(kind="done", when={"type": "complete"}),
        EventRule(kind="failed", when={"type": "error"}, fields={"text": "error"}),
    ],
)
