"""Kaged's answers as text for a terminal. Pure functions; control characters never reach the terminal."""

from __future__ import annotations

import json
import time
from typing import Any

MARKS = {
    "starting": "…",
    "working": "●",
    "waiting": "?",
    "checking": "○",
    "done": "✓",
    "failed": "✗",
    "stopped": "■",
    "interrupted": "‖",
    "unknown": "~",
}


def clean(text: object) -> str:
    """One line without control characters."""
    return "".join(c if c >= " " and not "\x7f" <= c <= "\x9f" else " " for c in str(text))


def money(value: float | None) -> str:
    """A cost in US dollars; what has no price says so."""
    return "unpriced" if value is None else f"${value:.4f}"


def count(number: int, thing: str) -> str:
    """``1 file``, ``2 files``."""
    return f"{number} {thing}" if number == 1 else f"{number} {thing}s"


def agents(rows: list[dict[str, Any]]) -> str:
    """One line an agent."""
    lines = []
    for row in rows:
        name = row["player"] + (f"+{row['role']}" if row.get("role") else "")
        player = f"{name} ({row['model']})" if row.get("model") else name
        told = ("reason", "activity") if row["state"] == "waiting" else ("activity", "reason")
        what = clean(row.get(told[0]) or row.get(told[1]) or "")
        cost = "unmetered" if row.get("unmetered") else money(row.get("cost_usd"))
        if row.get("warning"):
            what = f"! {clean(row['warning'])} · {what}".removesuffix(" · ")
        state = f"{MARKS[row['state']]} {row['state']:<11}"
        lines.append(f"{row['number']:>3} {state} {clean(player):<28} {cost:>9}  {what}")
    return "\n".join(lines)


def status(answer: dict[str, Any]) -> str:
    """Runs with their agents and candidates."""
    if not answer["runs"]:
        return "no runs here"
    parts = []
    for run in answer["runs"]:
        first = clean(run["task"].splitlines()[0])
        landed = f", candidate {run['landed']} landed" if run["landed"] else ""
        on = f" on {clean(run['head'])[:60]}" if run["head"] else ""
        on += f", from candidate {run['on']}" if run["on"] else ""
        parts.append(f"run {run['id']} in {clean(run['repository'])}{on}{landed}\n  {first[:100]}")
        parts.append(agents(run["agents"]))
        for candidate in run["candidates"]:
            size = f"{count(candidate['files'], 'file')} +{candidate['added']} -{candidate['removed']}"
            kind = f" ({candidate['kind']})" if candidate["kind"] != "agent" else ""
            mark = " ★" if candidate["number"] == run["winner"] else ""
            more = (candidate.get("checked"), candidate.get("note"))
            checked = "".join(f"  {text}" for text in more if text)
            parts.append(clean(f"    candidate {candidate['number']}{mark}{kind}: {size}{checked}"))
            parts += [clean(f"      tests weakened: {text}") for text in candidate.get("weakened", [])]
        parts += [f"    {clean(run[said])}" for said in ("verdict", "saved") if run.get(said)]
    return "\n".join(parts)


def task(answer: dict[str, Any]) -> str:
    """Who works on the changed task from now on, and who only later."""
    lines = ["the task is changed"]
    if told := ", ".join(map(str, answer["agents"])):
        lines.append(f"told agent {told}")
    if later := ",".join(map(str, answer["later"])):
        lines.append(f"agent {later} has no process: it hears of it when resumed (kage resume {later})")
    return "\n".join(lines)


def tests(entry: dict[str, Any]) -> str:
    """``pytest: 3 passed, 1 failed``."""
    return f"{entry['runner']}: {entry['passed']} passed, {entry['failed']} failed"


def summary(answer: dict[str, Any]) -> str:
    """What agents did, a paragraph each."""
    parts = []
    for agent in answer["agents"]:
        role = f"+{agent['role']}" if agent["role"] else ""
        lines = [f"agent {agent['number']} {clean(agent['player'] + role)}: {agent['state']}"]
        lines += [f"  {clean(line)}" for line in (agent["words"] or agent["reason"]).splitlines()]
        lines += [f"  changed  {clean(path)}" for path in agent["files"]]
        for ran in agent["commands"]:
            code = "?" if ran["exit"] is None else ran["exit"]
            lines.append(f"  ran      {clean(ran['command'].splitlines()[0])[:100]} → exit {code}")
        lines += [f"  tests    {tests(entry)}" for entry in agent["tests"]]
        tokens = f"{agent['tokens_in']} in ({agent['tokens_cached']} cached), {agent['tokens_out']} out"
        calls = count(agent["calls"], "model call")
        if agent["restarts"]:
            calls += f" (with those before {count(agent['restarts'], 'restart')})"
        lines.append(f"  {calls}, {tokens}, {money(agent['cost_usd'])}, {agent['seconds']:.0f} s")
        parts.append("\n".join(lines))
    return "\n".join(parts)


def roles(rows: list[dict[str, Any]]) -> str:
    """One line a role; some describe themselves at length."""
    width = max((len(clean(row["name"])) for row in rows), default=0)
    told = [(clean(row["name"]), clean(row["description"])) for row in rows]
    return "\n".join(
        f"{name:<{width}}  {text if len(text) <= 100 else text[:99] + '…'}".rstrip() for name, text in told
    )


def role(row: dict[str, Any]) -> str:
    """A role whole, with where it comes from."""
    text = "\n".join(clean(line) for line in row["text"].splitlines())
    return f"{clean(row['name'])}: {clean(row['description'])}\nfrom {clean(row['source'])}\n\n{text}"


def event(entry: dict[str, Any]) -> list[str]:
    """A log event as lines."""
    when = time.strftime("%H:%M:%S", time.localtime(entry.get("t", 0)))
    kind = entry.get("kind", "")
    if kind == "state":
        text = f"{entry.get('state', '')}: {entry.get('reason') or entry.get('activity') or ''}"
    elif kind == "tool":
        text = f"{entry.get('name', '')} {entry.get('args', '')}"
    elif kind == "result":
        text = f"→ {entry.get('text', '')}"
    elif kind == "usage":
        tokens = f"{entry.get('tokens_in', 0)} in, {entry.get('tokens_out', 0)} out"
        text = f"{tokens}, {money(entry.get('cost_usd'))}"
    elif kind == "call":
        text = f"step {entry.get('step', '')}"
    elif kind == "candidate":
        files = ", ".join(map(str, entry.get("files", []))) or "nothing changed"
        text = f"{str(entry.get('commit', ''))[:12]}: {files}"
    else:
        text = str(entry.get("text", ""))
    lines = text.splitlines() or [""]
    return [f"{when} {kind:<8} {clean(lines[0])}", *(f"{'':17} {clean(line)}" for line in lines[1:40])]


def landed(answer: dict[str, Any]) -> str:
    """What a landing, or its undoing, did to each file."""
    words = {"buffer": " (in the editor)", "buffer-modified": " (in the editor, not saved)"}
    lines = [
        f"{entry['action']:<8} {clean(entry['path'])}{words.get(entry['where'], '')}"
        for entry in answer["files"]
    ]
    if commits := answer.get("commits"):
        lines.append(f"{count(len(commits), 'commit')} on {clean(answer['branch'])}: {commits[-1][:10]}")
    lines += [clean(line) for note in answer.get("notes", []) for line in note.splitlines()]
    return "\n".join(lines)


def history(landings: list[dict[str, Any]]) -> str:
    """One line a landing, newest first."""
    lines = []
    for entry in landings:
        when = time.strftime("%Y-%m-%d %H:%M", time.localtime(entry["created"]))
        numbers = entry.get("numbers") or [entry["number"]]
        which = f"candidate{'s' if len(numbers) > 1 else ''} {', '.join(map(str, numbers))}"
        what = f"run {entry['run']} {which}, {count(len(entry['files']), 'file')}"
        if entry.get("commit"):
            what = f"run {entry['run']} {which}, " if entry["state"] == "branch" else f"{what}, "
            what += f"commit {entry['commit'][:10]} on {clean(entry['branch'])}"
        lines.append(f"{entry['id']:>4} {when} {entry['state']:<9} {what}")
    return "\n".join(lines) or "no landings here"


def cost(answer: dict[str, Any]) -> str:
    """Sums of tokens and money: of the run by agent and player, of today here and everywhere, of budgets."""
    lines = []
    if answer["id"]:
        lines.append(_sums(f"run {answer['id']}", answer["run"]))
        lines += [_agent_sums(row) for row in answer["agents"]]
        lines += [_sums(f"  @{clean(name)}", total) for name, total in sorted(answer["players"].items())]
    lines.append(_sums("today, here", answer["today"]))
    lines += [_sums(f"  @{clean(name)}", total) for name, total in sorted(answer["today_players"].items())]
    lines.append(_sums("today, everywhere", answer["everywhere"]))
    lines += [budget(entry) for entry in answer["budgets"]]
    if answer["unmetered"]:
        numbers = ", ".join(map(str, answer["unmetered"]))
        lines.append(f"unmetered: agent {numbers}; what it spends is neither seen nor limited here")
    return "\n".join(lines)


def outgoing(calls: list[dict[str, Any]]) -> str:
    """What was sent, call by call: when, for whom, where to, how much, with what new in it."""
    lines = [] if calls else ["nothing was sent to any model"]
    for call in calls:
        when = time.strftime("%Y-%m-%d %H:%M:%S", time.localtime(call["time"]))
        where = clean(" at ".join(part for part in (call["provider"], call["address"]) if part))
        tokens = f", {call['tokens_in']:,} tokens in" if call.get("tokens_in") else ""
        lines.append(
            f"{when}  agent {call['agent']} @{clean(call['player'])} → {where} ({clean(call['model'])}):"
            f" {call['bytes']:,} bytes{tokens}, {call['status']}"
        )
        if call["secrets"]:
            kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(call["secrets"].items()))
            lines.append(f"    placeholders for {kinds}")
        if call["kept"]:
            lines.append(f"    {call['kept']} messages as in the call before")
        for message in call["messages"]:
            lines.append(f"    {message['role']}, {message['bytes']:,} bytes: {_said(message)}")
    return "\n".join(lines)


def _said(message: dict[str, Any]) -> str:
    if "message" in message:
        return clean(json.dumps(message["message"], ensure_ascii=False))
    return clean(message["first"])


def budget(entry: dict[str, Any]) -> str:
    """A limit with what is left of it."""

    def amount(value: float) -> str:
        return f"${value:.4f}" if entry["name"].endswith("_usd") else f"{value:,.0f} tokens"

    whose = f" of agent {entry['agent']}" if entry["agent"] else ""
    held = f", {amount(entry['held'])} held by calls under way" if entry["held"] else ""
    left = f"{amount(entry['left'])} of {amount(entry['limit'])} left"
    return f"budget {entry['name']}{whose}: {left} ({amount(entry['spent'])} spent{held})"


def _agent_sums(row: dict[str, Any]) -> str:
    name = f"  {row['number']} {clean(row['player'])}"
    return f"{name:<18} unmetered" if row["unmetered"] and not row["calls"] else _sums(name, row)


def _sums(name: str, total: dict[str, Any]) -> str:
    if not total["calls"]:
        return f"{name:<18} no calls"
    unpriced = f", {count(total['unpriced_calls'], 'call')} unpriced" if total["unpriced_calls"] else ""
    tokens = f"{total['tokens_in']} in ({total['tokens_cached']} cached), {total['tokens_out']} out"
    return f"{name:<18} {money(total['cost_usd']):>9}  {count(total['calls'], 'call')}, {tokens}{unpriced}"


def checks(rows: list[dict[str, Any]]) -> str:
    """What Kage needs, one line each, with the fix where something is missing."""
    lines = []
    for row in rows:
        lines.append(f"{'ok ' if row['ok'] else 'NO '} {row['name']:<9} {clean(row['found'])}")
        if row["fix"]:
            lines.append(f"              {row['fix']}")
    return "\n".join(lines)


def contrast(table: list[dict[str, Any]]) -> str:
    """The table of ``kage contrast``, at most 80 columns wide where it can be."""
    widths = [
        max(len(cell) for cell in column) for column in zip(*(row["cells"] for row in table), strict=True)
    ]
    last = max(len(row["how"]) for row in table)
    first = max(18, min(60, 80 - last - 2 - sum(width + 2 for width in widths)))
    lines = []
    for row in table:
        text = clean(("  " if row["level"] in ("symbol", "note") else "") + row["text"])
        text = text.encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
        if row["level"] == "note":
            lines.append(text)
            continue
        text = text if len(text) <= first else text[: first - 1] + "…"
        cells = [clean(cell).rjust(width) for cell, width in zip(row["cells"], widths, strict=True)]
        lines.append("  ".join([text.ljust(first), *cells, row["how"]]).rstrip())
    return "\n".join(lines)
