"""YAML as people write it, made up: comments, quotes, anchors, flow and block styles, odd line ends."""

from __future__ import annotations

import random

from hypothesis import strategies as st

SCALARS = """
    v1 1.2.3 nginx:1.27 ghcr.io/org/app:v1.0@sha256:abc 8080 1.10 0x1f yes ~ null 2024-01-01 é 😀 a-b x_y http://h/p
    a&b 3 -1 .5 true a'b a"b
"""
NAMES = "image tag name version app.kubernetes.io/name replicas a~b c/d 'it''s' é ☕ 😀 x-y _z A1 'yes' \"1\""
PLAIN = SCALARS.split()
KEYS = [*NAMES.split(), '"say \\"hi\\""', "two words"]
BLOCK_ONLY = ("a b", "a, b", "v1]", "k}v", ":x", "-x", "?x")
COMMENTS = ("# plain", "# é ☕ 😀", "#'\"{[", "# image: {tag: v0}", "#", "# {{ not a template }}", "# tag: v1")
WORDS = "v2 1.10 1e5 0123 0x1f 0o17 12_000 yes No null ~ 2024-01-01 190:20:30 .inf << = it's é😀 x: :x ... a,b [ *x"
NASTY = [
    *WORDS.split(),
    *("a: b", "a #b", " v", "v ", 'say "x"', "back\\slash", "- x", "{a}", "&x", "!x", "%x", "@x", "`x`", "--- x"),
    *("nginx:1.27@sha256:" + "a" * 64, "\u00a0x"),
]


class _Writer:
    """One text, written by a seeded random generator: much faster to draw than piece by piece."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.anchors: list[str] = []
        self.merged: list[str] = []
        self.count = 0

    def maybe(self, chance: float) -> bool:
        return self.random.random() < chance

    def comment(self) -> str:
        if not self.maybe(0.2):
            return ""
        return self.random.choice((" ", "   ", "\t", " \t")) + self.random.choice(COMMENTS)

    def anchor(self, known: list[str]) -> str:
        if not self.maybe(0.12):
            return ""
        self.count += 1
        known.append(f"n{self.count}")
        return f"&n{self.count} "

    def keys(self, most: int) -> list[str]:
        return self.random.sample(KEYS, self.random.randint(1, most))

    def scalar(self, *, flow: bool) -> str:
        kind = self.random.random()
        if kind < 0.08 and self.anchors:
            return f"*{self.random.choice(self.anchors)} " if flow else f"*{self.random.choice(self.anchors)}"
        if kind < 0.12:
            return "" if not flow else "~"
        prefix = self.anchor(self.anchors)
        prefix += self.random.choice(("!!str ", "!<tag:yaml.org,2002:str> ")) if self.maybe(0.08) else ""
        words = PLAIN if flow else [*PLAIN, *BLOCK_ONLY]
        word = self.random.choice(words)
        quote = self.random.choice(("", "", "'", '"'))
        if quote == "'":
            return prefix + "'" + word.replace("'", "''") + "'"
        if quote == '"':
            return prefix + '"' + word.replace('"', '\\"') + self.random.choice(("", "", "\\u00e9", "\\t")) + '"'
        return prefix + word

    def flow(self, depth: int) -> str:
        if depth <= 0 or self.maybe(0.4):
            return self.scalar(flow=True)
        if self.maybe(0.5):
            items = [self.flow(depth - 1) for _ in range(self.random.randint(0, 3))]
            return "[" + ", ".join(items) + self.random.choice(("", ", " if items else "")) + "]"
        space = self.random.choice(("", " "))
        pairs = [f"{key}: {self.flow(depth - 1)}" for key in self.keys(3)]
        return "{" + space + ("," + self.random.choice((" ", "  "))).join(pairs) + space + "}"

    def block_scalar(self, indent: int) -> list[str]:
        head = self.random.choice("|>") + self.random.choice(("", "-", "+")) + self.comment()
        pad = " " * (indent + self.random.choice((1, 2, 4)))
        lines = [pad + self.random.choice(("v1", "é: '☕", "# not a comment", "${x} {{ y }}", "a  b"))]
        if self.maybe(0.3):
            lines.append(pad + "more")
        return [head, *lines, *[""] * self.random.randint(0, 2)]

    def noise(self, indent: int) -> list[str]:
        if not self.maybe(0.25):
            return []
        return [
            self.random.choice(("", "  ", " " * indent + self.random.choice(COMMENTS), self.random.choice(COMMENTS)))
        ]

    def value(self, indent: int, depth: int) -> list[str]:
        """The value's lines: the first goes behind its key or dash."""
        kind = self.random.random()
        if kind < 0.1:
            return self.block_scalar(indent)
        if kind < 0.15:
            return ["first", " " * (indent + 3) + "second line"]
        if kind < 0.2:
            return ["", " " * (indent + 2) + (self.scalar(flow=False) or "v1")]
        if kind < 0.35:
            return [self.flow(2) + self.comment()]
        if kind < 0.65 and depth > 0:
            step = self.random.choice((1, 2, 4))
            if self.maybe(0.4):
                return [self.anchor([]) + self.comment(), *self.sequence(indent + step, depth - 1)]
            inner, mergeable = self.mapping(indent + step, depth - 1), list[str]()
            head = self.anchor(mergeable) + self.comment()
            self.merged += mergeable  # only now: no mapping is merged into itself
            return [head, *inner]
        return [self.scalar(flow=False) + self.comment()]

    def mapping(self, indent: int, depth: int) -> list[str]:
        pad, lines = " " * indent, list[str]()
        if self.merged and self.maybe(0.2):
            lines.append(f"{pad}<<: *{self.merged[0]}")
        for key in self.keys(5):
            head, *rest = self.value(indent, depth)
            if self.maybe(0.06):
                lines += [f"{pad}? {key}", f"{pad}: {head}", *rest]
            else:
                lines += [f"{pad}{key}:{self.random.choice((' ', '  ')) if head else ''}{head}", *rest]
            lines += self.noise(indent)
        return lines

    def sequence(self, indent: int, depth: int) -> list[str]:
        pad, lines = " " * indent, list[str]()
        for _ in range(self.random.randint(1, 3)):
            if depth > 0 and self.maybe(0.4):
                first, *rest = self.mapping(indent + 2, depth - 1)
                lines += [f"{pad}- {first.strip()}", *rest]
            else:
                head, *rest = self.value(indent, 0)
                lines += [f"{pad}- {head}", *rest]
            lines += self.noise(indent)
        return lines

    def document(self) -> list[str]:
        self.anchors, self.merged = [], []
        return [*self.noise(0), *self.mapping(0, 3)]

    def text(self) -> str:
        lines = (["%YAML 1.2", "---"] if self.maybe(0.05) else []) + self.document()
        for _ in range(self.random.choice((0, 0, 0, 1, 2))):
            lines += [*(["..."] if self.maybe(0.2) else []), "---" + self.comment(), *self.document()]
        ends = self.random.choice((["\n"], ["\n"], ["\r\n"], ["\r"], ["\n", "\r\n"]))
        text = "".join(line + self.random.choice(ends) for line in lines)
        # Without the last line end; a block scalar that keeps its blank lines would mean another text.
        if self.maybe(0.2):
            text = text.rstrip("\r\n")
        return ("\ufeff" if self.maybe(0.1) else "") + text


def texts() -> st.SearchStrategy[str]:
    """YAML files as text: nearly all can be parsed, few are simple."""
    return st.integers(0, 2**40).map(lambda seed: _Writer(seed).text())


def text_of(seed: int) -> str:
    """One such file; the same for the same seed."""
    return _Writer(seed).text()
