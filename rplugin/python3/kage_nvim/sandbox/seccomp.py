"""A filter of system calls, for what namespaces do not separate.

Above all the kernel's key rings: a session's ring is inherited into every namespace, so that a command
inside could read the keys that a login outside has put there. The rest is of no use to a build or a test
and has been the way out of many a sandbox. A filtered call answers that it does not exist.
"""

from __future__ import annotations

import errno
import platform
import struct

# Numbers of one call on x86-64, i386, arm64 and 32-bit ARM.
DENIED = {
    "add_key": (248, 286, 217, 309),
    "request_key": (249, 287, 218, 310),
    "keyctl": (250, 288, 219, 311),
    "bpf": (321, 357, 280, 386),
    "perf_event_open": (298, 336, 241, 364),
    "userfaultfd": (323, 374, 282, 388),
    "io_uring_setup": (425, 425, 425, 425),
    "kexec_load": (246, 283, 104, 347),
    "open_by_handle_at": (304, 342, 265, 371),
    "quotactl": (179, 131, 60, 131),
    "acct": (163, 51, 89, 51),
    "syslog": (103, 103, 116, 103),
}
SOCKET = (41, 359, 198, 281)
VSOCK = 40
"""A family of sockets that reaches the machine's own host, and that no network namespace confines."""
# Each machine runs its own calls and those of its 32-bit ancestor: (audit number, column above).
MACHINES = {
    "x86_64": ((0xC000003E, 0), (0x40000003, 1)),
    "aarch64": ((0xC00000B7, 2), (0x40000028, 3)),
}
X32 = 0x40000000
"""From here on x86-64 numbers mean the x32 ABI, a second way to every call."""

LOAD, EQUAL, ABOVE, RETURN = 0x20, 0x15, 0x35, 0x06
ALLOW, DENY = 0x7FFF0000, 0x00050000 | errno.ENOSYS
NUMBER, MACHINE, FIRST_ARGUMENT = 0, 4, 16
"""Offsets of the call's number, the machine and the first argument in what the filter reads."""


def program(machine: str = "") -> bytes:
    """The filter as the kernel takes it, or nothing for a machine whose numbers are not known here."""
    machines = MACHINES.get(machine or platform.machine())
    if machines is None:
        return b""
    code: list[bytes] = [_step(LOAD, MACHINE)]
    for audit, column in machines:
        part = [
            _step(LOAD, NUMBER),
            _step(EQUAL, SOCKET[column], otherwise=4),
            _step(LOAD, FIRST_ARGUMENT),
            _step(EQUAL, VSOCK, then=1),
            _step(RETURN, ALLOW),
            _step(RETURN, DENY),
        ]
        denied = [numbers[column] for numbers in DENIED.values()]
        # Every test jumps to the last step of its part, which denies; the one before it allows.
        tests = [(EQUAL, number) for number in denied] + ([(ABOVE, X32)] if column == 0 else [])
        part += [_step(test, number, then=len(tests) - at) for at, (test, number) in enumerate(tests)]
        part += [_step(RETURN, ALLOW), _step(RETURN, DENY)]
        code += [_step(EQUAL, audit, otherwise=len(part)), *part]
    return b"".join([*code, _step(RETURN, DENY)])


def _step(what: int, value: int, *, then: int = 0, otherwise: int = 0) -> bytes:
    return struct.pack("=HBBI", what, then, otherwise, value)
