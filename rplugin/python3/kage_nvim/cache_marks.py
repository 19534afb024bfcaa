"""Whose models read markers in the request: what to cache is marked, and thoughts are signed."""

from __future__ import annotations

RESELLERS = ("openrouter", "bedrock", "vertex_ai")
"""Providers that serve Anthropic's models under its own terms."""


def reads_marks(model: str) -> bool:
    """Whether a model reads cache markers and signed thoughts: Anthropic's, wherever it is served. Others
    cache by themselves, or refuse what they do not know."""
    provider, slash, name = model.lower().partition("/")
    if not slash:
        return provider.startswith("claude")
    return provider == "anthropic" or ("claude" in name and provider in RESELLERS)
