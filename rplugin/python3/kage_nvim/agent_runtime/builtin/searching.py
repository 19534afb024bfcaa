"""How ``search`` looks: ripgrep when it is there, else git grep, else grep; and what is shown of it."""

from __future__ import annotations

from kage_nvim.agent_runtime.text import HeadTail, shorten

EXPRESSION, WORDS = "-E", "-F"
"""The pattern is an extended regular expression, or the very text (``interface{}`` is no expression)."""
MATCHES = 200
"""Lines that are shown."""
WIDTH = 300
"""Characters of a line that are shown."""

_SCRIPT = """
[ -e "$2" ] || { echo "there is no file or folder $2"; exit 2; }
if command -v rg >/dev/null 2>&1; then
  [ "$3" = -F ] && set -- "$1" "$2" --fixed-strings || set -- "$1" "$2" --no-fixed-strings
  rg -nH --no-heading --color never --hidden -g '!.git' \\
    --max-columns 300 --max-columns-preview "$3" -e "$1" -- "$2"
elif git rev-parse --is-inside-work-tree >/dev/null 2>&1; then
  git --no-pager grep -nI --no-color --untracked "$3" -e "$1" -- "$2"
else
  grep -rnHI --exclude-dir=.git "$3" -e "$1" -- "$2"
fi
"""


def command(pattern: str, path: str, kind: str) -> list[str]:
    """The command; it exits with 0 when something was found, 1 when nothing was, more when it failed."""
    return ["sh", "-c", _SCRIPT, "sh", pattern, path, kind]


def shown(output: HeadTail, limit: int, *, plain: bool) -> str:
    """What was found, as path:line:text; ``plain`` says that it was looked for as it stands."""
    lines = [line.removeprefix("./") for line in output.text().splitlines()]
    lines = [line if len(line) <= WIDTH else line[:WIDTH] + "…" for line in lines]
    text = shorten("\n".join(lines[:MATCHES]) if lines else "nothing found", limit)
    if output.lines > MATCHES:
        text += f"\n[… {output.lines} lines match; narrow the pattern or the path …]"
    return f"[no valid expression; searched for that very text]\n{text}" if plain else text
