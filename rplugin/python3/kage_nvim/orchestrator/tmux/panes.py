"""Agents' panes in tmux: made beside the editor, found again, hidden and shown, and ended.

Panes are known by their id alone, so the user's indexes, names and default shell do not matter; children
are argument lists started with an environment of their own, so nothing of the tmux server reaches them.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Literal, NamedTuple

from libtmux import Pane, Server
from libtmux.exc import LibTmuxException

from kage_nvim.errors import KageError
from kage_nvim.orchestrator.tmux import curtain, placement
from kage_nvim.orchestrator.tmux.placement import RUN, SESSION, TAG, Home
from kage_nvim.orchestrator.tmux.server import TmuxFailed, binary, literal, run_tmux

Place = Literal["beside", "window", "hidden"]


class PaneRequest(NamedTuple):
    """One agent to start: its number, the pane's title, its argument list, its whole environment, its run."""

    number: int
    title: str
    argv: list[str]
    env: dict[str, str]
    run: str = ""


class PaneInfo(NamedTuple):
    """Where an agent's pane is. Pane ids are unique on the server of that socket only."""

    pane_id: str
    window_id: str
    socket: str


class PaneState(NamedTuple):
    """A pane of ours as tmux sees it; ``status`` is the exit code once ``dead``, when tmux knows one."""

    pane_id: str
    pid: int
    dead: bool
    status: int | None
    window_id: str
    number: int
    run: str
    hidden: bool


class Panes:
    """The panes of one tmux server: the user's when the editor runs inside tmux, else Kage's own.

    ``tmux`` and ``tmux_pane`` are the editor's ``TMUX`` and ``TMUX_PANE``; ``own_socket`` is the socket of
    Kage's own server. Panes opened earlier are reached again by their ``PaneInfo.socket``: pass it as
    ``own_socket``, without ``tmux``, when it is not the editor's server. All methods block on tmux for some
    milliseconds, so call them in a thread; all raise ``KageError`` with code ``tmux``.
    """

    def __init__(self, tmux: str | None, tmux_pane: str | None, *, own_socket: Path) -> None:
        path = (tmux or "").rsplit(",", 2)[0]
        inside = bool(path and tmux_pane)
        self.own_socket = own_socket
        self.socket = Path(path) if inside else own_socket
        self._editor = tmux_pane if inside else None

    def open(self, requests: Sequence[PaneRequest], place: Place) -> dict[int, PaneInfo]:
        """Start every request in a pane of its own; the focus and the user's panes stay as they are.

        Without a living editor's pane they start in the detached session of Kage's own server, whatever
        ``place`` says. When one cannot be made, those already made are removed again.
        """
        binary()
        home = self._home()
        if home is None:
            self.socket = self.own_socket
        session = home.session if home is not None and place != "hidden" else None
        maker = placement.Maker(self.socket)
        made: list[str] = []
        try:
            if home is not None and place == "beside":
                made += placement.beside(maker, home, len(requests))
            overflow = len(made)
            while len(made) < len(requests):
                made += placement.tiled(maker, session, len(requests) - len(made))
            self._start(made, requests)
            if session is None and overflow < len(made):
                run_tmux(self.socket, [["select-window", "-t", made[overflow]]])
            states = self.list_all()
        except KageError:
            self.kill(maker.born)
            raise
        return {
            request.number: PaneInfo(pane, states[pane].window_id, str(self.socket))
            for request, pane in zip(requests, made, strict=True)
        }

    def list_all(self) -> dict[str, PaneState]:
        """Every pane of ours on this server by id, in one call; empty when the server is gone."""
        fields = (
            "pane_id",
            "pane_pid",
            "pane_dead",
            "pane_dead_status",
            "window_id",
            TAG,
            RUN,
            "session_name",
        )
        form = "\t".join(f"#{{{field}}}" for field in fields)
        try:
            lines = run_tmux(self.socket, [["list-panes", "-a", "-F", form]])
        except TmuxFailed:
            return {}
        found: dict[str, PaneState] = {}
        for line in lines:
            pane, pid, dead, status, window, number, run, session = line.split("\t", 7)
            if number.isdigit():
                code = int(status) if status.isdigit() else None
                hidden = session == SESSION
                found[pane] = PaneState(
                    pane, int(pid or 0), dead == "1", code, window, int(number), run, hidden
                )
        return found

    def alive(self, pane_id: str) -> PaneState | None:
        """The pane's state (it may be dead), or None when there is no such pane of ours."""
        return self.list_all().get(pane_id)

    def focus(self, pane_id: str) -> None:
        """Bring the user to that pane: out of hiding, its window, its session in the editor's client."""
        self.show([pane_id])
        home = self._home()
        server = Server(socket_path=str(self.socket), tmux_bin=binary())
        try:
            pane = Pane.from_pane_id(server, pane_id)
            pane.window.select()
            pane.cmd("select-pane", "-Z")
            if home is not None and pane.session_id != home.session:
                clients = server.cmd("list-clients", "-t", home.session, "-F", "#{client_name}")
                for client in clients.stdout:
                    server.cmd("switch-client", "-c", client, "-t", pane_id)
        except LibTmuxException as error:
            raise TmuxFailed(str(error) or f"there is no pane {pane_id}") from error

    def hide(self, pane_ids: Sequence[str]) -> None:
        """Take the panes out of the user's windows; they go on in the detached session."""
        if self._editor is not None:
            curtain.hide(self.socket, self._home(), pane_ids)

    def show(self, pane_ids: Sequence[str]) -> None:
        """Bring hidden panes back to the place and size that they had, as far as there is room."""
        home = self._home()
        if home is not None:
            curtain.show(self.socket, home, pane_ids)

    def kill(self, pane_ids: Sequence[str]) -> None:
        """Remove those panes; one that is gone already is no error. A zoomed editor stays zoomed."""
        before = self._home()
        for pane in pane_ids:
            with suppress(TmuxFailed):
                run_tmux(self.socket, [["kill-pane", "-t", pane]])
        if before is not None and before.zoomed and before.active not in pane_ids:
            after = self._home()
            if after is not None and not after.zoomed and len(list(after.root.panes())) > 1:
                run_tmux(self.socket, before.zoom_again())

    def kill_run(self, run: str) -> None:
        """Remove all panes of a run."""
        self.kill([pane.pane_id for pane in self.list_all().values() if pane.run == run])

    def attach_argv(self) -> list[str]:
        """The command that shows the agents in a terminal, also in a terminal inside tmux."""
        target = ["-t", f"={SESSION}"] if placement.find_session(self.socket) else []
        return ["env", "-u", "TMUX", binary(), "-S", str(self.socket), "attach-session", *target]

    def set_title(self, pane_id: str, title: str) -> None:
        """Name a pane; what tmux would expand in the title stands for itself."""
        run_tmux(self.socket, [_title(pane_id, title)])

    def respawn(self, pane_id: str, argv: Sequence[str], env: Mapping[str, str] | None = None) -> None:
        """Start another child in that pane; the one that runs there is killed."""
        run_tmux(self.socket, [_respawn(pane_id, argv, env or {}, self._term())])

    def _home(self) -> Home | None:
        return placement.find_home(self.socket, self._editor)

    def _term(self) -> str:
        return run_tmux(self.socket, [["show-options", "-sv", "default-terminal"]])[0]

    def _start(self, panes: Sequence[str], requests: Sequence[PaneRequest]) -> None:
        commands: list[list[str]] = []
        term = self._term()
        for pane, request in zip(panes, requests, strict=True):
            commands += [
                ["set-option", "-p", "-t", pane, "remain-on-exit", "on"],
                # Quiet, for tmux 3.2 has no such option and lets nothing through.
                ["set-option", "-pq", "-t", pane, "allow-passthrough", "off"],
                ["set-option", "-p", "-t", pane, TAG, str(request.number)],
                ["set-option", "-p", "-t", pane, RUN, request.run],
                _title(pane, request.title),
                _respawn(pane, request.argv, request.env, term),
            ]
        run_tmux(self.socket, commands)


def _title(pane: str, title: str) -> list[str]:
    return ["select-pane", "-t", pane, "-T", literal(title)]


def _respawn(pane: str, argv: Sequence[str], env: Mapping[str, str], term: str) -> list[str]:
    """Several arguments, so that no shell reads them; ``env -i``, so that the server's environment ends."""
    words = [f"{name}={value}" for name, value in {"TERM": term, **env}.items()]
    return ["respawn-pane", "-k", "-t", pane, "env", "-i", *words, *argv]
