"""How a third-party CLI is started: its words filled in, its environment, its way into the sandbox.

    /run/kage/gate/        the relay's sockets      /run/kage/start.json   what the forwarder is to do
    /run/kage/forward.py   the forwarder            /run/kage/expose/      copies of the user's own login

With ``sandbox = "off"`` the same files are used where they lie, and the gateway's port on loopback is the
way out.
"""

from __future__ import annotations

import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec

from kage_nvim import sandbox
from kage_nvim.agent_runtime.clis import forward
from kage_nvim.agent_runtime.clis.relay import Relay
from kage_nvim.description import Description
from kage_nvim.errors import KageError
from kage_nvim.model import AgentSpec, Profile
from kage_nvim.sandbox.bwrap import SYSTEM

INSIDE = "/run/kage"
PORT = 4480
"""The gateway's port inside: each sandbox has a loopback of its own."""
PROXY_PORT = 4481
LONGEST = 100_000
"""Bytes of a task that is handed over as an argument; a longer one is named by its file."""


class Start:
    """One agent's CLI, ready to be started any number of times."""

    def __init__(self, spec: AgentSpec, description: Description) -> None:
        self.description = description
        self._spec = spec
        profile = spec.profile
        self._folder = Path(profile.env["HOME"]).parent / "etc"
        self._confined = profile.mode != "off"
        tmp = profile.env.get("TMPDIR", "/tmp").rstrip("/")
        self.task_file = f"{tmp}/kage-task.md"
        self.state = f"{tmp}/kage-cli"
        hosts = description.hosts if spec.direct and self._confined else []
        self.relay = Relay(self._folder / "gate", Path(spec.daemon).parent, spec.gateway, hosts)
        self._profile = self._opened(profile) if self._confined else profile

    def argv(
        self,
        template: Sequence[str],
        *,
        task: str,
        message: str = "",
        session: str = "",
        env: Mapping[str, str] | None = None,
    ) -> list[str]:
        """The whole command line, from the sandbox to the CLI; writes the file that the forwarder reads.
        ``env`` wins over the description's.

        Raises:
            KageError: there is no sandbox, or no gateway to be reached without one.
        """
        values = self._values(task, message, session)
        start = {
            "ports": self._ports(),
            "folders": [self.state],
            "task": [self.task_file, task],
            "files": {
                str(Path(values["{home}"], filled(path, values))): filled(text, values)
                for path, text in self._files().items()
            },
            "copies": self._copies(),
            "command": self._command(template, values),
            "env": {**self.environment(), **(env or {})},
        }
        path = self._folder / "start.json"
        draft = self._folder / "start.json.new"
        draft.touch(mode=0o600)
        draft.write_text(json.dumps(start), "utf-8")
        draft.replace(path)
        program = f"{INSIDE}/forward.py" if self._confined else forward.__file__
        begin = f"{INSIDE}/start.json" if self._confined else str(path)
        python = str(Path(sys.executable).resolve())
        return sandbox.argv(self._profile_of(path), [python, "-I", "-S", program, begin])

    def environment(self) -> dict[str, str]:
        """What the CLI's environment has beside the slot's own."""
        values = self._values("", "", "")
        env = {k: filled(v, values) for k, v in self.description.env.items() if self._holds(v)}
        if self._spec.direct and self._confined:
            proxy = f"http://127.0.0.1:{PROXY_PORT}"
            env |= {"HTTPS_PROXY": proxy, "https_proxy": proxy, "NO_PROXY": "127.0.0.1,localhost"}
        return env

    def filled(self, text: str) -> str:
        """A path of the description, filled in."""
        return filled(text, self._values("", "", ""))

    async def read(self, path: str, limit: int = 20_000_000) -> bytes:
        """A file that the CLI wrote, read inside, where its links lead nowhere."""
        done = await sandbox.run(
            self._spec.profile, ["head", "-c", str(limit), "--", path], timeout=20, output_limit=2 * limit
        )
        return done.output if done.returncode == 0 else b""

    def _values(self, task: str, message: str, session: str) -> dict[str, str]:
        env = self._spec.profile.env
        if len(task.encode("utf-8", "replace")) > LONGEST:
            task = f"Your task is written in the file {self.task_file}. Read all of it, then do it."
        return {
            "{task}": task,
            "{task_file}": self.task_file,
            "{message}": message,
            "{model}": self.description.model,
            "{session}": session,
            "{base_url}": self._base_url(),
            "{token}": self._spec.token,
            "{worktree}": self._spec.profile.worktree,
            "{home}": env["HOME"],
            "{tmp}": env.get("TMPDIR", "/tmp"),
            "{state}": self.state,
            "{python}": str(Path(sys.executable).resolve()),
        }

    def _command(self, template: Sequence[str], values: Mapping[str, str]) -> list[str]:
        words: list[str] = []
        for word in template:
            if word == "{permissions}":
                cli = self.description
                words += cli.ask if self._spec.permissions == "ask" else cli.allow
            elif word != "{routed}":
                words.append(filled(word, values))
            elif not self._spec.direct:
                words += [filled(routed, values) for routed in self.description.routed]
        return words

    def _holds(self, text: str) -> bool:
        """Whether a value makes sense: one that names the gateway does not, beside a login of its own."""
        return not (self._spec.direct and ("{base_url}" in text or "{token}" in text))

    def _files(self) -> dict[str, str]:
        return {path: text for path, text in self.description.files.items() if self._holds(text)}

    def _base_url(self) -> str:
        if self._confined or self._spec.direct:
            return f"http://127.0.0.1:{PORT}"
        try:
            facts = json.loads((Path(self._spec.daemon).parent / "gateway.json").read_bytes())
            return f"http://127.0.0.1:{int(facts['port'])}"
        except (OSError, ValueError, KeyError) as error:
            raise KageError(f"the gateway's port is not known ({error})", code="gateway") from error

    def _ports(self) -> list[tuple[int, str]]:
        if not self._confined:
            return []
        if self._spec.direct:
            return [(PROXY_PORT, f"{INSIDE}/gate/proxy")]
        return [(PORT, f"{INSIDE}/gate/gate")]

    def _copies(self) -> list[tuple[str, str]]:
        """Exposed files: bound by kaged's word, found where they lie when nothing is bound."""
        target = f"{INSIDE}/expose"
        sources = [source for source, to in self._spec.profile.binds if to == target]
        return [(target if self._confined else source, self._spec.profile.env["HOME"]) for source in sources]

    def _opened(self, profile: Profile) -> Profile:
        binds = [*profile.binds, (str(self._folder / "gate"), f"{INSIDE}/gate")]
        binds.append((forward.__file__, f"{INSIDE}/forward.py"))
        return msgspec.structs.replace(profile, binds=binds, readable=[*profile.readable, *interpreter()])

    def _profile_of(self, start: Path) -> Profile:
        if not self._confined:
            return self._profile
        binds = [*self._profile.binds, (str(start), f"{INSIDE}/start.json")]
        return msgspec.structs.replace(self._profile, binds=binds)


def filled(text: str, values: Mapping[str, Any]) -> str:
    """A string with its placeholders replaced, each once: what is put in is never looked into."""
    parts, rest = [], text
    while (at := rest.find("{")) >= 0:
        name = next((name for name in values if rest.startswith(name, at)), None)
        parts.append(rest[:at] + (str(values[name]) if name else "{"))
        rest = rest[at + len(name or "{") :]
    return "".join([*parts, rest])


def interpreter() -> list[str]:
    """What of this process's Python must be readable for the forwarder to run: nothing, if it is the
    system's; else the program, the standard library and the library it is linked with."""
    program = Path(sys.executable).resolve()
    library = Path(os.__file__).parent
    parts = [program, library, *sorted(Path(sys.base_prefix, "lib").glob("libpython3*.so*"))]
    return [str(part) for part in parts if not any(part.is_relative_to(root) for root in SYSTEM)]
