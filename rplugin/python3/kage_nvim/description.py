"""A third-party CLI agent as data: how it is started, spoken to, and understood.

The built-in ones are in ``agent_runtime/players/``, one file each; a package adds its own through the entry
point ``kage.players``, a user through a ``[clis.NAME]`` table in ``config.toml``.

Every string of the commands, of ``env`` and of ``files`` may hold these placeholders:

    {task} {task_file}   what the agent is told, as text and as the path of a file with it
    {message}            what the user said later (in ``resume``), or what the input line is to say
    {model}              the model's name as the CLI is to see it
    {session}            the conversation's id, from an event of kind ``session``
    {base_url}           the gateway as the CLI reaches it, without a path: ``http://127.0.0.1:PORT``
    {token}              the agent's own token for the gateway; never a provider's key
    {worktree} {home} {tmp} {state}   folders; ``state`` is one that only this agent's CLI uses
    {python}             an interpreter that is there for hook programs
    {routed}             as a word of a command: the words of ``routed``, unless the CLI signs in by itself
    {permissions}        as a word of a command: the words of ``allow``, or of ``ask`` when the player says so

With its own login a CLI does not know of the gateway: what holds ``{base_url}`` or ``{token}`` in ``env`` and
``files`` is then left out.
"""

from __future__ import annotations

from typing import Any, Literal

import msgspec

Wire = Literal["chat", "responses", "messages", "gemini"]
"""OpenAI chat completions, OpenAI responses, Anthropic messages, Gemini generateContent."""

Kind = Literal[
    "session",  # id
    "text",  # text: what the model says
    "tool",  # id, name, args: a call begins
    "result",  # id, text, ok: what came of it
    "usage",  # tokens_in, tokens_cached, tokens_out, cost_usd, by the tool's own count
    "heard",  # text: a message of the user's was taken in
    "working",  # text
    "retrying",  # text: its provider failed, it tries again
    "waiting",  # text: for what the user is needed; name: permission, question or trust
    "done",  # text: the terminal event, a turn that ended well
    "failed",  # text: the terminal event, a turn that ended badly
    "interrupted",  # text
]


class EventRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What one event of the CLI means. Its events are the JSON objects, one a line, that it prints (or writes
    to the file ``report``, which is read whole when it ends); a line that is none is ``{"line": text}``.
    Every rule that fits makes an event.

    ``when`` maps dotted paths into the event to what must be there: a value; a list, one of which it must be;
    ``true``, for anything but null, false and empty, ``false`` for those; ``"~REGEX"``, to be found in the
    text. ``each`` is the path of a list whose items are events of their own, with ``when`` and the fields
    relative to the item; a path that begins with ``^`` is one into the whole event.
    ``fields`` maps the names listed at ``Kind`` to paths, or, with a leading ``=``, to fixed words; ``?name``
    is a group of ``when``'s regular expressions, ``!path`` is true where nothing or false is, and ``a+b``
    adds numbers or, of two texts, takes the first that is not empty.
    """

    when: dict[str, Any] = {}
    each: str = ""
    kind: Kind
    fields: dict[str, str] = {}


class ScreenRule(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What a screen means when nothing better is known: the first rule that fits wins.

    ``all`` must be found, ``any`` at least one of them, ``none`` must not: regular expressions, by line, in
    the last ``lines`` lines that are not blank. ``last`` is a pair: of the lines that the first is found in,
    the last one must hold the second, too, which tells the newest of similar lines from what has scrolled up.
    ``title`` rules look at the terminal's title instead.
    """

    state: Literal["starting", "working", "waiting", "done", "failed", "stopped", "interrupted"]
    reason: str = ""
    waiting: Literal["", "permission", "question", "trust"] = ""
    all: list[str] = []
    any: list[str] = []
    none: list[str] = []
    last: list[str] = []
    lines: int = 20
    title: bool = False


class Description(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """One CLI.

    ``provider`` is the litellm provider of model names without one (``sonnet`` of claude is Anthropic's),
    ``model`` the model when the user names none. ``prompt`` says how a one-shot run gets the task: as an
    argument (its command holds ``{task}`` or ``{task_file}``), or on standard input, as text or as one JSON
    line: ``input_line``, in which ``{message}`` stands for the text as a JSON string. With ``steerable`` its
    input stays open and takes such lines while it works; an event of kind ``heard`` confirms each.
    ``login`` are the files below home that hold its own login, ``hosts`` those it has to reach when it uses
    it. ``files`` are written into its home before it starts, unless they are there.
    """

    name: str
    title: str
    program: str
    install: str
    wire: Wire
    provider: str
    model: str = ""
    oneshot: list[str] = []
    resume: list[str] = []
    interactive: list[str] = []
    resume_interactive: list[str] = []
    routed: list[str] = []
    allow: list[str] = []
    ask: list[str] = []
    prompt: Literal["argument", "stdin", "json"] = "argument"
    input_line: str = ""
    steerable: bool = False
    env: dict[str, str] = {}
    files: dict[str, str] = {}
    login: list[str] = []
    hosts: list[str] = []
    report: str = ""
    tail: str = ""
    """A file of events that its own screen's hooks write, one JSON object a line; it is read as it grows."""
    tail_ends: bool = True
    """These events tell how a turn ends; else the screen does."""
    events: list[EventRule] = []
    screens: list[ScreenRule] = []
    interrupt_keys: str = "\x1b"
    """What is typed into its own screen to interrupt it."""
    yes_keys: str = ""
    no_keys: str = ""
    """What is typed for yes and for no when its screen asks for a permission and lists no numbers."""
    commits: bool = False
    """It commits by itself, which changes nothing here: a candidate is what the files say."""
    litter: list[str] = []
    """What it leaves lying in the worktree for itself, in gitignore's syntax: never part of a candidate."""
    acp: list[str] = []
    """Its command when it speaks the Agent Client Protocol on its standard streams."""
