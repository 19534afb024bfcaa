"""The first program in a CLI's sandbox: it makes the CLI's way out, prepares its folder and starts it.

Run as ``python -I -S forward.py START`` by an interpreter that brings its standard library and nothing else,
so it imports nothing of Kage's. ``START`` is a JSON file:

    {"ports": [[PORT, SOCKET], …], "folders": [PATH, …], "task": [PATH, TEXT], "files": {PATH: TEXT},
     "copies": [[FROM, TO], …], "command": [WORD, …], "env": {NAME: VALUE}}

Each port of the sandbox's own loopback is carried to a unix socket, byte for byte; files are written, and
copied, unless something is there. The CLI has this program's standard streams; its exit code is this
program's, and signals that come here are passed on to it.
"""

import errno
import json
import os
import signal
import socket
import sys
import threading

PIECE = 65536
PASSED = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGQUIT, signal.SIGWINCH, signal.SIGCONT)


def main() -> int:
    """See the module."""
    with open(sys.argv[1], "rb") as file:  # noqa: PTH123 (pathlib takes longer to import than all of this)
        start = json.load(file)
    for folder in start["folders"]:
        os.makedirs(folder, mode=0o700, exist_ok=True)  # noqa: PTH103
    path, text = start["task"]
    put(path, text.encode("utf-8", "replace"), instead=True)
    for source, target in start["copies"]:
        copy(source, target)
    for path, text in start["files"].items():
        put(path, text.encode("utf-8", "replace"))
    ports = [(socket.create_server(("127.0.0.1", port), backlog=64), way) for port, way in start["ports"]]
    child = launch(start["command"], {**os.environ, **start["env"]})
    for carried in ports:  # after the fork, which knows no threads; who connects before is waiting by then
        threading.Thread(target=serve, args=carried, daemon=True).start()
    for number in PASSED:
        signal.signal(number, lambda got, _frame: os.kill(child, got))
    while True:
        try:
            _, status = os.waitpid(child, 0)
        except InterruptedError:
            continue
        return os.WEXITSTATUS(status) if os.WIFEXITED(status) else 128 + os.WTERMSIG(status)


def put(path: str, content: bytes, instead: bool = False) -> None:
    """Write a file of mode 0600 with its folders, unless there is one, or ``instead`` of it."""
    os.makedirs(os.path.dirname(path), mode=0o700, exist_ok=True)  # noqa: PTH103, PTH120
    try:
        made = os.open(path, os.O_WRONLY | os.O_CREAT | (os.O_TRUNC if instead else os.O_EXCL), 0o600)
    except FileExistsError:
        return
    with os.fdopen(made, "wb") as file:
        file.write(content)


def copy(source: str, target: str) -> None:
    """Copy the files below a folder."""
    for folder, _, names in os.walk(source):
        for name in names:
            path = os.path.join(folder, name)  # noqa: PTH118
            with open(path, "rb") as file:  # noqa: PTH123
                put(target + path[len(source) :], file.read())


def launch(command: "list[str]", env: "dict[str, str]") -> int:
    """Start the CLI; a command that cannot be started says why and ends as shells have it."""
    if os.isatty(0):
        own_terminal()
    child = os.fork()
    if child:
        return child
    try:
        if os.isatty(0):
            foreground()
        for number in PASSED:
            signal.signal(number, signal.SIG_DFL)
        os.execvpe(command[0], command, env)
    except OSError as error:
        os.write(2, f"{command[0]}: {error.strerror}\n".encode())
        os._exit(127 if error.errno == errno.ENOENT else 126)


def foreground() -> None:
    """Have the terminal's keys for the CLI's own group: a Ctrl-C passed on, too, would reach it twice."""
    os.setpgid(0, 0)
    before = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
    os.tcsetpgrp(0, os.getpid())
    signal.signal(signal.SIGTTOU, before)


def own_terminal() -> None:
    """Make the terminal on standard input the controlling one, so that its keys and sizes reach the CLI."""
    import fcntl
    import termios

    try:
        if os.getpid() != os.getsid(0):
            os.setsid()
        fcntl.ioctl(0, termios.TIOCSCTTY, 0)
    except OSError:
        pass


def serve(listening: socket.socket, target: str) -> None:
    """Carry each connection to the unix socket."""
    while True:
        inner, _ = listening.accept()
        outer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        try:
            outer.connect(target)
        except OSError:
            inner.close()
            outer.close()
            continue
        for source, sink in ((inner, outer), (outer, inner)):
            threading.Thread(target=pump, args=(source, sink), daemon=True).start()


def pump(source: socket.socket, sink: socket.socket) -> None:
    """One direction, until it ends; the other may go on."""
    try:
        while piece := source.recv(PIECE):
            sink.sendall(piece)
        sink.shutdown(socket.SHUT_WR)
    except OSError:
        end(source)
        end(sink)


def end(connection: socket.socket) -> None:
    """Hang up, if that is still to be done."""
    try:  # noqa: SIM105 (contextlib takes longer to import)
        connection.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass


if __name__ == "__main__":
    sys.exit(main())
