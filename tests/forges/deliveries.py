"""What a forge would send: a payload, signed as the forge signs it."""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
from typing import Any

SECRET = "a-secret-that-nobody-may-see"
SIGNING = "whsec_" + base64.b64encode(b"a-signing-secret-of-32-bytes....").decode()
REPOSITORY = "shop/gitops"


def github(name: str, payload: Any, secret: str = SECRET, **headers: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of a delivery of GitHub; a header given as empty is left out."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    given = {
        "Content-Type": "application/json",
        "X-GitHub-Event": name,
        "X-GitHub-Delivery": "72d3162e-cc78-11e3-81ab-4c9367dc0958",
        "X-Hub-Signature-256": "sha256=" + hmac.new(secret.encode(), body, hashlib.sha256).hexdigest(),
    }
    return _headers(given, headers), body


def gitlab(payload: Any, **headers: str) -> tuple[dict[str, str], bytes]:
    """Headers and body of a delivery of GitLab that carries a token; a header given as empty is left out."""
    body = payload if isinstance(payload, bytes) else json.dumps(payload).encode()
    given = {
        "Content-Type": "application/json",
        "X-Gitlab-Event": "Note Hook",
        "X-Gitlab-Event-UUID": "13792a34-cac6-4fda-95a8-c58e00a3954e",
        "Idempotency-Key": "f5e5f430-f57b-4e6e-9fac-d9128cd7232f",
        "X-Gitlab-Token": SECRET,
    }
    return _headers(given, headers), body


def signed_gitlab(payload: Any, time: int, secret: str = SIGNING, **headers: str) -> tuple[dict[str, str], bytes]:
    """The same, signed by Standard Webhooks as GitLab 19.0 does."""
    given, body = gitlab(payload, X_Gitlab_Token="")
    sent = given["Idempotency-Key"]
    key = base64.b64decode(secret.removeprefix("whsec_"))
    signature = hmac.digest(key, f"{sent}.{time}.".encode() + body, hashlib.sha256)
    signed = {
        "webhook-id": sent,
        "webhook-timestamp": str(time),
        "webhook-signature": f"v1,{base64.b64encode(signature).decode()}",
    }
    return _headers(given | signed, headers), body


def _headers(given: dict[str, str], changed: dict[str, str]) -> dict[str, str]:
    changes = {name.replace("_", "-").lower(): value for name, value in changed.items()}
    kept = {name: value for name, value in given.items() if name.lower() not in changes}
    return kept | {name: value for name, value in changes.items() if value}


def issue_comment(body: str = "/promote prod", by: str = "alice", **comment: Any) -> dict[str, Any]:
    """GitHub's event of a comment on a pull request, with what the bot takes from it."""
    user = {"login": by, "type": "User"}
    return {
        "action": "created",
        "issue": {"number": 7, "pull_request": {"url": "https://api.github.com/repos/shop/gitops/pulls/7"}},
        "comment": {"node_id": "IC_kw7", "user": user, "body": body, "created_at": "2026-05-15T15:20:21Z"} | comment,
        "repository": repository(),
        "sender": user,
    }


def repository(name: str = "Shop/GitOps") -> dict[str, str]:
    """GitHub's description of a repository."""
    return {
        "full_name": name,
        "clone_url": f"https://github.com/{name}.git",
        "ssh_url": f"git@github.com:{name}.git",
    }


def note(body: str = "/promote prod", by: str = "alice", **attributes: Any) -> dict[str, Any]:
    """GitLab's event of a note on a merge request, with the keys that its documentation shows."""
    given = {
        "id": 1244,
        "internal": False,
        "note": body,
        "noteable_type": "MergeRequest",
        "author_id": 1,
        "created_at": "2026-05-15 15:20:21 UTC",
        "updated_at": "2026-05-15 15:20:21 UTC",
        "project_id": 5,
        "system": False,
        "action": "create",
        "url": "https://gitlab.example.com/shop/gitops/-/merge_requests/7#note_1244",
    }
    return {
        "object_kind": "note",
        "event_type": "note",
        "user": {"id": 1, "name": "Alice", "username": by, "email": "alice@example.com"},
        "project_id": 5,
        "project": {
            "path_with_namespace": "shop/gitops",
            "git_ssh_url": "git@gitlab.example.com:shop/gitops.git",
            "git_http_url": "https://gitlab.example.com/shop/gitops.git",
        },
        "object_attributes": given | attributes,
        "merge_request": {"id": 7001, "iid": 7, "state": "opened"},
    }
