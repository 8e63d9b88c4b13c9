"""The commands that a comment may hold, as data: who may give each, what it takes, what it does."""

from __future__ import annotations

from types import MappingProxyType
from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Mapping

Verb: TypeAlias = Literal[
    "help",
    "status",
    "diff",
    "promote",
    "rollback",
    "approve",
    "hold",
    "unhold",
    "lock",
    "unlock",
    "freeze",
    "unfreeze",
    "retry",
    "rebuild",
    "refresh",
    "cancel",
]
Level: TypeAlias = Literal["read", "write", "approver", "deployer", "admin"]
"""Who may give a command: by the forge's permission, or (approver, deployer, admin) by the configuration too."""
Takes: TypeAlias = Literal["required", "optional", "no"]
Shape: TypeAlias = Literal["name", "names", "version", "commit", "duration", "time", "none"]
"""What a flag's value looks like; `none`: the flag stands alone."""


class Rule(NamedTuple):
    """What a verb needs and does.

    `level` may give it; `own` is enough for what one made oneself (one's hold, lock or run). `argument` is what
    stands where others have the environment: `verb`, `commit`, `application`. Exactly one of `one_of` must be given.
    """

    level: Level
    help: str
    effect: str
    environment: Takes = "no"
    reason: Takes = "no"
    flags: Mapping[str, Shape] = MappingProxyType({})
    own: Level | None = None
    argument: Literal["", "verb", "commit", "application"] = ""
    one_of: tuple[str, ...] = ()


VERBS: Mapping[Verb, Rule] = MappingProxyType(
    {
        "help": Rule("read", "Say which commands you may use here", "changes nothing", argument="verb"),
        "status": Rule(
            "read",
            "Show versions, open promotions, locks and missing approvals",
            "changes nothing",
            environment="optional",
        ),
        "diff": Rule(
            "read",
            "Show what a promotion into an environment would change",
            "changes nothing",
            environment="required",
            flags={"from": "name"},
        ),
        "promote": Rule(
            "deployer",
            "Bring a release into an environment",
            "opens or updates one pull request for each application",
            environment="required",
            flags={"app": "names", "version": "version", "sha": "commit", "dry-run": "none"},
        ),
        "rollback": Rule(
            "deployer",
            "Bring back what an environment had before",
            "opens a pull request that reverts",
            environment="required",
            reason="required",
            flags={"app": "name", "to": "version"},
        ),
        "approve": Rule(
            "approver",
            "Approve this pull request at a commit",
            "records an approval of that commit",
            argument="commit",
        ),
        "hold": Rule(
            "read", "Keep this pull request from being merged", "sets a label and a failing check", reason="optional"
        ),
        "unhold": Rule(
            "deployer", "End a hold", "removes the label and the failing check", reason="optional", own="read"
        ),
        "lock": Rule(
            "deployer",
            "Keep an environment for this pull request",
            "stops all other promotions into the environment",
            environment="required",
            reason="required",
            flags={"for": "duration"},
        ),
        "unlock": Rule(
            "admin",
            "Give an environment free",
            "removes the lock",
            environment="required",
            reason="optional",
            own="deployer",
        ),
        "freeze": Rule(
            "admin",
            "Stop promotions everywhere, or into one environment, but those that an admin labels hotfix",
            "sets a pending check on every other promotion",
            environment="optional",
            reason="required",
            flags={"for": "duration", "until": "time"},
            one_of=("for", "until"),
        ),
        "unfreeze": Rule("admin", "End a freeze", "removes the freeze", reason="required"),
        "retry": Rule("write", "Try again what failed", "looks at everything again, now"),
        "rebuild": Rule(
            "write",
            "Build the images of the same commit again",
            "a new digest voids the approvals",
            argument="application",
        ),
        "refresh": Rule("write", "Render this pull request again", "updates the pull request"),
        "cancel": Rule("deployer", "Stop what runs for this pull request", "stops it", own="write"),
    }
)


def usage(verb: Verb) -> str:
    """How a command is typed, in one line: `/lock <environment> [--for=4h] <reason>`."""
    rule = VERBS[verb]
    words = [f"/{verb}"]
    if rule.argument:
        words.append("<commit>" if rule.argument == "commit" else f"[{rule.argument}]")
    words += _optional("<environment>", rule.environment)
    if rule.one_of:
        words.append("|".join(flag_usage(flag, rule.flags[flag]) for flag in rule.one_of))
    words += [f"[{flag_usage(flag, shape)}]" for flag, shape in rule.flags.items() if flag not in rule.one_of]
    return " ".join(words + _optional("<reason>", rule.reason))


EXAMPLES: Mapping[Shape, str] = MappingProxyType(
    {
        "name": "<name>",
        "names": "<name>,<name>",
        "version": "<version>",
        "commit": "<commit>",
        "duration": "4h",
        "time": "<YYYY-MM-DDThh:mmZ>",
    }
)


def flag_usage(flag: str, shape: Shape) -> str:
    """How a flag is typed: `--for=4h`, `--dry-run`."""
    return f"--{flag}" if shape == "none" else f"--{flag}={EXAMPLES[shape]}"


def _optional(word: str, takes: Takes) -> list[str]:
    return {"required": [word], "optional": [f"[{word.strip('<>')}]"], "no": []}[takes]
