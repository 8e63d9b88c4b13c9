"""Where a repository is, and the token for that place: it never enters the URL."""

from __future__ import annotations

import base64
import os
from typing import NamedTuple
from urllib.parse import urlsplit

from bot.core.git_urls import check_git_url


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
    """URL or path of a repository → Remote; a relative path becomes absolute. `Refused` as in `check_git_url`."""
    check_git_url(url)
    if "://" in url:
        return Remote(url, url.partition("://")[0].lower())
    return Remote(url, "ssh") if ":" in url.partition("/")[0] else Remote(os.path.abspath(url), "file")
