"""Who the bot is on GitHub: a token, or an App that gets itself short-lived tokens; no secret shows in any text."""

from __future__ import annotations

from hashlib import sha256
from typing import NamedTuple

import jwt
from github import Auth

from bot.core.errors import Unauthorised


class Access(NamedTuple):
    """The credentials, and the App's installation id if it is known."""

    auth: Auth.Token | Auth.AppAuth
    installation: int | None = None

    @property
    def owner(self) -> str:
        """The same text for the same token or App on one GitHub, and another for others; it shows no token."""
        if isinstance(self.auth, Auth.Token):
            return sha256(self.auth.token.encode()).hexdigest()
        return f"App {self.auth.app_id}, installation {self.installation}"

    def __repr__(self) -> str:
        return "Access(***)"


def token_access(token: str) -> Access:
    """A personal access token (classic or fine-grained), an installation's token or a workflow's `GITHUB_TOKEN`."""
    return Access(Auth.Token(token))


def app_access(app_id: str, key: str, installation: int | None = None) -> Access:
    """A GitHub App by its id (or client id) and private key in PEM, whose line ends may be written as `\\n`.

    Without `installation`, the one that holds the repository is looked up. `Unauthorised` if it is no RSA key.
    https://docs.github.com/en/apps/creating-github-apps/authenticating-with-a-github-app
    """
    pem = key.strip().replace("\\n", "\n")
    try:
        jwt.get_algorithm_by_name("RS256").prepare_key(pem)
    except (jwt.PyJWTError, ValueError, TypeError):
        # The cause is dropped: it may quote the key.
        raise Unauthorised(
            "the private key of the GitHub App cannot be used: it is no RSA key in PEM, or it has a password",
            fix="give the whole file that GitHub let you download, from -----BEGIN to -----END",
        ) from None
    return Access(Auth.AppAuth(app_id, pem), installation)
