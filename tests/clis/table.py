"""The CLIs that are driven for real, one row each."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Cli:
    """One CLI: where it comes from, and how it differs from the others in a test.

    ``hears`` says that it takes in what is said while it works. ``resumes`` that a later turn goes on with
    its conversation. ``tools`` is false for one that edits by the text of its answers.
    One with ``acp`` is played a second time, with ``mode`` "acp".
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


CLIS = (
    Cli("claude", "npm", "@anthropic-ai/claude-code", "2.1.197", hears=True),
    Cli("codex", "npm", "@openai/codex", "0.169.0"),
    Cli("opencode", "npm", "opencode-ai", "1.18.33", acp=True),
    Cli("gemini", "npm", "@google/gemini-cli", "0.61.0", acp=True),
    Cli("qwen", "npm", "@qwen-code/qwen-code", "0.15.10", acp=True),
    Cli("aider", "pip", "aider-chat", "0.86.2", tools=False),
    Cli("mini", "pip", "mini-swe-agent", "2.4.6", ("litellm[mcp]==1.106.2",), resumes=False),
)
