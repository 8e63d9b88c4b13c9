"""Where a repository is: https, ssh, a local path, http to this machine; and never a secret in the URL."""

from __future__ import annotations

import base64
import ipaddress
import os
import re
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from bot.core.errors import Refused

_SCP_LIKE = re.compile(r"^(?:[A-Za-z0-9_][\w.-]*@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?:[^-:].*$")
_HOST = re.compile(r"^[A-Za-z0-9](?:[A-Za-z0-9._-]*[A-Za-z0-9])?$|^[0-9A-Fa-f:.]+$")
_USER = re.compile(r"^[A-Za-z0-9_][\w.-]*$")
_CONTROL = re.compile(r"[\x00-\x1f\x7f]")


class Remote(NamedTuple):
    """A remote repository: its URL as git gets it, without secrets, and the scheme (`https`, `ssh`, `file`, `http`)."""

    url: str
    scheme: str

    def token_settings(self, token: str | None) -> dict[str, str]:
        """The git settings that send `token` to this origin alone, over https; none for other schemes.

        Redirects are not followed then: git would send the header to wherever it is led.
        Source: https://git-scm.com/docs/git-config, `http.<url>.*`, `http.extraHeader`, `http.followRedirects`.
        """
        if not token or self.scheme != "https":
            return {}
        return {
            f"http.https://{urlsplit(self.url).netloc}/.extraHeader": f"Authorization: Basic {encoded(token)}",
            "http.followRedirects": "false",
            "credential.helper": "",
        }


def encoded(token: str) -> str:
    """The token as the password of a Basic credential; GitHub, GitLab and Gitea take any user name with a token."""
    return base64.b64encode(f"x-access-token:{token}".encode()).decode("ascii")


def parse(url: str) -> Remote:
    """URL or path of a repository → Remote; a relative path becomes absolute.

    `Refused`: `secret_in_url` for a URL with a user's credentials in it, `bad_url` for anything that is not one of
    the allowed forms (https://git-scm.com/docs/git-clone#_git_urls).
    """
    if not url or _CONTROL.search(url):
        raise _bad("the URL of a git repository is empty or has control characters")
    if "://" in url:
        return _with_scheme(url)
    if ":" in url.partition("/")[0]:
        if not _SCP_LIKE.fullmatch(url) or "::" in url:
            raise _bad("a git repository is named in a form that is not allowed")
        return Remote(url, "ssh")
    return Remote(os.path.abspath(url), "file")


def _with_scheme(url: str) -> Remote:
    try:
        parts = urlsplit(url)
        host, _ = parts.hostname or "", parts.port
    except ValueError as error:
        raise _bad("the URL of a git repository has no readable host and port") from error
    scheme = parts.scheme.lower()
    if scheme == "file":
        if host or not parts.path.startswith("/"):
            raise _bad("a file URL of a git repository needs three slashes and an absolute path")
        return Remote(url, "file")
    _no_secrets(parts, scheme, host)
    if not _HOST.fullmatch(host):
        raise _bad("the URL of a git repository has no valid host")
    if scheme not in ("https", "ssh") and not (scheme == "http" and _is_this_machine(host)):
        raise _bad(f"git repositories on {host} cannot be reached by {scheme}")
    return Remote(url, scheme)


def _no_secrets(parts: SplitResult, scheme: str, host: str) -> None:
    # A lone user name of an https URL is, more often than not, a token.
    user_is_fine = parts.username is None or (scheme == "ssh" and bool(_USER.fullmatch(parts.username)))
    if parts.password is not None or not user_is_fine or parts.query or parts.fragment:
        raise Refused(
            f"the URL of a git repository on {host if _HOST.fullmatch(host) else 'a host'} has credentials in it",
            fix="take `user:password@` and `?…` out of the URL; give the token in GITOPS_BOT_GIT_TOKEN, use a git "
            "credential helper, or ssh. Revoke what was in it if others could read it",
            reason_code="secret_in_url",
        )


def _is_this_machine(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False


def _bad(message: str) -> Refused:
    return Refused(message, fix="use https://host/path, ssh://git@host/path or a local path", reason_code="bad_url")
