"""``kage diff --html``: a run as one self-contained page that needs no network and no script."""

from __future__ import annotations

import datetime
import os
import tempfile
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

from kage_nvim.cli.render import count
from kage_nvim.cli.shown import escaped
from kage_nvim.errors import KageError, refused

MARK = "<!DOCTYPE html>\n<!-- kage diff -->\n"
"""What a page of ours begins with; other files are not written over."""

STYLE = """
:root{color-scheme:light dark;--bg:#fff;--fg:#1f2328;--faint:#656d76;--line:#d0d7de;--box:#f6f8fa;
--was:#ffebe9;--v0:#dafbe1;--v1:#ddf4ff;--v2:#fff8c5;--v3:#fbefff;--k:#cf222e;--s:#0a3069;--n:#0550ae;--c:#6e7781;--f:#8250df;
--b:#953800}
@media(prefers-color-scheme:dark){:root{--bg:#0d1117;--fg:#e6edf3;--faint:#8b949e;--line:#30363d;--box:#161b22;
--was:#4b1113;--v0:#0f3a1d;--v1:#0c2d5c;--v2:#3f3208;--v3:#371c52;--k:#ff7b72;--s:#a5d6ff;--n:#79c0ff;--c:#8b949e;
--f:#d2a8ff;--b:#ffa657}}
body{background:var(--bg);color:var(--fg);font:15px/1.5 system-ui,sans-serif;margin:1.5em}
h1{font-size:1.3em;white-space:pre-wrap}small,.faint{color:var(--faint)}
.agents{border-collapse:collapse}
.agents td,.agents th{border:1px solid var(--line);padding:.2em .6em;text-align:left}
.file{border:1px solid var(--line);border-radius:6px;margin:1em 0;overflow:hidden}
.file>summary{background:var(--box);padding:.4em .8em;font-family:ui-monospace,monospace;font-weight:600;
position:sticky;top:0}
.file p,.did{margin:.4em .8em}.did{list-style:none;padding:0;display:flex;flex-wrap:wrap;gap:0 1.5em}
.wide{overflow-x:auto}
.wide table{table-layout:fixed;width:100%;min-width:calc(var(--columns)*24em);border-collapse:collapse;
font:12px/1.45 ui-monospace,monospace}
.wide td{white-space:pre-wrap;overflow-wrap:anywhere;vertical-align:top;padding:0 .5em;height:1.45em;
tab-size:4;border-left:1px solid var(--line)}
.wide th{text-align:left;padding:.2em .5em;border-left:1px solid var(--line);background:var(--box)}
.was{background:var(--was)}.v0{background:var(--v0)}.v1{background:var(--v1)}.v2{background:var(--v2)}
.v3{background:var(--v3)}
.gap{background:repeating-linear-gradient(45deg,var(--box) 0 4px,transparent 4px 8px)}
.place{font-size:.85em;color:var(--faint);margin:0!important;padding:.1em .8em;
border-top:1px solid var(--line)}
.place.choice{font-weight:600;color:var(--b)}
.fold{background:var(--box);color:var(--faint);font-size:.85em}.fold summary,
.fold p{padding:.1em .8em;margin:0}
i{font-style:normal}.k{color:var(--k)}.s{color:var(--s)}.n{color:var(--n)}.c{color:var(--c)}.f{color:var(--f)}
.b{color:var(--b)}
"""


def head(run: dict[str, Any], numbers: Sequence[int], files: Sequence[dict[str, Any]]) -> str:
    """The page down to its first file: the task, the agents, checks and verdict, the list of files."""
    title = f"Kage {run['id']}: {' '.join(run['task'].split())[:80]}"
    made = datetime.datetime.fromtimestamp(run["created"]).astimezone().strftime("%Y-%m-%d %H:%M %z")
    where = Path(run["repository"]).name
    about = f"run {run['id']} in {where}, {made}, base {run['base'][:12]}"
    listed = "".join(
        f'<li><a href="#f{at}">{escaped(file["path"])}</a> '
        f"<small>{', '.join(sorted(file['agents'], key=int))}</small></li>"
        for at, file in enumerate(files)
    )
    return (
        f'{MARK}<html lang="en"><head><meta charset="utf-8">'
        '<meta http-equiv="Content-Security-Policy" '
        "content=\"default-src 'none'; style-src 'unsafe-inline'\">"
        '<meta name="viewport" content="width=device-width"><meta name="generator" content="Kage">'
        f"<title>{escaped(title)}</title><style>{STYLE}</style></head>"
        f'<body style="--columns:{len(numbers) + 1}">'
        f"<h1>{'<br>'.join(map(escaped, run['task'].splitlines()))}</h1>"
        f'<p class="faint">{escaped(about)}</p>{_agents(run, numbers)}<p>{escaped(verdict(run))}</p>'
        f"<details open><summary>{len(files)} changed files</summary><ul>{listed}</ul></details>\n"
    )


def verdict(run: dict[str, Any]) -> str:
    """The verdict as it stands."""
    said = f"Verdict: candidate {run['winner']} is ranked first." if run["winner"] else "No verdict yet."
    return said + (f" Candidate {run['landed']} was landed." if run["landed"] else "")


def _agents(run: dict[str, Any], numbers: Sequence[int]) -> str:
    agents = {agent["number"]: agent for agent in run["agents"]}
    candidates = {candidate["number"]: candidate for candidate in run["candidates"]}
    names = ("", "player", "model", "state", "reason", "tokens", "cost", "time", "change", "checks")
    rows = ["<tr>" + "".join(f"<th>{name}</th>" for name in names) + "</tr>"]
    for number in numbers:
        candidate = candidates.get(number, {})
        agent = agents.get(number, {})
        player = agent.get("player") or candidate.get("kind", "")
        change = (
            f"{count(candidate['files'], 'file')} +{candidate['added']} -{candidate['removed']}"
            if candidate
            else ""
        )
        checks = ", ".join(f"{name}: {how}" for name, how in sorted(candidate.get("checks", {}).items()))
        cells = [
            str(number),
            player + (f"+{agent['role']}" if agent.get("role") else ""),
            agent.get("model", ""),
            agent.get("state", ""),
            agent.get("reason", ""),
            f"{agent['tokens_in']} in, {agent['tokens_out']} out" if agent else "",
            _cost(agent),
            _time(agent),
            change,
            checks or "not checked",
        ]
        rows.append("<tr>" + "".join(f"<td>{escaped(cell)}</td>" for cell in cells) + "</tr>")
    return f'<div style="overflow-x:auto"><table class="agents">{"".join(rows)}</table></div>'


def _cost(agent: dict[str, Any]) -> str:
    if not agent or agent.get("unmetered"):
        return "unmetered" if agent else ""
    return "unpriced" if agent["cost_usd"] is None else f"${agent['cost_usd']:.4f}"


def _time(agent: dict[str, Any]) -> str:
    if not agent.get("started") or not agent.get("ended"):
        return ""
    minutes, seconds = divmod(max(0, round(agent["ended"] - agent["started"])), 60)
    return f"{minutes}:{seconds:02} min"


FOOT = "</body></html>\n"


def target(given: str) -> Path | None:
    """Where a page goes; ``None`` is stdout.

    Raises:
        KageError: it is a folder, or a file that is no page of ours.
    """
    if given == "-":
        return None
    path = Path(given).absolute()
    if path.is_dir():
        raise KageError(f"{path} is a folder", fix=f"Name a file in it: {path}/diff.html")
    if not path.parent.is_dir():
        raise KageError(f"there is no folder {path.parent}", fix="Make it, or name another file.")
    if os.path.lexists(path):
        ours = False
        if path.is_file() and not path.is_symlink():
            with path.open("rb") as file:
                ours = file.read(len(MARK)) == MARK.encode()
        if not ours:
            raise refused(
                f"{path} is there and is no page of Kage's", "Remove it, or name another; - is stdout."
            )
    return path


def write(path: Path, parts: Iterable[str]) -> None:
    """Put a whole page in its place, or none."""
    handle, name = tempfile.mkstemp(dir=path.parent, prefix=".kage-", suffix=".html")
    try:
        with os.fdopen(handle, "w", encoding="utf-8", errors="backslashreplace") as file:
            file.writelines(parts)
        umask = os.umask(0)
        os.umask(umask)
        Path(name).chmod(0o666 & ~umask)
        Path(name).replace(path)
    except BaseException:
        Path(name).unlink(missing_ok=True)
        raise
