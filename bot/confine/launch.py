"""Gives up what this process may do, and becomes another program: `python -I -S launch.py JSON PROGRAM [ARGUMENT …]`.

The JSON object: `file` (the program without links on the way, which may be closed to the user), `read` and `write`
(lists of paths), `user` (a number, or null to stay who one is). It imports nothing of the bot's, so that it starts
quickly. Where Linux has no Landlock the paths do not count.
https://docs.kernel.org/userspace-api/landlock.html, https://docs.kernel.org/userspace-api/seccomp_filter.html
"""

import ctypes
import errno
import json
import os
import resource
import stat
import struct
import sys

CREATE, ADD_RULE, RESTRICT = 444, 445, 446  # the numbers of the system calls, the same on every architecture
ABI_ONLY = 1
NO_NEW_PRIVILEGES = 38
# What can be done with files, bit by bit, as each version of the interface came to know more.
FILE = 0b111 | 1 << 14 | 1 << 15  # execute, write, read, truncate, device requests
READ = 0b1 | 1 << 2 | 1 << 3  # execute, read, list
BITS = {1: 13, 2: 14, 3: 15, 4: 15, 5: 16}
NETWORK_SINCE, SCOPES_SINCE = 4, 6
TCP = 0b11  # bind, connect
SCOPES = 0b11  # abstract sockets, signals to processes outside
SET_SECCOMP, FILTER = 22, 2
# What no work on files needs, by the processor's name in audit.h: socket, ptrace, add_key, request_key, keyctl,
# process_vm_readv, process_vm_writev, io_uring_setup, pidfd_getfd. Landlock knows of no UDP, and of no socket that is a
# file: an engine's, an ssh agent's and the session's would run anything.
CALLS = {
    "x86_64": (0xC000003E, (41, 101, 248, 249, 250, 310, 311, 425, 438)),
    "aarch64": (0xC00000B7, (198, 117, 217, 218, 219, 270, 271, 425, 438)),
}
LARGEST_FILE = 1 << 30


class Rules(ctypes.Structure):
    _fields_ = (("files", ctypes.c_uint64), ("network", ctypes.c_uint64), ("scopes", ctypes.c_uint64))


class Filter(ctypes.Structure):
    _fields_ = (("length", ctypes.c_uint16), ("steps", ctypes.c_char_p))


class Below(ctypes.Structure):
    _pack_ = 1
    _fields_ = (("allowed", ctypes.c_uint64), ("folder", ctypes.c_int32))


def abi() -> int:
    """The version of Landlock that there is; 0 for none."""
    if sys.platform != "linux":
        return 0
    return max(0, int(_system().syscall(CREATE, None, 0, ABI_ONLY)))


def confine(read: list[str], write: list[str]) -> None:
    """Nothing but these paths from now on, no connections, no signals to others. `OSError` if that cannot be."""
    version = abi()
    libc = _system()
    if sys.platform == "linux":
        _checked(libc.prctl(NO_NEW_PRIVILEGES, 1, 0, 0, 0), libc)
    if not version:
        return
    every = (1 << BITS.get(version, 16)) - 1
    rules = Rules(every, TCP if version >= NETWORK_SINCE else 0, SCOPES if version >= SCOPES_SINCE else 0)
    size = 8 if version < NETWORK_SINCE else 16 if version < SCOPES_SINCE else 24
    ruleset = _checked(libc.syscall(CREATE, ctypes.byref(rules), size, 0), libc)
    for paths, allowed in ((read, READ & every), (write, every)):
        for path in paths:
            _allow(libc, ruleset, path, allowed, every)
    _checked(libc.syscall(RESTRICT, ruleset, 0), libc)
    os.close(ruleset)


def _allow(libc: ctypes.CDLL, ruleset: int, path: str, allowed: int, every: int) -> None:
    try:
        folder = os.open(path, os.O_PATH | os.O_CLOEXEC)  # type: ignore[attr-defined,unused-ignore]  # Linux alone has it
    except OSError:
        return  # what is not there need not be allowed
    if not stat.S_ISDIR(os.fstat(folder).st_mode):
        allowed &= FILE & every
    below = Below(allowed, folder)
    _checked(libc.syscall(ADD_RULE, ruleset, 1, ctypes.byref(below), 0), libc)
    os.close(folder)


def refuse_calls() -> None:
    """Let none of `CALLS` succeed from now on, nor any of another processor's that this one can do too.

    Nothing on other processors, and where Linux was built without filters.
    """
    machine = os.uname().machine
    if sys.platform != "linux" or machine not in CALLS or sys.maxsize < 1 << 32:
        return
    processor, calls = CALLS[machine]
    load, equal, at_least, end = 0x20, 0x15, 0x35, 0x06
    tests = [(at_least, 1 << 30), *((equal, number) for number in calls)]
    steps = [
        (load, 0, 0, 4),  # the processor
        (equal, 0, len(tests) + 2, processor),
        (load, 0, 0, 0),  # the call
        *((test, len(tests) - at, 0, number) for at, (test, number) in enumerate(tests)),
        (end, 0, 0, 0x7FFF0000),  # allow
        (end, 0, 0, 0x00050000 | errno.EACCES),
    ]
    code = b"".join(struct.pack("HBBI", *step) for step in steps)
    libc = _system()
    done = libc.prctl(SET_SECCOMP, FILTER, ctypes.byref(Filter(len(steps), code)), 0, 0)
    if done < 0 and ctypes.get_errno() != errno.EINVAL:
        _checked(done, libc)


def _system() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int, _: ctypes.CDLL) -> int:
    if result < 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()))
    return result


def main() -> None:
    """Confine this process, and become the program."""
    wanted = json.loads(sys.argv[1])
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_FSIZE, (LARGEST_FILE, LARGEST_FILE))
    # While this is still who may come there: a program may lie in a folder that is closed to the other user.
    with open(wanted["file"], "rb") as opened:
        script = opened.read(2) == b"#!"
        program = os.dup(opened.fileno())
    confine(wanted["read"], wanted["write"])
    if wanted["user"] is not None:
        os.setgroups([])
        os.setgid(wanted["user"])
        os.setuid(wanted["user"])
    refuse_calls()
    os.environ.pop("LC_CTYPE", None)  # Python itself has set it
    # An interpreter must find a script by its name; anything else is what was opened.
    by = program if os.execve in os.supports_fd and not script else wanted["file"]
    os.execve(by, sys.argv[2:], os.environ)  # noqa: S606 # a list of arguments, never through a shell


if __name__ == "__main__":
    try:
        main()
    except OSError as error:
        sys.exit(f"{sys.argv[2]} cannot be started: {error.strerror}")
