"""What git keeps in memory never outlives its truth, and never grows without end."""

from __future__ import annotations

from bot.git.memory import Memory, by_sha

SHA = "0123456789abcdef0123456789abcdef01234567"


def test_only_full_shas_name_the_same_object_for_ever() -> None:
    assert by_sha(SHA)
    assert by_sha(f"{SHA}^{{commit}}")
    for name in (SHA[:12], "main", "refs/heads/main^{commit}", f"{SHA}\n", f"{SHA}^", f"{SHA}^{{commit}}x"):
        assert not by_sha(name)


def test_memory_gives_back_what_it_keeps_and_forgets_rather_than_grow() -> None:
    memory = Memory(most=1600)
    assert memory.get("a") is None
    assert memory.keep("a", b"x" * 100) == b"x" * 100
    assert memory.get("a") == b"x" * 100
    assert memory.keep("too large", b"x" * 101) == b"x" * 101
    assert memory.get("too large") is None
    for number in range(16):
        memory.keep(number, b"x" * 100)
    assert memory.get("a") is None
    assert memory.get(15) == b"x" * 100
