"""A Dockerfile is parsed once, and its base is always the one that was resolved to a digest.

Syntax: https://docs.docker.com/reference/dockerfile/
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, NamedTuple

from e2b_dockerfile_utils import DockerfileInstruction, DockerfileSyntaxError, ShellLex, parse_dockerfile_ast

from bot.core.errors import BotError, Refused
from bot.core.references import parse as parse_reference

if TYPE_CHECKING:
    from collections.abc import Iterable, Mapping

    from bot.core.models import BuildOrder
    from bot.core.references import Reference

Instruction = DockerfileInstruction
MOST_BYTES = 256 << 10
MOST_STEPS = 1000
_LONGEST_WORD = 128 << 10  # a system gives no program a longer one
_FIX = "correct the Dockerfile in the artifact repository"
_PATTERN = re.compile(r"\$\{[^:}]*[#%/]")
_REPLACE = re.compile(r"\$(?=\{[^:}]*/)")


class Dockerfile(NamedTuple):
    """A parsed Dockerfile: path from the repository's root, its bytes, instructions and escape character."""

    path: str
    data: bytes
    instructions: tuple[Instruction, ...]
    escape: str

    def where(self, instruction: Instruction) -> str:
        """`path:line` of an instruction."""
        return f"{self.path}:{instruction.start_line}"


def parse(path: str, data: bytes) -> Dockerfile:
    """Bytes → Dockerfile. `Refused` (`dockerfile_invalid`) names the line that cannot be parsed."""
    if len(data) > MOST_BYTES:
        raise _invalid(path, f"more than {MOST_BYTES >> 10} KiB")
    try:
        tree = parse_dockerfile_ast(data.decode())
    except UnicodeDecodeError as error:
        raise _invalid(path, f"not UTF-8 at byte {error.start}") from error
    except DockerfileSyntaxError as error:
        raise _invalid(f"{path}:{error.line}" if error.line else path, str(error)) from error
    except (ValueError, RecursionError) as error:
        raise _invalid(path, f"it cannot be parsed: {type(error).__name__}") from error
    for step in tree.instructions:
        if not all(map(_is_text, [*step.args, *step.flags, step.original])):
            raise _invalid(f"{path}:{step.start_line}", f"{step.name} has a NUL byte, or half of a character")
    if not any(step.name == "FROM" for step in tree.instructions):
        raise _invalid(path, "no FROM")
    if len(tree.instructions) > MOST_STEPS:
        raise _invalid(path, f"more than {MOST_STEPS:,} instructions")
    return Dockerfile(path, data, tuple(tree.instructions), tree.escape_token)


def _invalid(where: str, why: str) -> Refused:
    return Refused(printable(f"{where}: {why[:500]}"), fix=_FIX, reason_code="dockerfile_invalid")


def _is_text(word: str) -> bool:
    """Whether a program can be given it, and a file can hold it."""
    return "\0" not in word and not any("\ud800" <= letter <= "\udfff" for letter in word)


def printable(text: str) -> str:
    """Text that others wrote, without what would steer a terminal; line ends and tabs are kept."""
    return "".join(
        letter if letter.isprintable() or letter in "\n\t" else "\N{REPLACEMENT CHARACTER}" for letter in text
    )


def expand(dockerfile: Dockerfile, step: Instruction, word: str, variables: Mapping[str, str]) -> str:
    """One word with variables expanded and quotes removed. `Refused` if it is malformed."""
    return _lex(dockerfile, step, word, variables)[0]


def expand_words(dockerfile: Dockerfile, step: Instruction, text: str, variables: Mapping[str, str]) -> list[str]:
    """As `expand`, then split at white space outside quotes."""
    return _lex(dockerfile, step, text, variables)[1]


def _lex(dockerfile: Dockerfile, step: Instruction, text: str, variables: Mapping[str, str]) -> tuple[str, list[str]]:
    where = dockerfile.where(step)
    if not _is_bounded(text, variables):
        raise _invalid(where, f"{step.name}: it may expand to too much, or has more than one * in a pattern")
    lexer = ShellLex(dockerfile.escape, env=variables, skip_unset_env=False)
    try:
        return lexer.process_word(text), lexer.process_words(text)
    except (ValueError, RecursionError) as error:
        raise _invalid(where, f"{step.name}: {error}") from error


def _is_bounded(text: str, variables: Mapping[str, str]) -> bool:
    """Whether expanding a word takes little time and memory, whatever it says."""
    if "$" not in text:
        return True
    used = [value for name, value in variables.items() if name in text]
    longest = max(map(len, used), default=1) or 1
    most = len(text) + text.count("$") * longest
    for _ in _REPLACE.findall(text):  # each may put all that there is in the place of each letter
        most = min(most, _LONGEST_WORD + 1) * longest
    stars = text.count("*") + sum(value.count("*") for value in used)
    return most <= _LONGEST_WORD and (stars < 2 or not _PATTERN.search(text))


def pinned(order: BuildOrder) -> str:
    """The order's base by digest, as a Dockerfile names it. `Refused` if the order has no digest."""
    if not order.base.digest:
        raise Refused(f"the base {order.base} was not resolved to a digest", reason_code="base_not_resolved")
    return f"{order.base.repository}@{order.base.digest}"


def given_args(order: BuildOrder) -> dict[str, str]:
    """The build arguments of the order, the base by digest among them."""
    return {**order.args, order.base_arg: pinned(order)}


def global_args(dockerfile: Dockerfile, order: BuildOrder) -> dict[str, str]:
    """Values of the ARGs before the first FROM, the order's base and arguments put in."""
    given = given_args(order)
    values: dict[str, str] = {}
    for step in dockerfile.instructions:
        if step.name != "ARG":
            break
        for name, default in declared(step.args):
            if name in given:
                values[name] = given[name]
            elif default is not None:
                values[name] = expand(dockerfile, step, default, values)
    return values


def declared(words: Iterable[str]) -> Iterable[tuple[str, str | None]]:
    """Names and defaults (None: no default) of the words of an ARG."""
    for word in words:
        name, equals, default = word.partition("=")
        yield name, default if equals else None


def pin_base(dockerfile: Dockerfile, order: BuildOrder) -> Dockerfile:
    """The Dockerfile with each FROM of the order's base by digest; lines keep their numbers.

    `Refused` (`base_mismatch`) if the last stage does not start from the order's base, be it through the
    argument `order.base_arg` or by the name `order.base_name`.
    """
    variables, lines = global_args(dockerfile, order), dockerfile.data.split(b"\n")
    stages: dict[str, bool] = {}
    for step in (step for step in dockerfile.instructions if step.name == "FROM"):
        if not step.args:
            raise Refused(f"{dockerfile.where(step)}: FROM names no image", reason_code="dockerfile_invalid")
        word = expand(dockerfile, step, step.args[0], variables)
        based = stages.get(word.lower(), word == pinned(order))
        if word.lower() not in stages and word != pinned(order) and _is_base(word, order):
            based = True
            _rewrite(lines, step, pinned(order))
        if len(step.args) == 3 and step.args[1].lower() == "as":
            stages[step.args[2].lower()] = based
        last, last_word, last_based = step, word, based
    if not last_based:
        raise _mismatch(dockerfile, last, last_word, order)
    return parse(dockerfile.path, b"\n".join(lines))


def _rewrite(lines: list[bytes], step: Instruction, image: str) -> None:
    words = " ".join(["FROM", *step.flags, image, *step.args[1:]])
    span = step.end_line - step.start_line
    lines[step.start_line - 1 : step.end_line] = [words.encode(), *[b""] * span]


def _is_base(word: str, order: BuildOrder) -> bool:
    try:
        found, named = parse_reference(word), parse_reference(order.base_name)
    except BotError:
        return False
    by_digest = _key(found) == (order.base.repository, order.base.digest)
    return by_digest or _key(found) == _key(named)


def _key(reference: Reference) -> tuple[Reference, str]:
    return reference.repository, reference.version


def _mismatch(dockerfile: Dockerfile, step: Instruction, word: str, order: BuildOrder) -> Refused:
    return Refused(
        f"{dockerfile.where(step)}: FROM is {word[:200]!r}, but the configured base is {order.base_name!r}",
        fix=f"write `ARG {order.base_arg}` and `FROM ${{{order.base_arg}}}`, or set `base` or `base_arg` to match",
        reason_code="base_mismatch",
    )
