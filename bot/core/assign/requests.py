"""What can be asked for, and how it is typed."""

from __future__ import annotations

from typing import NamedTuple, TypeAlias

from bot.core.errors import BotError
from bot.core.models import ImageVersion
from bot.core.references import Reference, is_digest, is_tag, parse_repository


class SetImage(NamedTuple):
    """Every place of the image is to name this version."""

    repository: Reference
    version: ImageVersion

    def __str__(self) -> str:
        return f"the image {self.repository}"


class SetChart(NamedTuple):
    """Every version of the chart is to be this one; `repository` is a URL, empty for that name anywhere.

    `digest` is that of its manifest in a registry; with it the version may be empty.
    """

    repository: str
    name: str
    version: str
    digest: str | None = None

    def __str__(self) -> str:
        return f"the chart {self.name}{f' of {self.repository}' if self.repository else ''}"


class SetValue(NamedTuple):
    """The value at a JSON Pointer of one file is to be this text."""

    file: str
    pointer: str
    new: str

    def __str__(self) -> str:
        return f"{self.pointer or 'the whole file'} in {self.file}"


Request: TypeAlias = SetImage | SetChart | SetValue


def image_request(text: str) -> SetImage:
    """`REPO=TAG[@DIGEST]` → what it asks for. `BotError` if it is not that."""
    name, _, version = text.partition("=")
    tag, at, digest = version.partition("@")
    if not is_tag(tag) or (at and not is_digest(digest)):
        raise _usage(f"--image {text}: {version!r} is not a tag, or a tag and a digest", "write REPO=TAG[@sha256:…]")
    try:
        return SetImage(parse_repository(name), ImageVersion(tag, digest or None))
    except BotError as error:
        raise _usage(f"--image {text}: {error.message}", error.fix) from error


def chart_request(text: str) -> SetChart:
    """`[REPOSITORY/]NAME=VERSION[@DIGEST]`, or `=@DIGEST` alone → what it asks for. `BotError` if it is not that."""
    chart, _, wanted = text.partition("=")
    version, at, digest = wanted.partition("@")
    if is_digest(version) and not at:
        version, digest = "", version
    repository, _, name = chart.rpartition("/")
    if not name or not (version.strip() or digest) or (at and not is_digest(digest)):
        fix = "write [REPOSITORY/]NAME=VERSION[@sha256:…]"
        raise _usage(f"--chart {text}: a name, a version or a digest is missing", fix)
    return SetChart(url(repository), name, version, digest or None)


def value_request(file: str, at: str, new: str) -> SetValue:
    """A file, a JSON Pointer (RFC 6901) and a text → what they ask for. `BotError` if that is no pointer."""
    escapes = at.replace("~0", "").replace("~1", "")
    if (at and not at.startswith("/")) or "~" in escapes:
        raise _usage(f"--at {at}: not a JSON Pointer", "begin it with `/`, and write `~1` for `/` and `~0` for `~`")
    return SetValue(file, at, new)


def url(repository: str) -> str:
    """A repository's address in one form: without a slash at the end, scheme and host in small letters."""
    scheme, found, rest = repository.rstrip("/").partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}" if found else scheme


def _usage(message: str, fix: str) -> BotError:
    return BotError(message, fix=fix, reason_code="invalid_option")
