"""Whatever a Dockerfile or a `.dockerignore` says is worked out, or refused with its line, and soon."""

from __future__ import annotations

import time
from typing import TYPE_CHECKING

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.core.errors import BotError, Refused
from tests.builders.failures import failure
from tests.builders.source import order, source
from tests.builders.test_rooted import MOST

if TYPE_CHECKING:
    from tests.builders.conftest import Workshop

HEAD = "ARG BASE_IMAGE\nFROM $BASE_IMAGE\n"
NAMES = [
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "LABEL", "USER", "VOLUME", "WORKDIR", "copy",
    "#",
]  # fmt: skip
WORDS = st.one_of(
    st.sampled_from([
        "", "a", "/", "..", ".", "*", "?", "[", "]", "[]", '["a"]', '["a", "\\u0000"]', '["\\ud800"]', "$", "${", "${a",
        "${a:-b}", "${a:?}", "${a#*}", "${a//b/c}", "$PATH", "=", "a=b", "=b", "a=", '"', "'", "\\", "\0", "\ud800",
        "<<", "<<EOF", f"{'9' * 5000}<<X", "--chown=0:0", "--chown=$a", "--chown=" + "9" * 5000, "--from=x", "9" * 30,
        "80/tcp", "1-65535", "\x85", "\u2028", "\x1b[2J", "n" * 300, "n/" * 300, "../" * 300, "loop", "/loop/x", "/srv",
    ]),
    st.text(max_size=12),
)  # fmt: skip
LINES = st.tuples(st.sampled_from(NAMES), st.lists(WORDS, max_size=4)).map(lambda pair: " ".join([pair[0], *pair[1]]))


@given(st.lists(LINES, min_size=1, max_size=6), st.booleans())
@settings(deadline=None, max_examples=MOST, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_a_dockerfile_is_worked_out_or_refused_with_its_line(workshop: Workshop, lines: list[str], first: bool) -> None:
    text = "\n".join([*lines, HEAD] if first else [HEAD, *lines])
    files: dict[str, str | tuple[str, bytes]] = {
        "Dockerfile": ("100644", text.encode("utf-8", "surrogatepass")),
        "a": "A",
        "b/a": "B",
    }
    failed = failure(lambda: workshop.builder.discard(workshop.builder.build(order(workshop.base), source(files))))
    assert not failed or failed.startswith("Dockerfile:")
    assert not list(workshop.builder._work.glob("image-*"))


DOUBLED = "ENV a=xxxxxxxxxx\n" + "ENV a=$a$a\n" * 40
SLOW = {
    "a value that doubles": DOUBLED,
    "a value that replaces itself": "ENV a=xxxxxxxxxx\n" + "ENV a=${a//x/$a}\n" * 10,
    "an argument that doubles": "ARG a=xxxxxxxxxx\n" + "ARG a=$a$a\n" * 40,
    "a replacement in a replacement": f"ENV a={'x' * 2000}\nENV b=${{a//x/${{a//x/${{a//x/$a}}}}}}\n",
    "a pattern that can be matched in many ways": f"ENV a={'a' * 4000}\nENV b=${{a##{'*a' * 12}*b}}\n",
    "such a pattern in a variable": f"ENV a={'a' * 4000} p={'*a' * 12}*b\nENV b=${{a##$p}}\n",
    "large words": "".join(f"ENV a{n}={'x' * 100_000}\nENV b{n}=$a{n}\nLABEL a{n}=$a{n}\n" for n in range(2)) * 4,
    "a way through many folders": f"WORKDIR /{'n/' * 2500}\n",
    "a way through many folders, step by step": "WORKDIR " + "n/" * 50 + "\n" + ("WORKDIR " + "n/" * 50 + "\n") * 20,
    "very many instructions": "ENV a=b\n" * 20_000,
    "very many ports": "EXPOSE 1-65535/tcp 1-65535/udp 1-65535/sctp\n" * 5 + "USER\n",
    "a long file": "# x\n" * 100_000,
    "a source that can be matched in many ways": f'COPY ["{"*a" * 30}*b", "/x/"]\n',
}


@pytest.mark.parametrize("text", SLOW.values(), ids=SLOW.keys())
def test_a_dockerfile_that_would_never_end_is_refused_soon(workshop: Workshop, text: str) -> None:
    started = time.monotonic()
    with pytest.raises(BotError, match=r"^Dockerfile"):
        workshop.builder.build(order(workshop.base), source({"Dockerfile": HEAD + text, "a" * 250: "A"}))
    assert time.monotonic() - started < 20


def test_patterns_and_replacements_of_an_ordinary_size_are_worked_out(workshop: Workshop) -> None:
    image = workshop.build("ENV v=1.2.3\nENV a=${v//./-} b=${v%.*} c=${v#*.} d=${WSO2_SERVER_HOME}/*x*/y")
    found = dict(pair.split("=", 1) for pair in image.config["config"]["Env"])
    assert (found["a"], found["b"], found["c"]) == ("1-2-3", "1.2", "2.3")
    assert found["d"].endswith("/*x*/y")


def test_a_source_with_wildcards_names_what_it_named(workshop: Workshop) -> None:
    image = workshop.build('COPY ["*.c?r", "conf/*", "/x/"]', context={"sub/c.car": "C", "conf/.hidden": "h"})
    assert {path for path in image.files() if path.startswith("x/")} >= {"x/a.car", "x/b.car", "x/deployment.toml"}
    assert "x/c.car" not in image.files()


RULES = {
    "too many ways to match": "*a" * 12 + "*b",
    "such a rule across folders": "**/a/" * 12 + "b",
    "very many rules": "x\n" * 5000,
    "a long rule": "x" * 100_000,
    "an open bracket": "[",
    "nothing to except": "!",
    "control characters": "[\x1b",
}


@pytest.mark.parametrize("rules", RULES.values(), ids=RULES.keys())
def test_rules_that_cannot_be_used_name_their_file(workshop: Workshop, rules: str) -> None:
    deep = "/".join(["a" * 250] + ["a"] * 60)
    started = time.monotonic()
    with pytest.raises(Refused, match=r"^\.dockerignore: ") as caught:
        workshop.builder.build(order(workshop.base), source({"Dockerfile": HEAD, ".dockerignore": rules, deep: "A"}))
    assert caught.value.reason_code == "dockerignore_invalid"
    assert "\x1b" not in str(caught.value)
    assert time.monotonic() - started < 20


@given(st.lists(st.one_of(WORDS, st.text(max_size=20)), max_size=6))
@settings(deadline=None, max_examples=MOST, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_rules_are_read_or_refused(workshop: Workshop, rules: list[str]) -> None:
    files: dict[str, str | tuple[str, bytes]] = {
        "Dockerfile": HEAD,
        ".dockerignore": ("100644", "\n".join(rules).encode("utf-8", "surrogatepass")),
        "a/b": "A",
    }
    failed = failure(lambda: workshop.builder.discard(workshop.builder.build(order(workshop.base), source(files))))
    assert not failed or failed.startswith((".dockerignore: ", "Dockerfile"))
