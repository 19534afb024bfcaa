"""The language of a change, by the names of its files: the one with most changed lines."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable

from kage_nvim.trees import Change

NAMES = {
    "Python": "py pyi pyw ipynb",
    "JavaScript": "js jsx mjs cjs",
    "TypeScript": "ts tsx mts cts",
    "Rust": "rs",
    "Go": "go",
    "Java": "java",
    "Kotlin": "kt kts",
    "Scala": "scala",
    "C": "c h",
    "C++": "cc cpp cxx hpp hh hxx",
    "C#": "cs",
    "Swift": "swift",
    "Objective-C": "m mm",
    "Ruby": "rb rake",
    "PHP": "php",
    "Perl": "pl pm",
    "Lua": "lua",
    "Vim script": "vim",
    "Shell": "sh bash zsh fish",
    "PowerShell": "ps1",
    "Haskell": "hs",
    "OCaml": "ml mli",
    "Elixir": "ex exs",
    "Erlang": "erl",
    "Clojure": "clj cljs",
    "Dart": "dart",
    "R": "r",
    "Julia": "jl",
    "Zig": "zig",
    "Nix": "nix",
    "SQL": "sql",
    "HTML": "html htm vue svelte",
    "CSS": "css scss less sass",
    "Markdown": "md markdown mdx rst",
    "YAML": "yaml yml",
    "JSON": "json",
    "TOML": "toml",
}
_BY_ENDING = {ending: name for name, endings in NAMES.items() for ending in endings.split()}


def of_path(path: str) -> str:
    """The language that a file's name tells; empty when none is known."""
    return _BY_ENDING.get(path.rpartition(".")[2].lower(), "")


def of_changes(changes: Iterable[Change]) -> str:
    """The language of a candidate; empty when none of its files tells one."""
    lines: Counter[str] = Counter()
    for change in changes:
        if name := of_path(change.path):
            lines[name] += change.added + change.removed + 1
    return min(lines, key=lambda name: (-lines[name], name), default="")
