"""What the environment variables say, checked once; a variable that nobody knows is an error, not silence."""

from __future__ import annotations

from dataclasses import dataclass
from difflib import get_close_matches
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast

from bot.core.errors import BotError
from bot.core.git_urls import check_git_url

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "GITOPS_BOT_"
NAMES = (
    "GITOPS_BOT_REPOSITORY",
    "GITOPS_BOT_FORGE",
    "GITOPS_BOT_FORGE_DATABASE",
    "GITOPS_BOT_REGISTRY",
    "GITOPS_BOT_BUILDER",
    "GITOPS_BOT_CACHE",
    "GITOPS_BOT_GIT_TOKEN",
    "GITOPS_BOT_USER",
)


class SettingsError(BotError):
    """An environment variable that is not known, or whose value cannot be used."""

    reason_code = "invalid_setting"


class Secret:
    """A text that shows itself as `***` wherever it is printed, logged or formatted."""

    __slots__ = ("_text",)

    def __init__(self, text: str) -> None:
        self._text = text

    def reveal(self) -> str:
        """The text itself, for the one place that sends it."""
        return self._text

    def __repr__(self) -> str:
        return "***"


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, as docs/settings.md describes them; None leaves a choice to `bootstrap`.

    `layout` is the folder of an OCI image layout that stands in for the registries, None for real ones.
    """

    repository: str | None
    forge: Literal["local"]
    forge_database: Path | None
    layout: Path | None
    builder: Literal["assemble", "docker"]
    cache: Path
    git_token: Secret | None
    user: str


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Environment variables → Settings. An empty variable counts as one that is not set.

    `SettingsError` names the variable and what it may hold; it never shows a secret.
    """
    _refuse_unknown(environ)
    given = {name: environ.get(name) or None for name in NAMES}
    database = given["GITOPS_BOT_FORGE_DATABASE"]
    return Settings(
        repository=_repository(given["GITOPS_BOT_REPOSITORY"]),
        forge=cast("Literal['local']", _one_of("GITOPS_BOT_FORGE", given, "local")),
        forge_database=Path(database) if database else None,
        layout=_layout(given["GITOPS_BOT_REGISTRY"]),
        builder=cast("Literal['assemble', 'docker']", _one_of("GITOPS_BOT_BUILDER", given, "assemble", "docker")),
        cache=_cache(given["GITOPS_BOT_CACHE"], environ),
        git_token=_token(given["GITOPS_BOT_GIT_TOKEN"]),
        user=_user(given["GITOPS_BOT_USER"] or environ.get("USER") or "nobody"),
    )


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in NAMES and not name.startswith("GITOPS_BOT_TEST_"):
            # Without what all have in common, which would make any two look alike.
            endings = [known.removeprefix(PREFIX) for known in NAMES]
            near = get_close_matches(name.removeprefix(PREFIX), endings, n=1)
            fix = f"did you mean {PREFIX}{near[0]}?" if near else f"unset it; known are {', '.join(NAMES)}"
            raise SettingsError(f"there is no setting {name}", fix=fix)


def _repository(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        check_git_url(text)
    except BotError as error:
        raise SettingsError(f"GITOPS_BOT_REPOSITORY: {error.message}", fix=error.fix) from error
    return text


def _one_of(name: str, given: Mapping[str, str | None], default: str, *others: str) -> str:
    value = given[name] or default
    if value not in (default, *others):
        raise SettingsError(f"{name}: {value!r} is not known", fix=f"use one of: {', '.join((default, *others))}")
    return value


def _layout(text: str | None) -> Path | None:
    kind, _, folder = (text or "oci").partition(":")
    if kind == "layout" and folder:
        return Path(folder)
    if text is not None and text != "oci":
        raise SettingsError(f"GITOPS_BOT_REGISTRY: {kind!r} is not known", fix="use oci, or layout:FOLDER")
    return None


def _cache(text: str | None, environ: Mapping[str, str]) -> Path:
    if text:
        return Path(text)
    # A relative path counts as not set: https://specifications.freedesktop.org/basedir-spec/latest/
    if (xdg := environ.get("XDG_CACHE_HOME", "")) and Path(xdg).is_absolute():
        return Path(xdg, "gitops-bot")
    if home := environ.get("HOME"):
        return Path(home, ".cache", "gitops-bot")
    raise SettingsError("there is no folder for the cache: HOME is not set", fix="set GITOPS_BOT_CACHE to a folder")


def _token(text: str | None) -> Secret | None:
    if text is None:
        return None
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        fix = "set it to the token alone, on one line"
        raise SettingsError("GITOPS_BOT_GIT_TOKEN holds white space or characters that no token has", fix=fix)
    return Secret(token)


def _user(name: str) -> str:
    if not name.isprintable() or any(c.isspace() for c in name):
        raise SettingsError("GITOPS_BOT_USER holds white space or a control character", fix="set it to a user's name")
    return name
