"""`gitops-bot init --protect`: the forge's own rules that make the status `gitops-bot/approval` binding for everyone.

Source: https://docs.github.com/en/rest/repos/rules; GitLab's are in `protect_gitlab`.
"""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import urlsplit

from bot.cli.protect_gitlab import apply as apply_on_gitlab
from bot.cli.protect_gitlab import rules as gitlab_rules
from bot.core.errors import BotError, NotFound, Unauthorised, Unavailable
from bot.core.plan.places import APPROVAL
from bot.core.state.files import BRANCH

if TYPE_CHECKING:
    from collections.abc import Iterator

    import requests

    from bot.settings import Settings

# The id of GitHub Actions, whose GITHUB_TOKEN the workflows use where the bot has no App of its own.
ACTIONS = 15368
_SECONDS = 30

_LOCAL = "The local forge needs no more: it merges nothing without the status gitops-bot/approval."
_GITHUB = """\
# Run this in a checkout of the GitOps repository, as somebody who may administer it (or use --apply).
# The default branch changes by pull request alone, for administrators too: the status gitops-bot/approval must come
# from App {source}, an approval of an older commit is dismissed, and code owners (.github/CODEOWNERS) must approve.
"""
_NO_APP = """\
# {source} is GitHub Actions: whoever may push a branch can let a workflow set the status. With a GitHub App of the
# bot's own, give its id by --app-id; then its branches gitops-bot/state and bot/… are the App's alone, too.
"""
_GITLAB = """\
# Run this in a checkout of the GitOps repository, as a maintainer (or use --apply); `main` stands for its default
# branch. That branch changes by merge request alone, merged by maintainers (the bot's token needs that role), and only
# when the pipeline succeeds: the status gitops-bot/approval is a part of it. GitLab cannot say who must have set a
# status. The bot's branch gitops-bot/state is pushed to by maintainers alone.
"""
_GITLAB_PREMIUM = (
    "\n# With GitLab Premium, also: an approval of an older commit is removed, and code owners must approve.\n"
)


class _Call(NamedTuple):
    """One request to a forge's API; the path as `gh api` and `glab api` take it."""

    method: str
    path: str
    body: dict[str, Any]


def as_text(forge: str, app_id: int | None) -> str:
    """The commands, for a shell, that protect the repository of the current folder on `github` or `gitlab`.

    `app_id`: the GitHub App that the bot is; None for GitHub Actions. `local` needs none, and the text says so.
    """
    if forge == "github":
        head = _GITHUB.format(source=app_id or ACTIONS) + ("" if app_id else _NO_APP.format(source=ACTIONS))
        return head + _commands("gh", [_Call("POST", "repos/{owner}/{repo}/rulesets", r) for r in rulesets(app_id)])
    if forge == "gitlab":
        free, premium = _gitlab()
        return _GITLAB + _commands("glab", free) + _GITLAB_PREMIUM + _commands("glab", premium)
    return _LOCAL


def rulesets(app_id: int | None) -> list[dict[str, Any]]:
    """GitHub's rulesets, as its API takes them: the default branch, and the bot's own where the bot is an App."""
    approval = {"context": APPROVAL, "integration_id": app_id or ACTIONS}
    review = {
        # How many must approve differs by environment: the bot counts, and its status says so.
        "required_approving_review_count": 0,
        "dismiss_stale_reviews_on_push": True,
        "require_code_owner_review": True,
        "require_last_push_approval": False,
        "required_review_thread_resolution": False,
    }
    # Not strict: the bot renders again what the default branch has moved past.
    checks = {"strict_required_status_checks_policy": False, "required_status_checks": [approval]}
    rules: list[dict[str, Any]] = [
        {"type": "deletion"},
        {"type": "non_fast_forward"},
        {"type": "pull_request", "parameters": review},
        {"type": "required_status_checks", "parameters": checks},
    ]
    found = [_ruleset("gitops-bot", "~DEFAULT_BRANCH", rules, [])]
    if app_id:
        only_the_bot = [{"actor_id": app_id, "actor_type": "Integration", "bypass_mode": "always"}]
        locked = [{"type": kind} for kind in ("creation", "update", "deletion", "non_fast_forward")]
        found.append(_ruleset("gitops-bot state", f"refs/heads/{BRANCH}", locked, only_the_bot))
        # Who asked for a promotion stands in its commit. Anybody may delete one of these: then the bot writes it anew.
        written = [{"type": kind} for kind in ("creation", "update")]
        found.append(_ruleset("gitops-bot branches", "refs/heads/bot/**/*", written, only_the_bot))
    return found


def apply(settings: Settings, forge: str, app_id: int | None) -> Iterator[str]:
    """Set the rules on `github` or `gitlab`, or bring them up to date; yields a line for each.

    Uses the settings' repository, forge address and token, which must be one that may administer the repository.
    Raises `BotError` (`invalid_setting`) if one of them is missing, `Unauthorised`, `NotFound`, `Unavailable`.
    """
    return _on_github(settings, app_id) if forge == "github" else _on_gitlab(settings)


def _on_gitlab(settings: Settings) -> Iterator[str]:
    import time

    from bot.bootstrap import path_on
    from bot.forges.gitlab_api import Api

    _name(settings)
    path = path_on(settings.forge_url or "", settings.repository or "")
    yield from apply_on_gitlab(Api(path, settings.forge_url or "https://gitlab.com", _token(settings), time.sleep))


def _on_github(settings: Settings, app_id: int | None) -> Iterator[str]:
    import requests

    name = _name(settings)
    with requests.Session() as session:
        session.headers["Authorization"] = f"Bearer {_token(settings)}"
        session.headers["Accept"] = "application/vnd.github+json"
        session.trust_env = False  # else ~/.netrc would replace the token
        url = f"{_api(settings.forge_url)}/repos/{name}/rulesets"
        ids = _ids(_ask(session, "GET", f"{url}?includes_parents=false&per_page=100", None), url)
        for ruleset in rulesets(app_id):
            known = ids.get(ruleset["name"])
            _ask(session, "PUT" if known else "POST", f"{url}/{known}" if known else url, ruleset)
            yield f"{'updated' if known else 'made'} the ruleset `{ruleset['name']}` of {name}"


def _ask(session: requests.Session, method: str, url: str, body: dict[str, Any] | None) -> Any:
    import requests

    where = urlsplit(url).netloc
    try:
        answer = session.request(method, url, json=body, timeout=_SECONDS, allow_redirects=False)
        if answer.ok and not answer.is_redirect:
            return answer.json()
    except requests.RequestException as error:
        raise Unavailable(f"{where} does not answer", fix="check GITOPS_BOT_FORGE_URL, and try again") from error
    if answer.status_code in (401, 403):
        fix = "set GITOPS_BOT_FORGE_TOKEN to a token that may administer the repository"
        raise Unauthorised(f"{where} refuses the token ({answer.status_code})", fix=fix)
    if answer.status_code == 404:
        fix = "check GITOPS_BOT_REPOSITORY, and that the token may administer it"
        raise NotFound(f"{where} has no such repository, or does not show it to this token", fix=fix)
    fix = "run what `gitops-bot init --protect` prints, to see the whole answer"
    raise Unavailable(f"{where} answered {method} with {answer.status_code}", fix=fix)


def _ids(answer: Any, url: str) -> dict[str, int]:
    """The id of each ruleset that is there, by its name."""
    try:
        if not isinstance(answer, list):
            raise TypeError
        return {found["name"]: int(found["id"]) for found in answer}
    except (TypeError, KeyError, ValueError) as error:
        fix = "check GITOPS_BOT_FORGE_URL"
        raise Unavailable(f"{urlsplit(url).netloc} answered with no list of rulesets", fix=fix) from error


def _api(url: str | None) -> str:
    if url is None or urlsplit(url).hostname == "github.com":
        return "https://api.github.com"
    return f"{url.rstrip('/')}/api/v3"


def _name(settings: Settings) -> str:
    path = re.search(r"[:/]([\w.-]+/[\w.-]+?)(?:\.git)?/?$", settings.repository or "", re.ASCII)
    if not path:
        raise _unset(
            "GITOPS_BOT_REPOSITORY", "it names the repository to protect, such as https://github.com/OWNER/NAME"
        )
    return path[1]


def _token(settings: Settings) -> str:
    if settings.forge_token is None:
        raise _unset("GITOPS_BOT_FORGE_TOKEN", "to protect a repository takes a token that may administer it")
    return settings.forge_token.reveal()


def _unset(name: str, why: str) -> BotError:
    return BotError(f"{name} is not set: {why}", fix=f"set {name}", reason_code="invalid_setting")


def _ruleset(name: str, ref: str, rules: list[dict[str, Any]], bypass: list[dict[str, Any]]) -> dict[str, Any]:
    refs = {"ref_name": {"include": [ref], "exclude": []}}
    head = {"name": name, "target": "branch", "enforcement": "active"}
    return {**head, "bypass_actors": bypass, "conditions": refs, "rules": rules}


def _gitlab() -> tuple[list[_Call], list[_Call]]:
    branches = "projects/:id/protected_branches"
    wanted = gitlab_rules("main")
    free = [
        _Call("PUT", "projects/:id", wanted.project),
        # GitLab protects the default branch from the start, and changes such a rule only where it is made anew.
        _Call("DELETE", f"{branches}/main", {}),
        *(_Call("POST", branches, rule) for rule in wanted.branches),
    ]
    return free, [
        _Call("POST", "projects/:id/approvals", wanted.approvals),
        _Call("PATCH", f"{branches}/main", wanted.owners),
    ]


def _commands(program: str, calls: list[_Call]) -> str:
    return "".join(f"\n{_command(program, call)}\n" for call in calls)


def _command(program: str, call: _Call) -> str:
    line = f"{program} api --method {call.method} '{call.path}'"
    if not call.body:
        return line
    kind = " --header 'Content-Type: application/json'" if program == "glab" else ""
    return f"{line}{kind} --input - <<'JSON'\n{json.dumps(call.body, indent=2)}\nJSON"
