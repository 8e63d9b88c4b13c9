"""Which URLs of git repositories are used: known protocols, encrypted, and without credentials inside.

Forms: https://git-scm.com/docs/git-clone#_git_urls. What `ext::` and the like name is a program to run.
"""

from __future__ import annotations

import re

from bot.core.errors import Refused

_SCHEME = re.compile(r"^([A-Za-z][A-Za-z0-9+.-]*)://([^/]*)(/.*)?$")
_HELPER = re.compile(r"^([A-Za-z0-9+.-]*)::")
_SCP = re.compile(r"^(?:[A-Za-z0-9._-]+@)?[A-Za-z0-9][A-Za-z0-9.-]*:[^:].*$")
_HOST = re.compile(r"^(\[[0-9A-Fa-f:.]+\]|[A-Za-z0-9]([A-Za-z0-9.-]*[A-Za-z0-9])?)(:[0-9]{1,5})?$")
_LOOPBACK = re.compile(r"^(localhost|127(\.[0-9]{1,3}){3}|\[::1\])(:[0-9]{1,5})?$")
_FORMS = "write https://host/path.git, ssh://git@host/path.git, git@host:path.git, or the path of a folder"
_CREDENTIALS = "take them out; give a token in GITOPS_BOT_GIT_TOKEN, or leave it to git's credential helpers"


def check_git_url(text: str) -> None:
    """Nothing for a URL or local path that may be used; else `Refused`, which never repeats the text.

    Taken: `https://`, `ssh://`, `file://`, `http://` of this machine, `[user@]host:path`, and a path.
    Reason codes: `git_url_credentials`, `git_url_protocol`, `git_url_invalid`.
    """
    if not text or text.startswith("-") or any(c.isspace() or not c.isprintable() for c in text):
        raise Refused("this is not the URL of a git repository", fix=_FORMS, reason_code="git_url_invalid")
    if helper := _HELPER.match(text):
        raise _protocol(helper[1] + "::")
    if url := _SCHEME.match(text):
        _check_parts(url[1].lower(), url[2])
    elif "://" in text or (":" in text.split("/", 1)[0] and not _SCP.match(text)):
        raise Refused("this is not the URL of a git repository", fix=_FORMS, reason_code="git_url_invalid")


def _check_parts(scheme: str, authority: str) -> None:
    user, at, host = authority.rpartition("@")
    if at and (scheme != "ssh" or ":" in user):
        raise Refused("there are credentials in this URL", fix=_CREDENTIALS, reason_code="git_url_credentials")
    if scheme == "file":
        return
    if scheme not in ("https", "ssh", "http"):
        raise _protocol(f"{scheme[:20]}://")
    if not _HOST.match(host):
        raise Refused("the host in this URL is not one", fix=_FORMS, reason_code="git_url_invalid")
    if scheme == "http" and not _LOOPBACK.match(host):
        fix = "write https:// (http:// is for this machine only)"
        raise Refused("this URL is not encrypted", fix=fix, reason_code="git_url_protocol")


def _protocol(name: str) -> Refused:
    return Refused(f"git repositories are not read by `{name}`", fix=_FORMS, reason_code="git_url_protocol")
