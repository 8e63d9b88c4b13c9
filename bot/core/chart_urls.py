"""Which URLs of chart repositories may be configured: encrypted, and without credentials inside.

Kinds: https://fluxcd.io/flux/components/source/helmrepositories/#type
"""

from __future__ import annotations

import re
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.core.errors import BotError, Refused
from bot.core.references import Reference, parse_repository

_LOOPBACK = re.compile(r"^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?$")
_HOST = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$")
_FIX = "write https://host/path, or oci://host/path"


class ChartUrl(NamedTuple):
    """Where a chart is: the URL of its repository's index, or its repository in a registry; exactly one is there."""

    http: str | None = None
    oci: Reference | None = None


def chart_url(repository: str, chart: str) -> ChartUrl:
    """The URL of a chart repository and a chart's name → where that chart is.

    `Refused` (`secret_in_url`, `bad_url`) for a URL that must not be used; the text is never repeated.
    """
    scheme, separator, rest = repository.partition("://")
    authority = rest.partition("/")[0]
    if not separator or not repository.isprintable() or scheme not in ("https", "http", "oci"):
        raise _bad("this is not the URL of a chart repository")
    if "@" in authority or "?" in rest or "#" in rest:
        fix = "take `user:password@` or `?…` out; credentials come from the Docker config"
        raise Refused("there are credentials in this URL", fix=fix, reason_code="secret_in_url")
    if not _HOST.match(authority) or " " in rest:
        raise _bad("this is not the URL of a chart repository")
    if scheme == "oci":
        return ChartUrl(oci=_repository(rest.rstrip("/"), chart))
    if scheme == "http" and not _LOOPBACK.match(authority):
        raise Refused(
            "this URL is not encrypted", fix="write https:// (http:// is for this machine)", reason_code="bad_url"
        )
    try:
        urlsplit(repository).port  # noqa: B018 -- asked for its error
    except ValueError:
        raise _bad("this is not the URL of a chart repository") from None
    return ChartUrl(http=f"{repository.rstrip('/')}/index.yaml")


def _repository(rest: str, chart: str) -> Reference:
    try:
        return parse_repository(f"{rest}/{chart}")
    except BotError:
        raise _bad("a registry has no repository of that name: use small letters, without a tag") from None


def _bad(message: str) -> Refused:
    return Refused(message, fix=_FIX, reason_code="bad_url")
