"""What the environment variables say, checked once; a variable that nobody knows is an error, not silence."""

from __future__ import annotations

from base64 import b64decode
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Literal, cast
from urllib.parse import urlsplit

from bot.core.errors import BotError
from bot.core.git_urls import check_git_url

if TYPE_CHECKING:
    from collections.abc import Mapping

PREFIX = "GITOPS_BOT_"
FORGES = ("local", "github", "gitlab")
NAMES = (
    "GITOPS_BOT_REPOSITORY",
    "GITOPS_BOT_FORGE",
    "GITOPS_BOT_FORGE_DATABASE",
    "GITOPS_BOT_FORGE_URL",
    "GITOPS_BOT_FORGE_TOKEN",
    "GITOPS_BOT_GITHUB_APP_ID",
    "GITOPS_BOT_GITHUB_APP_KEY",
    "GITOPS_BOT_GITHUB_INSTALLATION_ID",
    "GITOPS_BOT_REGISTRY",
    "GITOPS_BOT_BUILDER",
    "GITOPS_BOT_CACHE",
    "GITOPS_BOT_GIT_TOKEN",
    "GITOPS_BOT_USER",
    "GITOPS_BOT_WEBHOOK_SECRETS",
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
class App:
    """A GitHub App: its id, its private key (PEM), and its installation; None: the one on the repository."""

    id: int
    key: Secret
    installation: int | None


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings, as docs/settings.md describes them; None leaves a choice to `bootstrap`.

    `own_workflow` is the file name of the GitHub workflow that this runs in, empty outside of one.
    `layout` is the folder of an OCI image layout that stands in for the registries, None for real ones.
    """

    repository: str | None
    forge: Literal["local", "github", "gitlab"]
    forge_database: Path | None
    forge_url: str | None
    forge_token: Secret | None
    github_app: App | None
    layout: Path | None
    builder: Literal["assemble", "docker"]
    cache: Path
    git_token: Secret | None
    user: str
    own_workflow: str
    webhook_secrets: tuple[Secret, ...]


SECRETS = (
    "GITOPS_BOT_FORGE_TOKEN",
    "GITOPS_BOT_GITHUB_APP_KEY",
    "GITOPS_BOT_GIT_TOKEN",
    "GITOPS_BOT_WEBHOOK_SECRETS",
)
"""The variables that hold what nobody else may see."""


def read_settings(environ: Mapping[str, str]) -> Settings:
    """Environment variables → Settings. An empty variable counts as one that is not set.

    `SettingsError` names the variable and what it may hold; it never shows a secret.
    """
    _refuse_unknown(environ)
    given = {name: environ.get(name) or None for name in NAMES}
    database = given["GITOPS_BOT_FORGE_DATABASE"]
    return Settings(
        repository=_repository(given["GITOPS_BOT_REPOSITORY"]),
        forge=cast("Literal['local', 'github', 'gitlab']", _one_of("GITOPS_BOT_FORGE", given, *FORGES)),
        forge_database=Path(database) if database else None,
        forge_url=_forge_url(given["GITOPS_BOT_FORGE_URL"]),
        forge_token=_token("GITOPS_BOT_FORGE_TOKEN", given),
        github_app=_app(given),
        layout=_layout(given["GITOPS_BOT_REGISTRY"]),
        builder=cast("Literal['assemble', 'docker']", _one_of("GITOPS_BOT_BUILDER", given, "assemble", "docker")),
        cache=_cache(given["GITOPS_BOT_CACHE"], environ),
        git_token=_token("GITOPS_BOT_GIT_TOKEN", given),
        own_workflow=environ.get("GITHUB_WORKFLOW_REF", "").partition("@")[0].rpartition("/")[2],
        user=_user(given["GITOPS_BOT_USER"] or environ.get("USER") or "nobody"),
        webhook_secrets=_webhook_secrets(given["GITOPS_BOT_WEBHOOK_SECRETS"] or ""),
    )


def _refuse_unknown(environ: Mapping[str, str]) -> None:
    for name in sorted(environ):
        if name.startswith(PREFIX) and name not in NAMES and not name.startswith("GITOPS_BOT_TEST_"):
            from difflib import get_close_matches

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


def _token(name: str, given: Mapping[str, str | None]) -> Secret | None:
    text = given[name]
    if text is None:
        return None
    token = text.strip()
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        fix = "set it to the token alone, on one line"
        raise SettingsError(f"{name} holds white space or characters that no token has", fix=fix)
    return Secret(token)


def _forge_url(text: str | None) -> str | None:
    """The address of a forge of one's own; a token is never sent in the clear to another machine."""
    if text is None:
        return None
    parts = urlsplit(text)
    loopback = parts.scheme == "http" and parts.hostname in ("localhost", "127.0.0.1", "::1")
    if not (parts.scheme == "https" or loopback) or not parts.hostname or "@" in parts.netloc:
        raise SettingsError(
            "GITOPS_BOT_FORGE_URL is not an https:// address", fix="write https://host or https://host/path"
        )
    return text.rstrip("/")


def _app(given: Mapping[str, str | None]) -> App | None:
    """The GitHub App; its key is the PEM text, or the path of a file that holds it."""
    app, key = given["GITOPS_BOT_GITHUB_APP_ID"], given["GITOPS_BOT_GITHUB_APP_KEY"]
    if app is None and key is None:
        return None
    if app is None or key is None:
        fix = "set GITOPS_BOT_GITHUB_APP_ID and GITOPS_BOT_GITHUB_APP_KEY, or neither"
        raise SettingsError("a GitHub App needs its id and its private key", fix=fix)
    if not key.lstrip().startswith("-----BEGIN"):
        try:
            key = Path(key).read_text("ascii")
        except (OSError, ValueError) as error:
            fix = "set it to the PEM text, or to the path of a file that holds it"
            raise SettingsError("GITOPS_BOT_GITHUB_APP_KEY names no readable file", fix=fix) from error
    installation = given["GITOPS_BOT_GITHUB_INSTALLATION_ID"]
    return App(
        _number("GITOPS_BOT_GITHUB_APP_ID", app),
        Secret(key),
        _number("GITOPS_BOT_GITHUB_INSTALLATION_ID", installation) if installation else None,
    )


def _number(name: str, text: str) -> int:
    if not text.isdecimal() or not text.isascii():
        raise SettingsError(f"{name}: {text[:40]!r} is not a number", fix="copy it from the App's page")
    return int(text)


def _user(name: str) -> str:
    if not name.isprintable() or any(c.isspace() for c in name):
        raise SettingsError("GITOPS_BOT_USER holds white space or a control character", fix="set it to a user's name")
    return name


def _webhook_secrets(text: str) -> tuple[Secret, ...]:
    """Several may be given while one takes the place of another, separated by commas."""
    secrets = [part.strip() for part in text.split(",") if part.strip()]
    for secret in secrets:
        if not secret.isascii() or not secret.isprintable() or " " in secret:
            fix = "use printable ASCII, and separate secrets by commas"
            raise SettingsError("GITOPS_BOT_WEBHOOK_SECRETS holds a character that no secret may have", fix=fix)
        if secret.startswith("whsec_") and not _is_base64(secret.removeprefix("whsec_")):
            fix = "copy it again from the webhook's page"
            raise SettingsError("GITOPS_BOT_WEBHOOK_SECRETS: what follows whsec_ is not base64", fix=fix)
    return tuple(map(Secret, secrets))


def _is_base64(text: str) -> bool:
    try:
        return bool(b64decode(text, validate=True))
    except ValueError:
        return False
