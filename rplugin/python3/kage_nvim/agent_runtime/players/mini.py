"""mini-swe-agent: a shell, a linear history, and a trajectory that says how it ended."""

from kage_nvim.agent_runtime.screens.mini import RULES
from kage_nvim.description import Description, EventRule

CLI = Description(
    name="mini",
    title="mini-swe-agent",
    program="mini",
    install="pipx install mini-swe-agent",
    wire="chat",
    provider="openai",
    model="gpt-5.6-terra",
    oneshot=[
        *("mini", "-y", "--exit-immediately", "-m", "openai/{model}"),
        *("-t", "{task}", "-o", "{state}/trajectory.json"),
    ],
    env={
        "MSWEA_CONFIGURED": "true",
        "MSWEA_SILENT_STARTUP": "1",
        "MSWEA_COST_TRACKING": "ignore_errors",
        "MSWEA_GLOBAL_CONFIG_DIR": "{state}",
        "MSWEA_MODEL_RETRY_STOP_AFTER_ATTEMPT": "1",
        "LITELLM_LOCAL_MODEL_COST_MAP": "True",
        "OPENAI_API_BASE": "{base_url}/v1",
        "OPENAI_API_KEY": "{token}",
        # Compiled files are read where it is installed: to make them anew takes longer than a short task.
        "PYTHONPYCACHEPREFIX": "",
        "PYTHONDONTWRITEBYTECODE": "1",
    },
    report="{state}/trajectory.json",
    events=[
        EventRule(
            kind="working",
            when={"line": r"~^mini-swe-agent \((?P<step>step \d+)"},
            fields={"text": "?step"},
        ),
        EventRule(
            kind="text",
            each="messages",
            when={"role": "assistant", "content": True},
            fields={"text": "content"},
        ),
        EventRule(
            kind="tool",
            each="messages",
            when={"role": "assistant", "extra.actions.0": True},
            fields={"id": "tool_calls.0.id", "name": "=bash", "args": "extra.actions.0"},
        ),
        EventRule(
            kind="result",
            each="messages",
            when={"role": "tool"},
            fields={"id": "tool_call_id", "text": "content", "ok": "!extra.returncode"},
        ),
        EventRule(
            kind="usage",
            when={"info.model_stats": True},
            fields={"cost_usd": "info.model_stats.instance_cost"},
        ),
        EventRule(kind="done", when={"info.exit_status": "Submitted"}, fields={"text": "info.submission"}),
        EventRule(
            kind="failed",
            when={"info.exit_status": r"~^(?!Submitted$)."},
            fields={"text": "messages.-1.content+info.exit_status"},
        ),
    ],
    screens=RULES,
    allow=["-y"],
    interactive=[
        *("mini", "{permissions}", "-m", "openai/{model}"),
        *("-t", "{task}", "-o", "{state}/trajectory.json"),
    ],
    interrupt_keys="\x03",
    yes_keys="\r",
)
