"""The CLIs that are driven for real, one row each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cli:
    """One CLI: where it comes from, and how it differs from the others in a test.

    ``hears`` says that it takes in what is said while it works. ``resumes`` that a later turn goes on with
    its conversation. ``tools`` is false for one that edits by the text of its answers.
    One with ``acp`` is played a second time, with ``mode`` "acp". ``approve`` are the keys that say yes when
    its own screen asks leave for a command.
    """

    name: str
    registry: str
    package: str
    version: str
    extra: tuple[str, ...] = ()
    hears: bool = False
    resumes: bool = True
    tools: bool = True
    acp: bool = False
    mode: str = "oneshot"
    approve: tuple[str, ...] = ()


CLIS = (
    Cli("claude", "npm", "@anthropic-ai/claude-code", "2.1.197", hears=True, approve=("1",)),
    Cli("codex", "npm", "@openai/codex", "0.169.0", approve=("y",)),
    Cli("opencode", "npm", "opencode-ai", "1.18.33", acp=True, approve=("Enter",)),
    Cli("gemini", "npm", "@google/gemini-cli", "0.61.0", acp=True, approve=("1",)),
    Cli("qwen", "npm", "@qwen-code/qwen-code", "0.15.10", acp=True, approve=("1",)),
    Cli("aider", "pip", "aider-chat", "0.86.2", tools=False),
    Cli(
        "mini",
        "pip",
        "mini-swe-agent",
        "2.4.6",
        ("litellm[mcp]==1.106.2",),
        resumes=False,
        approve=("Enter",),
    ),
)
