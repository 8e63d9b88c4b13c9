"""Which lines of a comment a person says themselves: not code, not quoted, not linked, not struck out, not hidden.

Markdown is CommonMark with the tables and the strikethrough of GitHub and GitLab:
https://spec.commonmark.org/0.31.2/, https://github.github.com/gfm/
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING

from markdown_it import MarkdownIt
from markdown_it.rules_inline import escape, newline

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from markdown_it.rules_inline import StateInline
    from markdown_it.token import Token

_SPOKEN = ("paragraph_open", "heading_open")
_HIDING = ("link", "s")
# HTML's own ways to quote and to hide; Markdown in between is still Markdown, after an empty line.
_QUOTING = re.compile(r"<(/?)(?:blockquote|code|del|details|pre|q|s|strike|table)(?=[\s/>])", re.ASCII | re.IGNORECASE)
_REMARK = re.compile(r"<!--.*?(?:-->|\Z)", re.DOTALL)


def spoken_lines(text: str) -> Iterator[tuple[int, str]]:
    """The lines, with their numbers from 1, that begin in the open text of a top-level paragraph or heading.

    `text` has `\\n` between its lines and no NUL.
    """
    source = text.split("\n")
    quoted = 0
    tokens = _parser().parse(text)
    for before, token in zip([None, *tokens], tokens, strict=False):
        if token.type == "html_block":
            quoted = max(0, quoted + _opened(token))
        if token.type != "inline" or token.map is None:
            continue
        starts, quoted = _starts(token, quoted)
        if before is None or token.level != 1 or before.type not in _SPOKEN:
            continue
        # The parser trims a block of more than blanks, and so may drop whole lines before the first it keeps.
        block = "\n".join(source[slice(*token.map)])
        first = token.map[0] + block[: block.find(token.content)].count("\n")
        yield from ((first + start + 1, source[first + start]) for start in starts)


def _starts(block: Token, quoted: int) -> tuple[list[int], int]:
    """Which lines of a block (from 0) begin in the open, and how many elements quote what comes after it."""
    starts = [] if quoted else [0]
    line = position = hidden = 0
    for token in block.children or ():
        if token.type == "html_inline":
            quoted = max(0, quoted + _opened(token))
        elif token.type in ("softbreak", "hardbreak"):
            line += block.content.count("\n", position, token.meta["end"])
            position = token.meta["end"]
            if not quoted and not hidden:
                starts.append(line)
        elif token.type.partition("_")[0] in _HIDING:
            hidden += token.nesting
    return starts, quoted


def _opened(html: Token) -> int:
    tags = _QUOTING.findall(_REMARK.sub("", html.content))
    return sum(-1 if slash else 1 for slash in tags)


@cache
def _parser() -> MarkdownIt:
    parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
    # A break within code, a tag or a link's address is no token, so breaks have to say where they are.
    parser.inline.ruler.at("newline", _placed(newline))
    parser.inline.ruler.at("escape", _placed(escape))
    return parser


def _placed(rule: Callable[[StateInline, bool], bool]) -> Callable[[StateInline, bool], bool]:
    def placed(state: StateInline, silent: bool) -> bool:
        done = rule(state, silent)
        if done and not silent:
            state.tokens[-1].meta["end"] = state.pos
        return done

    return placed
