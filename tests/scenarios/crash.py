"""Kill the process at one action boundary, for real, in a child process.

The boundaries are not listed anywhere: every method of every port that is not marked as a read is one, before and
after. A new port, method or action is covered as soon as it is there.
"""

from __future__ import annotations

import os
import signal
from typing import TYPE_CHECKING, Any

from bot import ports

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from bot.ports import Edges


def boundaries(edges: Edges) -> Iterator[tuple[type, str]]:
    """Class and name of each method, of the concrete edges, that changes something others can see."""
    for edge in (edges.git, edges.forge, edges.registry, edges.charts, edges.builder, edges.packager, edges.clock):
        for port in (p for p in vars(ports).values() if getattr(p, "_is_protocol", False)):
            names = [n for n, m in vars(port).items() if callable(m) and not n.startswith("_")]
            if all(hasattr(edge, n) for n in names):
                yield from ((type(edge), n) for n in names if not hasattr(getattr(port, n), "__reads__"))


class Fuse:
    """Counts the boundaries that are passed; burns through at one of them."""

    def __init__(self, at: int | None, say: Callable[[str], None]) -> None:
        self.at, self.say, self.passed = at, say, 0

    def boundary(self, name: str) -> None:
        """One boundary is reached."""
        if self.passed == self.at:
            os.kill(os.getpid(), signal.SIGKILL)
        self.say(name)
        self.passed += 1


def arm(edges: Edges, fuse: Fuse) -> None:
    """Put the fuse before and after every action boundary of this process."""
    for kind, name in set(boundaries(edges)):
        setattr(kind, name, _around(getattr(kind, name), f"{kind.__name__}.{name}", fuse))


def _around(method: Callable[..., Any], name: str, fuse: Fuse) -> Callable[..., Any]:
    def wrapped(*args: Any, **kwargs: Any) -> Any:
        fuse.boundary(f"before {name}")
        result = method(*args, **kwargs)
        fuse.boundary(f"after {name}")
        return result

    return wrapped


def in_child(work: Callable[[Callable[[str], None]], None]) -> tuple[bool, list[str]]:
    """Do `work` in a forked process: whether it came to its end, and what it said."""
    reading, writing = os.pipe()
    child = os.fork()
    if child == 0:
        status = 1
        try:
            os.close(reading)
            pipe_end = os.fdopen(writing, "w")
            work(lambda text: print(text, file=pipe_end, flush=True))
            status = 0
        finally:
            os._exit(status)
    os.close(writing)
    with os.fdopen(reading) as pipe:
        said = pipe.read().splitlines()
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status):
        return False, said
    assert os.WEXITSTATUS(status) == 0, said
    return True, said
