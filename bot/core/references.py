"""Image references: text becomes a type once, at the door.

Grammar: https://github.com/distribution/reference/blob/main/reference.go; `docker.io/` and `library/` are filled
in as Docker does.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from bot.core.errors import BotError

_DOMAIN = re.compile(
    r"^(localhost|\[[0-9a-fA-F:]+\]|[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?"
    r"(?:\.[A-Za-z0-9](?:[A-Za-z0-9-]*[A-Za-z0-9])?)*)(?::[0-9]{1,5})?$"
)
_PATH = re.compile(r"^[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*(?:/[a-z0-9]+(?:(?:\.|_|__|-+)[a-z0-9]+)*)*$")
_TAG = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$")
_DIGEST = re.compile(r"^sha256:[0-9a-f]{64}$|^sha512:[0-9a-f]{128}$")


class Reference(NamedTuple):
    """An image reference: registry host (with port), repository path, and a tag, a digest, both or neither."""

    registry: str
    path: str
    tag: str | None = None
    digest: str | None = None

    @property
    def repository(self) -> Reference:
        """The same without tag and digest."""
        return Reference(self.registry, self.path)

    def with_tag(self, tag: str) -> Reference:
        """The same repository by tag. `BotError` if the tag is not one."""
        if not is_tag(tag):
            raise BotError(f"{tag!r} is not an image tag", fix="use letters, digits, `_`, `.` and `-`, at most 128")
        return Reference(self.registry, self.path, tag)

    def with_digest(self, digest: str) -> Reference:
        """The same repository by digest. `BotError` if the digest is not one."""
        if not is_digest(digest):
            raise BotError(f"{digest!r} is not a digest", fix="use sha256: and 64 hexadecimal digits")
        return Reference(self.registry, self.path, None, digest)

    @property
    def version(self) -> str:
        """What a manifest request names: the digest if there is one, else the tag, else `latest`."""
        return self.digest or self.tag or "latest"

    def __str__(self) -> str:
        tag = f":{self.tag}" if self.tag else ""
        digest = f"@{self.digest}" if self.digest else ""
        return f"{self.registry}/{self.path}{tag}{digest}"


def is_tag(text: str) -> bool:
    """Whether the text can be a tag."""
    return bool(_TAG.fullmatch(text))


def is_digest(text: str) -> bool:
    """Whether the text can be a digest (sha256 or sha512, lower-case hexadecimal)."""
    return bool(_DIGEST.fullmatch(text))


def parse(text: str) -> Reference:
    """`[host[:port]/]path[:tag][@digest]` → Reference. `BotError` names what is wrong."""
    rest, _, digest = text.partition("@")
    if digest and not is_digest(digest):
        raise _bad(text, "the part behind `@` is not a digest")
    name, tag = _split_tag(rest)
    if tag is not None and not is_tag(tag):
        raise _bad(text, "the part behind the last `:` is not a tag")
    registry, path = _split_registry(name)
    if not _DOMAIN.fullmatch(registry):
        raise _bad(text, f"{registry!r} is not a registry host")
    if not _PATH.fullmatch(path) or len(path) > 255:
        raise _bad(text, "the repository must be lower-case words between `/`, without a scheme")
    return Reference(registry, path, tag, digest or None)


def parse_repository(text: str) -> Reference:
    """As `parse`, for a repository: a tag or a digest is an error."""
    reference = parse(text)
    if reference.tag or reference.digest:
        raise _bad(text, "a repository is named without tag and digest")
    return reference


def _split_tag(rest: str) -> tuple[str, str | None]:
    head, colon, tail = rest.rpartition(":")
    if colon and "/" not in tail:
        return head, tail
    return rest, None


def _split_registry(name: str) -> tuple[str, str]:
    first, slash, rest = name.partition("/")
    if slash and ("." in first or ":" in first or first == "localhost" or first != first.lower()):
        registry, path = first, rest
    else:
        registry, path = "docker.io", name
    if registry in ("docker.io", "index.docker.io"):
        return "docker.io", path if "/" in path else f"library/{path}"
    return registry, path


def _bad(text: str, why: str) -> BotError:
    shown = text if len(text) <= 200 else text[:200] + "…"
    return BotError(
        f"{shown!r} is not an image reference: {why}", fix="write it as host/path:tag or host/path@sha256:…"
    )
