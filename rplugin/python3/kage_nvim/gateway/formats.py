"""Formats of secrets that detect-secrets does not know, or knows too narrowly: one table.

Each begins with a sign that is looked for first, so that a text without it costs next to nothing.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

BEGINS = r"(?:(?<![A-Za-z0-9])|(?<=\\[nrt])|(?<=%[0-9A-F]{2}))"
"""Where a word begins, in a text, in a string of source code or of JSON, or in a URL."""


class Format(NamedTuple):
    """One row. ``expression`` has to match where ``sign`` stands, a lower-case one in ``anycase``; its last
    group, or else all of it, is the secret when ``accepts`` says so. One that stands ``in_place`` is a secret
    only there: what a password is in a URL may be a word elsewhere."""

    kind: str
    sign: str
    expression: re.Pattern[str]
    accepts: Callable[[str], bool] = bool
    anycase: bool = False
    in_place: bool = False


def keyish(word: str) -> bool:
    """True for what was drawn by lot rather than written: words of a name have few digits and are short."""
    digits = sum(char.isdigit() for char in word)
    pieces = re.split(r"[-_.]", word)
    if any(len(piece) >= 16 and not piece.isdigit() and re.search(r"\d", piece) for piece in pieces):
        return True
    return digits >= 3 and word != word.lower() and word != word.upper()


def _credential(word: str) -> bool:
    """For what follows ``Authorization: Bearer``: no ``YOUR_TOKEN_HERE``."""
    return bool(re.search(r"\d", word)) or (len(word) >= 30 and word not in (word.lower(), word.upper()))


_TEMPLATE = re.compile(
    r"\$\w*|%\w|%\(\w+\)\w|%\w+%|\$\(.*|(.)\1*|[A-Z_]*(?:PASSWORD|PASS|PASSWD|PWD|SECRET|TOKEN|KEY)[A-Z_]*"
)


def _password(word: str) -> bool:
    """For what stands in a URL: neither a variable's name, nor dots or crosses in a password's place."""
    return not _TEMPLATE.fullmatch(word)


def _at(kind: str, sign: str, rest: str, accepts: Callable[[str], bool] = bool) -> Format:
    """A token that begins with its sign, at the beginning of a word."""
    return Format(kind, sign, re.compile(rf"{BEGINS}{re.escape(sign)}{rest}"), accepts)


def _named(kind: str, sign: str, rest: str, accepts: Callable[[str], bool] = bool) -> Format:
    """A secret known by the name before it, in any case."""
    return Format(kind, sign, re.compile(f"(?i:{sign}{rest})"), accepts, anycase=True)


FORMATS = (
    _at("ANTHROPIC_KEY", "sk-ant-", r"[A-Za-z0-9_\-]{20,}", keyish),
    _at("OPENAI_KEY", "sk-", r"(?!ant-)[A-Za-z0-9_\-]{20,}", keyish),
    _at("GOOGLE_KEY", "AIza", r"[A-Za-z0-9_\-]{35}"),
    _at("GOOGLE_KEY", "AQ.A", r"[A-Za-z0-9_\-]{40,}"),
    _at("GOOGLE_SECRET", "GOCSPX-", r"[A-Za-z0-9_\-]{20,}"),
    _at("GOOGLE_TOKEN", "ya29.", r"[A-Za-z0-9_\-]{20,}"),
    _at("GOOGLE_TOKEN", "1//0", r"[A-Za-z0-9_\-]{40,}"),
    _at("GITHUB_TOKEN", "github_pat_", r"[A-Za-z0-9_]{22,}"),
    _at("HUGGINGFACE_TOKEN", "hf_", r"[A-Za-z0-9]{30,}"),
    _at("XAI_KEY", "xai-", r"[A-Za-z0-9]{40,}"),
    _at("GROQ_KEY", "gsk_", r"[A-Za-z0-9]{40,}"),
    _at("PERPLEXITY_KEY", "pplx-", r"[A-Za-z0-9]{40,}"),
    _at("REPLICATE_TOKEN", "r8_", r"[A-Za-z0-9]{37}"),
    _at("NVIDIA_KEY", "nvapi-", r"[A-Za-z0-9_\-]{50,}"),
    _at("NPM_TOKEN", "npm_", r"[A-Za-z0-9]{30,}"),
    _named("NPM_TOKEN", ":_auth", r"(?:token)?\s*=\s*[\"']?([A-Za-z0-9+/=_\-]{16,})", keyish),
    _at("PYPI_TOKEN", "pypi-AgE", r"[A-Za-z0-9_\-]{50,}"),
    _at("RUBYGEMS_KEY", "rubygems_", r"[0-9a-f]{48}"),
    _at("DOCKER_TOKEN", "dckr_pat_", r"[A-Za-z0-9_\-]{20,}"),
    _at("STRIPE_KEY", "sk_live_", r"[A-Za-z0-9]{16,}"),
    _at("STRIPE_KEY", "sk_test_", r"[A-Za-z0-9]{16,}"),
    _at("STRIPE_KEY", "rk_live_", r"[A-Za-z0-9]{16,}"),
    _at("STRIPE_KEY", "rk_test_", r"[A-Za-z0-9]{16,}"),
    _at("STRIPE_SECRET", "whsec_", r"[A-Za-z0-9+/]{24,}={0,2}"),
    _at("SLACK_TOKEN", "xapp-", r"\d-[A-Za-z0-9]+-\d+-[A-Za-z0-9]{20,}"),
    _at("SLACK_TOKEN", "xox", r"[a-z](?:\.xox[a-z])?-(?=[A-Za-z\-]*\d)[A-Za-z0-9\-]{20,}"),
    _at("SHOPIFY_TOKEN", "shp", r"(?:at|ca|pa|ss|ua)_[0-9a-fA-F]{32}"),
    _at("DIGITALOCEAN_TOKEN", "do", r"[opr]_v1_[0-9a-f]{64}"),
    _at("VAULT_TOKEN", "hvs.", r"[A-Za-z0-9_\-]{24,}"),
    _at("VAULT_TOKEN", "hvb.", r"[A-Za-z0-9_\-]{24,}"),
    _at("GRAFANA_TOKEN", "glsa_", r"[A-Za-z0-9]{32}_[0-9a-f]{8}"),
    _at("GRAFANA_TOKEN", "glc_", r"[A-Za-z0-9+/]{32,}={0,2}"),
    _at("DATABRICKS_TOKEN", "dapi", r"[0-9a-f]{32}(?:-\d)?"),
    _at("LINEAR_KEY", "lin_api_", r"[A-Za-z0-9]{32,}"),
    _at("NOTION_TOKEN", "ntn_", r"[A-Za-z0-9]{40,}"),
    _at("ATLASSIAN_TOKEN", "ATATT3", r"[A-Za-z0-9_\-=]{60,}"),
    _at("AGE_KEY", "AGE-SECRET-KEY-", r"(?:PQ-)?1[0-9A-Z]{40,}"),
    _at("JSON_WEB_TOKEN", "eyJ", r"[\w\-=]{5,}\.(?:[\w\-=]{5,}(?:\.[\w\-=+/]+){0,3}|(?:\.[\w\-]+){3})"),
    # A private key in base64 once more, as it stands in a kubeconfig.
    _at(
        "PRIVATE_KEY",
        "LS0tLS1CRUdJTi",
        r"(?:BSU0EgUFJJ|BQUklW|BFQyBQUk|BPUEVOU1NIIFBS|BFTkNSWVBURUQgUFJJ)[A-Za-z0-9+/]{40,}={0,2}",
    ),
    _named(
        "AWS_SECRET_KEY",
        "secret",
        r"[_ -]?(?:access[_ -]?)?key\W{1,12}([0-9a-zA-Z/+]{40})(?![0-9a-zA-Z/+])",
    ),
    _named("AWS_SESSION_TOKEN", "session", r"[_ -]?token\W{1,12}([0-9a-zA-Z/+]{100,}={0,2})"),
    _named("AZURE_KEY", "accountkey", r"[\"'\\]{0,4}\s?[=:]\s?[\"'\\]{0,4}([A-Za-z0-9+/]{40,}={0,2})"),
    _named("AZURE_KEY", "sharedaccesskey", r"[\"'\\]{0,4}\s?[=:]\s?[\"'\\]{0,4}([A-Za-z0-9+/]{40,}={0,2})"),
    _named("TWILIO_TOKEN", "twilio", r"_?auth_?token\W{1,12}([0-9a-f]{32})(?![0-9a-z])"),
    _named(
        "CREDENTIAL",
        "authorization",
        r"[\"'\\]{0,4}\s?[=:,]\s?[\"'\\]{0,4}(?:bearer|basic|token|apikey|key)\s+([A-Za-z0-9_\-.~+/]{16,}={0,2})",
        _credential,
    ),
    _named("CREDENTIAL", "bearer", r"\s+([A-Za-z0-9_\-.~+/]{24,}={0,2})", keyish),
    _named("CREDENTIAL", "x-api-key", r"[\"'\\]{0,4}\s?[=:,]\s?[\"'\\]{0,4}([A-Za-z0-9_\-]{16,})", keyish),
    _named(
        "CREDENTIAL", "private-token", r"[\"'\\]{0,4}\s?[=:,]\s?[\"'\\]{0,4}([A-Za-z0-9_\-]{16,})", keyish
    ),
    Format(
        "URL_PASSWORD",
        "://",
        re.compile(r"://[^\s:/?#@\"'`\\]{0,200}:([^\s/?@\"'`\\<>{}]{1,200})@(?=[^\s@])"),
        _password,
        in_place=True,
    ),
)


def matches(text: str) -> Iterator[tuple[Format, str]]:
    """What the table finds in a text."""
    low = text.lower()
    if len(low) != len(text):
        low = "".join(char.lower() if char.isascii() else char for char in text)
    for one in FORMATS:
        place, searched = -1, low if one.anycase else text
        while (place := searched.find(one.sign, place + 1)) >= 0:
            match = one.expression.match(text, place)
            if match and one.accepts(match[match.re.groups]):
                yield one, match[match.re.groups]
