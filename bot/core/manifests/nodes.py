"""A YAML file as nodes that know the bytes they came from; aliases and merges stay as they are written."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import NamedTuple, TypeAlias

_SMALL = 32


@dataclass(slots=True, eq=False)
class Base:
    """What all nodes have: byte span [start, end) without anchor and tag, 1-based line, and how often aliased."""

    start: int
    end: int
    line: int
    anchor: str | None = None
    tag: str | None = None
    aliases: int = 0


@dataclass(slots=True, eq=False)
class Scalar(Base):
    """A scalar: the text it stands for, and its style (empty for plain, or one of `' " | >`).

    `raw` are the bytes of a literal block, which may itself be YAML; `inner` is what was read of it.
    """

    text: str = ""
    style: str = ""
    raw: bytes = field(default=b"", repr=False)
    inner: Parsed | None = field(default=None, repr=False)

    @property
    def value(self) -> str:
        """The text, without the line end of a block scalar."""
        return self.text.rstrip("\n") if self.style in ("|", ">") else self.text


@dataclass(slots=True, eq=False)
class Alias(Base):
    """`*name`: stands for the anchored node, which may be one that contains it."""

    name: str = field(kw_only=True)
    target: Node = field(kw_only=True)


@dataclass(slots=True, eq=False)
class Sequence(Base):
    """A list."""

    items: list[Node] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Mapping(Base):
    """A mapping as written: pairs in order, equal keys and `<<` included.

    `inherited` is what was found under a key, here or in what is merged; `merging` that it is being looked for.
    """

    pairs: list[tuple[Node, Node]] = field(default_factory=list)
    index: dict[str | None, list[tuple[Node, Node]]] | None = field(default=None, repr=False)
    inherited: dict[str, Node | None] = field(default_factory=dict, repr=False)
    merging: bool = field(default=False, repr=False)

    def all(self, key: str) -> list[tuple[Node, Node]]:
        """Every pair that is physically here under `key`."""
        if len(self.pairs) <= _SMALL:
            return [pair for pair in self.pairs if key_text(pair[0]) == key]
        # In a mapping of a hundred thousand keys each is looked for.
        if self.index is None:
            self.index = {}
            for pair in self.pairs:
                self.index.setdefault(key_text(pair[0]), []).append(pair)
        return self.index.get(key, [])

    def get(self, key: str) -> Node | None:
        """The first value that is physically here under `key`."""
        if len(self.pairs) > _SMALL:
            return next((value for _, value in self.all(key)), None)
        for name, value in self.pairs:
            if (name.text if type(name) is Scalar else key_text(name)) == key:
                return value
        return None


Node: TypeAlias = Scalar | Alias | Sequence | Mapping


class Identity(NamedTuple):
    """What names a Kubernetes object within a file; the namespace may be empty."""

    api_version: str
    kind: str
    namespace: str
    name: str


class Document(NamedTuple):
    """One document of a file: its number from 0, its root, and the object's identity if it is one."""

    number: int
    root: Node
    identity: Identity | None


class Parsed(NamedTuple):
    """A file: its documents, all nodes in the order of the text, and its dominant kind of quote."""

    documents: tuple[Document, ...]
    nodes: tuple[Node, ...]
    quote: str


def key_text(node: Node) -> str | None:
    """The text of a key, seen through an alias; None for a key that is a collection."""
    target = node.target if isinstance(node, Alias) else node
    return target.text if isinstance(target, Scalar) else None


def text(node: Node | None) -> str | None:
    """The value of a scalar, seen through an alias; None for anything else."""
    target = node.target if isinstance(node, Alias) else node
    return target.value if isinstance(target, Scalar) else None


def first_keys(mapping: Mapping) -> dict[str, Node]:
    """The first value of each key that is physically there, by the key's text."""
    keys: dict[str, Node] = {}
    for key, value in mapping.pairs:
        if (name := key_text(key)) is not None:
            keys.setdefault(name, value)
    return keys


def repeated(mapping: Mapping) -> Node | None:
    """The first key that the mapping has had before, None if each is there once."""
    seen: set[str] = set()
    for key, _ in mapping.pairs:
        name = key_text(key)
        if name in seen and name != "<<":
            return key
        if name is not None:
            seen.add(name)
    return None


def read(mapping: Mapping, key: str) -> Node | None:
    """The value under `key`, taken from what is merged by `<<` if it is not physically here.

    What is found is kept: however often mappings merge each other, each merge is followed once.
    """
    waiting = [mapping]
    while waiting:
        one = waiting[-1]
        if key in one.inherited:
            waiting.pop()
            continue
        own = one.get(key)
        sources = [] if own is not None else _merged(one)
        # A mapping that merges itself has nothing more to give.
        one.inherited[key] = own
        missing = [source for source in sources if key not in source.inherited]
        if missing:
            del one.inherited[key]
            one.merging = True
            open_ones = [source for source in missing if not source.merging]
            if open_ones:
                waiting += reversed(open_ones)
                continue
        values = (source.inherited.get(key) for source in sources)
        one.inherited[key] = own if own is not None else next((v for v in values if v is not None), None)
        one.merging = False
        waiting.pop()
    return mapping.inherited[key]


def _merged(mapping: Mapping) -> list[Mapping]:
    """The mappings that `<<` merges in, in order of precedence (https://yaml.org/type/merge.html)."""
    values = [
        item for _, value in mapping.all("<<") for item in (value.items if isinstance(value, Sequence) else [value])
    ]
    targets = [value.target if isinstance(value, Alias) else value for value in values]
    return [target for target in targets if isinstance(target, Mapping)]


def identity(root: Node) -> Identity | None:
    """apiVersion, kind, namespace and name of a document; None unless it is an object with a name."""
    metadata = root.get("metadata") if isinstance(root, Mapping) else None
    if not isinstance(root, Mapping) or not isinstance(metadata, Mapping):
        return None
    api_version, kind, name = text(root.get("apiVersion")), text(root.get("kind")), text(metadata.get("name"))
    if api_version is None or kind is None or name is None:
        return None
    return Identity(api_version, kind, text(metadata.get("namespace")) or "", name)
