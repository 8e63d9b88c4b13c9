"""Which URLs of git repositories may be configured: known protocols, encrypted, and without credentials inside.

Forms: https://git-scm.com/docs/git-clone#_git_urls. What `ext::` and the like name is a program to run.
"""

from __future__ import annotations

import re

from bot.core.errors import Refused

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)(/.*)?$")
_HELPER = re.compile(r"^([A-Za-z0-9+.-]{1,20})::")
_PASSWORD = re.compile(r"^[^/@:]*:[^/]*@")
_SCP = re.compile(r"^(?:[A-Za-z0-9_][A-Za-z0-9_.-]*@)?[A-Za-z0-9](?:[A-Za-z0-9.-]*[A-Za-z0-9])?:[^-:\s]\S*$")
_USER = re.compile(r"^[A-Za-z0-9_][A-Za-z0-9_.-]*$")
_HOST = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$")
_LOOPBACK = re.compile(r"^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?$")
_FORMS = "write https://host/path.git, ssh://git@host/path.git, git@host:path.git, or the path of a folder"


def check_git_url(text: str) -> None:
    """Nothing for a URL or local path that may be used; else `Refused`, which never repeats the text.

    Taken: `https://`, `ssh://`, `file:///`, `http://` of this machine, `[user@]host:path`, and a path.
    Reason codes: `secret_in_url`, `bad_url`.
    """
    if not text or text.startswith("-") or not text.isprintable():
        raise _bad("this is not the URL of a git repository")
    if helper := _HELPER.match(text):
        raise _bad(f"git repositories are not read by `{helper[1]}::`")
    if url := _SCHEME.match(text):
        _check_parts(url[1].lower(), url[2], url[3] or "")
    elif _PASSWORD.match(text):
        raise _secret()
    elif "://" in text or (":" in text.partition("/")[0] and not _SCP.match(text)):
        raise _bad("this is not the URL of a git repository")


def _check_parts(scheme: str, authority: str, path: str) -> None:
    user, at, host = authority.rpartition("@")
    if at and not (scheme == "ssh" and _USER.match(user)):
        raise _secret()
    if scheme not in ("https", "ssh", "http", "file"):
        raise _bad(f"git repositories are not read by `{scheme[:20]}://`")
    if scheme == "file":
        if host or not path:
            raise _bad("a file URL has three slashes and an absolute path")
        return
    if "?" in authority + path or "#" in authority + path:
        raise _secret()
    if not _HOST.match(host) or " " in path:
        raise _bad("this is not the URL of a git repository")
    if scheme == "http" and not _LOOPBACK.match(host):
        raise Refused(
            "this URL is not encrypted", fix="write https:// (http:// is for this machine)", reason_code="bad_url"
        )


def _secret() -> Refused:
    # A lone user name of an https URL is, more often than not, a token; so is a query.
    fix = "take `user:password@` or `?…` out; give a token in GITOPS_BOT_GIT_TOKEN, or leave it to git's helpers"
    return Refused("there are credentials in this URL", fix=fix, reason_code="secret_in_url")


def _bad(message: str) -> Refused:
    return Refused(message, fix=_FORMS, reason_code="bad_url")
