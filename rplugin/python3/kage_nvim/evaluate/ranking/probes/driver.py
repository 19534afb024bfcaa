"""Runs in the sandbox, on a candidate's tree: calls functions and says what came of each call.

It stands alone: its text, with the jobs, is a program for the project's own Python (3.8 or newer).
The first process never loads the candidate's code. A child of it does, makes one call after another and tells
each through a pipe; a call that takes too long, or that ends the child, costs that child only.
"""

from __future__ import annotations

import ast
import importlib
import importlib.util
import io
import json
import os
import re
import resource
import select
import signal
import sys
import time
from contextlib import redirect_stderr, redirect_stdout, suppress
from types import ModuleType
from typing import Any, Dict, Iterator  # noqa: UP035

Job = Dict[str, Any]  # noqa: UP006

LONGEST = 2000
"""Characters of a value that are compared."""
MOST_ITEMS = 10_000
"""Items of a value that are looked at."""
LOST = 4
"""After so many calls that did not come back nothing more is called."""
LOST_CALL = {"type": "", "key": "", "mutated": False, "printed": ""}
_ADDRESS = re.compile(r" at 0x[0-9a-fA-F]+")


def canonical(value: Any, depth: int = 0, seen: list[int] | None = None) -> str:
    """A text that is the same for equal values, whatever the order of sets and the last digits of floats."""
    seen = seen if seen is not None else [0]
    seen[0] += 1
    if seen[0] > MOST_ITEMS or depth > 40:
        return "…"
    kind = type(value)
    if kind is float:
        text = f"{value:.9g}"
        return text if "e" in text or "." in text else text + ".0"
    if kind is complex:
        return f"({canonical(value.real)},{canonical(value.imag)}j)"
    if kind in (list, tuple):
        inner = ",".join(canonical(item, depth + 1, seen) for item in value)
        return f"[{inner}]" if kind is list else f"({inner})"
    if kind in (set, frozenset):
        return "{" + ",".join(sorted(canonical(item, depth + 1, seen) for item in value)) + "}"
    if isinstance(value, dict):
        pairs = [(canonical(k, depth + 1, seen), canonical(v, depth + 1, seen)) for k, v in value.items()]
        return "{" + ",".join(f"{key}:{item}" for key, item in sorted(pairs)) + "}"
    if hasattr(value, "__next__") and hasattr(value, "__iter__"):
        items = []
        for item in value:
            items.append(canonical(item, depth + 1, seen))
            if len(items) > 1000:
                break
        return f"{kind.__name__}[{','.join(items)}]"
    return _ADDRESS.sub("", repr(value))


def load(job: Job) -> ModuleType:
    """The module of the candidate that is probed."""
    for root in reversed(job["roots"]):
        sys.path.insert(0, os.path.abspath(root))  # noqa: PTH100
    if job["package"]:
        return importlib.import_module(job["package"])
    name = os.path.basename(job["path"])[:-3]  # noqa: PTH119
    spec = importlib.util.spec_from_file_location(name, job["path"])
    if spec is None or spec.loader is None:
        raise ImportError(job["path"])
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def call(module: ModuleType, text: str) -> dict[str, Any]:
    """Make one call; ``text`` is an expression in the module's own names."""
    tree = ast.parse(text, mode="eval").body
    names = vars(module)

    def value(node: ast.expr) -> Any:
        return eval(compile(ast.Expression(node), "<probe>", "eval"), names)

    told: dict[str, Any] = {}
    before, given, plain = "", [], False
    out = io.StringIO()
    with redirect_stdout(out), redirect_stderr(io.StringIO()):
        try:
            if isinstance(tree, ast.Call) and isinstance(tree.func, ast.Name):
                function = value(tree.func)
                given = [value(arg) for arg in tree.args]
                named = {word.arg: value(word.value) for word in tree.keywords if word.arg}
                before, plain = canonical(given), True
                result = function(*given, **named)
            else:
                result = value(tree)
            told = {"kind": "value", "type": type(result).__name__, "key": canonical(result)[:LONGEST]}
        except Exception as error:
            told = {"kind": "raise", "type": type(error).__name__, "key": str(error)[:200]}
        except SystemExit:
            told = {"kind": "raise", "type": "SystemExit", "key": ""}
    told["mutated"] = plain and canonical(given) != before
    told["printed"] = out.getvalue()[:LONGEST]
    return told


def work(job: Job, first: int, pipe: int) -> None:
    """The child: load, call, tell; begins with the ``first`` call."""
    os.setsid()
    for what, limit in ((resource.RLIMIT_AS, 2 << 30), (resource.RLIMIT_FSIZE, 1 << 20)):
        with suppress(ValueError, OSError):
            resource.setrlimit(what, (limit, limit))
    nothing = os.open(os.devnull, os.O_RDWR)
    for descriptor in (0, 1, 2):
        os.dup2(nothing, descriptor)
    said = os.fdopen(pipe, "w")

    def say(told: dict[str, Any]) -> None:
        said.write(json.dumps(told) + "\n")
        said.flush()

    try:
        module = load(job)
    except BaseException as error:
        say({"at": -1, "kind": "import", "type": type(error).__name__, "key": str(error)[:200]})
        return
    say({"at": -1, "kind": "loaded"})
    for at in range(first, len(job["calls"])):
        say(dict(call(module, job["calls"][at]), at=at))


def child(job: Job, first: int) -> tuple[int, int]:
    """Start a child; returns its pid and the pipe's end."""
    reading, writing = os.pipe()
    pid = os.fork()
    if pid:
        os.close(writing)
        return pid, reading
    try:
        os.close(reading)
        work(job, first, writing)
    except BaseException:
        pass
    finally:
        os._exit(0)


def lines(pipe: int, limit: float, deadline: float) -> Iterator[dict[str, Any]]:
    """What a child tells, line by line, until it ends or takes longer than ``limit`` for one."""
    held = b""
    while True:
        until = min(time.monotonic() + limit, deadline)
        while b"\n" not in held:
            left = until - time.monotonic()
            if left <= 0 or not select.select([pipe], [], [], left)[0]:
                yield {"kind": "timeout"}
                return
            piece = os.read(pipe, 65536)
            if not piece:
                return
            held += piece
        line, held = held.split(b"\n", 1)
        yield json.loads(line.decode("utf-8", "replace"))


def probe(job: Job) -> dict[str, Any]:
    """All calls of a job, in order: what came of each; those not made are missing."""
    found: dict[int, dict[str, Any]] = {}
    deadline = time.monotonic() + job["total"]
    first, lost = 0, 0
    while first < len(job["calls"]) and lost < LOST and time.monotonic() < deadline:
        pid, pipe = child(job, first)
        loaded = False
        ended = "died"
        try:
            for told in lines(pipe, job["seconds"], deadline):
                if told["kind"] == "timeout":
                    ended = "timeout"
                elif told["kind"] == "import":
                    return {"import": f"{told['type']}: {told['key']}", "calls": {}}
                elif told["kind"] == "loaded":
                    loaded = True
                elif isinstance(told.get("at"), int):
                    found[told["at"]] = told
                    first = told["at"] + 1
        except (ValueError, KeyError, TypeError, AttributeError):
            pass
        finally:
            os.close(pipe)
            for kill in (os.killpg, os.kill):
                with suppress(OSError):
                    kill(pid, signal.SIGKILL)
            os.waitpid(pid, 0)
        if not loaded:
            return {"import": "it does not load in time" if ended == "timeout" else "it ends while loading"}
        if first < len(job["calls"]) and time.monotonic() < deadline:
            found[first] = dict(LOST_CALL, at=first, kind=ended)
            first += 1
            lost += 1
    return {"import": "", "calls": found}


def main(jobs: list[Job]) -> None:
    """Do jobs and print what came of all as one line of JSON."""
    sys.stdout.write("\nkage probe: " + json.dumps([probe(job) for job in jobs]) + "\n")
    sys.stdout.flush()
