"""A configuration is used whole or refused whole: every problem has its line, column, path and fix, and no secret."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.core.config import (
    Config,
    ConfigError,
    Problem,
    application_folder,
    json_schema,
    load_config,
    missing_config,
    teams,
)
from bot.git.remote import parse as parse_remote
from tests.documentation import DOCS, tables, yaml_examples

HEAD = "version: 1\nenvironments:\n  dev: {path: envs/dev}\n"
IMAGE = HEAD + "applications:\n  shop:\n    images:\n      web:\n        "
BUILT = (
    IMAGE
    + "repository: host.example/web\n        build:\n          base: base:1\n          git: https://host/x\n          "
)
PLAIN = HEAD + "applications: {shop: {}}\n"
VALUES = HEAD + "applications:\n  shop:\n    values:\n      "


def problems(text: str | bytes) -> tuple[Problem, ...]:
    with pytest.raises(ConfigError) as caught:
        load_config(text.encode() if isinstance(text, str) else text)
    return caught.value.problems


def problems_if_any(text: str) -> tuple[Problem, ...]:
    try:
        load_config(text.encode())
    except ConfigError as error:
        return error.problems
    return ()


def only(text: str | bytes) -> Problem:
    found = problems(text)
    assert len(found) == 1, found
    return found[0]


def test_what_is_nested_deeper_than_the_reader_goes_is_refused_in_the_same_words() -> None:
    # PyYAML 6.0.4 looks ahead and stops at 1,000 levels itself; where, is for it to say.
    problem = only("version: 1\n" + "x: " + "[" * 100_000)
    assert (problem.line, problem.message) == (2, "this is nested deeper than 40 levels")


def environments(text: str) -> str:
    return f"version: 1\nenvironments:\n{text}applications: {{shop: {{}}}}\n"


def test_a_valid_file_becomes_the_configuration() -> None:
    config = load_config((DOCS.parent / "gitops.yaml").read_bytes())
    assert list(config.environments) == ["dev", "staging", "prod"]
    assert config.applications["micro-integrator"].images["micro-integrator"].build is not None


def test_windows_line_ends_and_a_byte_order_mark_change_nothing() -> None:
    text = (HEAD + "applications: {shop: {}}\n").encode()
    assert load_config(b"\xef\xbb\xbf" + text.replace(b"\n", b"\r\n")) == load_config(text)


def test_all_problems_are_told_at_once_in_the_order_of_the_file() -> None:
    with pytest.raises(ConfigError) as caught:
        load_config(
            b"version: 1\n"
            b"environments:\n"
            b"  dev: {path: envs/dev, aprovals: 1}\n"
            b"  prod:\n"
            b"    path: ../prod\n"
            b"    approvals: '2'\n"
            b"applications:\n"
            b"  shop:\n"
            b"    images:\n"
            b"      web: {build: {git: 'ext::sh', base: x}}\n",
            "conf/gitops.yaml",
        )
    assert str(caught.value) == (
        "conf/gitops.yaml:3:25: environments.dev.aprovals: unknown key `aprovals`\n"
        "  → did you mean `approvals`?\n"
        "conf/gitops.yaml:5:11: environments.prod.path: `../prod` cannot stand here\n"
        "  → write a path inside the repository such as envs/dev: no `/` at either end, no `..`, no spaces\n"
        "conf/gitops.yaml:6:16: environments.prod.approvals: this is the text `2`, but a whole number is wanted\n"
        "  → write approvals: 1\n"
        "conf/gitops.yaml:10:7: applications.shop.images.web.repository: the key `repository` is missing\n"
        "  → add it. Registry and repository, without a tag."
    )
    assert caught.value.reason_code == "invalid_config"


@pytest.mark.parametrize(
    ("text", "line", "column", "message"),
    [
        ("", 1, 1, "the file is empty"),
        ("# only a comment\n", 1, 1, "the file is empty"),
        ("version: 1\n\tenvironments: {}\n", 2, 1, "there is a tab here"),
        ("version: [1\n", 1, 10, "this is not valid YAML: did not find expected ',' or ']'"),
        ("version: 'one\n", 1, 10, "this is not valid YAML: found unexpected end of stream"),
        ("version: one: two\n", 1, 13, "this is not valid YAML: mapping values are not allowed"),
        ("a:\n  b: 1\n c: 2\n", 3, 2, "this is not valid YAML: did not find expected key"),
        ("version: @1\n", 1, 10, "this is not valid YAML: found character that cannot start any token"),
        ("version: &one 1\n", 1, 10, "anchors and aliases"),
        ("version: *one\n", 1, 10, "anchors and aliases"),
        ("version: !!python/object:os.system 1\n", 1, 10, "tags"),
        ("version: 1\n---\nversion: 1\n", 2, 1, "a second document begins here"),
        ("version: 1\n" + "x: " + "[" * 500, 2, 43, "this is nested deeper than 40 levels"),
        ("x: [" + "1, " * 30_000 + "1]", 1, 59_996, "there are more than 20000 keys and values"),
        ("x: " + "a" * (1 << 20), 1, 1, "the file is larger than 1 MiB"),
        (b"version: 1\nb\xe4d: 1\n", 2, 2, "this is not UTF-8"),
        ("version: 1\nbell: \x07\n", 2, 7, "there is a control character, U+0007"),
    ],
)
def test_a_text_that_is_not_plain_yaml_is_refused_where_it_stops_being_so(
    text: str | bytes, line: int, column: int, message: str
) -> None:
    problem = only(text)
    assert (problem.line, problem.column) == (line, column)
    assert problem.message.startswith(message)
    assert problem.fix


@pytest.mark.parametrize(
    ("text", "line", "column", "path", "message", "fix"),
    [
        (HEAD + "applications: {a: {}}\nversion: 1\n", 5, 1, "version", "already in line 1", "keep one"),
        (HEAD + "  no: {path: x}\napplications: {a: {}}\n", 4, 3, "environments", "as `false`", "quotes: 'no'"),
        (HEAD + "  1.10: {path: x}\napplications: {a: {}}\n", 4, 3, "environments", "as a number", "quotes: '1.10'"),
        (HEAD + "applications: {a: {}}\n? [x]\n: 1\n", 5, 3, "", "a key must be a text", "key: value"),
        (HEAD + "applications: {a: {}}\n<<: {x: 1}\n", 5, 1, "", "merge keys", "write the keys out"),
    ],
)
def test_keys_that_yaml_reads_otherwise_than_people_are_refused(
    text: str, line: int, column: int, path: str, message: str, fix: str
) -> None:
    problem = only(text)
    assert (problem.line, problem.column, problem.path) == (line, column, path)
    assert message in problem.message
    assert fix in problem.fix


@pytest.mark.parametrize(
    ("text", "path", "message", "fix"),
    [
        ("text\n", "", "this is the text `text`", "begin with: version: 1"),
        (HEAD, "applications", "the key `applications` is missing", "add it"),
        (HEAD.replace("1", "2") + "applications: {a: {}}", "version", "this is `2`, not one of: 1", "one of: 1"),
        (HEAD + "applications: {}", "applications", "has no entry", "at least one"),
        (HEAD + "applications:\n  a:\n", "applications.a", "there is no value here", "delete the key"),
        (HEAD + "applications: [a]", "applications", "this is a list, but a mapping", "applications: {key: value}"),
        (HEAD + "applications: {A: {}}", "applications.A", "`A` cannot be a name", "lower-case"),
        (HEAD + "applications: {a..b: {}}", "applications.a..b", "cannot be a name", "single `.`"),
        (HEAD + "applications: {%s: {}}" % ("a" * 64), f"applications.{'a' * 64}", "cannot be a name", "at most 63"),
        (HEAD + "applications: {a.lock: {}}", "applications.a.lock", "cannot end in `.lock`", "otherwise"),
        (
            IMAGE + "repository: x\n        policy: {semver: 1.10}",
            "policy.semver",
            "reads `1.10` as a number",
            "'1.10'",
        ),
        (BUILT + "branch: yes", "build.branch", "reads `yes` as `true`", "'yes'"),
        (BUILT + "branch: ''", "build.branch", "this is empty", "leave the key out"),
        (BUILT + "branch: a..b", "build.branch", "`a..b` cannot be the name of a branch", "main"),
        (BUILT + "branch: -x", "build.branch", "`-x` cannot be the name of a branch", "main"),
        (BUILT + "branch: x.lock", "build.branch", "`x.lock` cannot be the name of a branch", "main"),
        (BUILT + "context: /etc", "build.context", "`/etc` cannot stand here", "inside the repository"),
        (BUILT + "context: a/../../b", "build.context", "`a/../../b` cannot stand here", "no `..`"),
        (BUILT + "platform: windows", "build.platform", "`windows` cannot stand here", "linux/amd64"),
        (BUILT + "base_arg: a b", "build.base_arg", "`a b` cannot stand here", "BASE_IMAGE"),
        (BUILT + "args: {BASE_IMAGE: x}", "build.args.BASE_IMAGE", "this argument is the base image's", "delete it"),
        (BUILT + "contxt: x", "build.contxt", "unknown key `contxt`", "did you mean `context`?"),
        (BUILT + "zzz: x", "build.zzz", "unknown key `zzz`", "known keys here: args, base, base_arg, branch, context"),
        (BUILT[:-2] + "test: run.sh", "web.test", "this is the text `run.sh`, but a list", "test: [sh, -c,"),
        (BUILT[:-2] + "test: [1]", "web.test[0]", "reads `1` as a whole number", "quotes: '1'"),
        (BUILT[:-2] + "test_seconds: 0", "web.test_seconds", "more than 0", "more than 0"),
        (BUILT[:-2] + "test_seconds: .nan", "web.test_seconds", "at most 3600", "at most 3600"),
        (BUILT[:-2] + "pin: 1", "web.pin", "this is `1`, but true or false", "pin: true"),
        (BUILT[:-2] + "keys: [{file: a, tag: x}]", "web.keys[0].tag", "`x` cannot stand here", "JSON Pointer"),
        (BUILT[:-2] + "keys: [{file: a}]", "web.keys[0]", "names nothing, or too much", "give `image`"),
        (BUILT[:-2] + "keys: [{file: a, tag: /x, image: /y}]", "web.keys[0]", "names nothing, or too much", "give"),
        (BUILT.replace("base:1", "base"), "build.base", "has no tag", "4.2.0"),
        (BUILT.replace("base:1", "BASE:1"), "build.base", "is not an image reference", "host/path:tag"),
        (BUILT.replace("base:1", "base:1@sha256:" + "0" * 64), "build.base", "named by digest", "by its tag alone"),
        (BUILT.replace("/web", "/web:1"), "web.repository", "is not an image reference", "host/path"),
        (IMAGE + "repository: x", "images.web", "neither `build` nor `policy`", "exactly one"),
        (BUILT[:-2] + "policy: {numerical: asc}", "images.web", "both `build` and `policy`", "exactly one"),
        (IMAGE + "repository: x\n        policy: {}", "web.policy", "exactly one", "keep one"),
        (IMAGE + "repository: x\n        policy: {semver: '>>1'}", "policy.semver", "is not a range", "~1.2"),
        (IMAGE + "repository: x\n        policy: {numerical: asc, filter: (}", "policy.filter", "regular", "correct"),
        (
            IMAGE + "repository: x\n        policy: {semver: '1', loose: 1}",
            "policy.loose",
            "true or false",
            "loose: true",
        ),
        (
            IMAGE + "repository: x\n        policy: {numerical: asc, loose: true}",
            "policy.loose",
            "nothing",
            "delete it",
        ),
        (IMAGE + "{repository: x, policy: {calver: asc, exclude: [a, /(/]}}", "exclude[1]", "column 1", "correct"),
        (IMAGE + "{repository: x, policy: {calver: asc, min_age: 3}}", "min_age", "not as text", "quotes: '3'"),
        (IMAGE + "{repository: x, policy: {calver: asc, min_age: 3w}}", "min_age", "`3w` cannot", "for example 3d"),
        (IMAGE + "{repository: x, policy: {calver: asc, min_age: 31d}}", "min_age", "longer than 30 days", "`30d` or"),
        (IMAGE + "{repository: x, policy: {newest: true, platforms: [arm]}}", "platforms[0]", "`arm` cannot", "amd64"),
        (IMAGE + "{repository: x, policy: {digest: 'a b'}}", "policy.digest", "`a b` cannot", "such as latest"),
        (IMAGE + "{repository: x, policy: {digest: latest}, pin: false}", "web.pin", "with it", "delete `pin: false`"),
        (IMAGE + "repository: x\n        policy: {numerical: up}", "policy.numerical", "not one of: asc, desc", "asc"),
        (IMAGE + "{repository: x, policy: {numerical: asc}, test: [x]}", "web.test", "only images that are", "delete"),
        (VALUES + "{git: /srv/x, file: 'v-{env}.yaml'}", "values.file", "unknown placeholder `{env}`", "{environment}"),
        (VALUES + "{git: /srv/x, file: v.yaml}", "values.file", "would get the same file", "values-{environment}.yaml"),
        (VALUES + "{git: /srv/x, file: '../{environment}'}", "values.file", "not a path inside", "{environment}"),
        (VALUES + "{git: /srv/x, target: ..}", "values.target", "`..` cannot stand here", "no `..`"),
        (environments("  a: {path: x, approvals: 21}\n"), "a.approvals", "at most 20", "at most 20"),
        (environments("  a: {path: x, approvers: ['@bob']}\n"), "a.approvers[0]", "`@bob` cannot stand", "without `@`"),
        (environments("  a: {path: x, approvers: [acme/ops]}\n"), "approvers[0]", "`acme/ops` cannot", "team:org/name"),
        (
            environments("  a: {path: x, deployers: ['team:ops']}\n"),
            "deployers[0]",
            "`team:ops` cannot",
            "team:org/name",
        ),
        (environments("  a: {path: x, deployers: ['team:a/']}\n"), "deployers[0]", "`team:a/` cannot", "team:org/name"),
        (environments("  a: {path: x, deployers: alice}\n"), "a.deployers", "a list is wanted", "[first, second]"),
        (environments("  a: {path: x, keep_approvals: 1}\n"), "keep_approvals", "true or false is wanted", "true"),
        ("admins: ['permission:read']\n" + PLAIN, "admins[0]", "`permission:read` cannot stand", "permission:write or"),
        ("admins: ['']\n" + PLAIN, "admins[0]", "cannot stand here", "write a user's name"),
        ("admins: [a b]\n" + PLAIN, "admins[0]", "`a b` cannot stand here", "write a user's name"),
        ("commands: {aprove: true}\n" + PLAIN, "commands.aprove", "unknown key", "did you mean `approve`?"),
        ("commands: true\n" + PLAIN, "commands", "a mapping is wanted", "commands: {key: value}"),
        (
            environments("  a: {path: x, merge: yes}\n"),
            "a.merge",
            "this is `yes`, not one of: auto, forge, manual",
            "auto",
        ),
        (
            environments("  a: {path: x, approvals: 2, approvers: [bob, Bob]}\n"),
            "a.approvals",
            "2 approvals are wanted, but only 1 may approve",
            "name more `approvers`",
        ),
        (environments("  a: {path: x, after: b}\n"), "a.after", "there is no environment `b`", "delete it"),
        (environments("  a: {path: x, after: b}\n  c: {path: y}\n"), "a.after", "no environment `b`", "one of: `c`"),
        (environments("  a: {path: x, after: a}\n"), "a.after", "wait for each other: a → a", "delete `after`"),
        (
            environments("  a: {path: x, after: b}\n  b: {path: y, after: c}\n  c: {path: z, after: b}\n"),
            "b.after",
            "wait for each other: b → c → b",
            "delete `after`",
        ),
        (environments("  a: {path: x}\n  b: {path: x}\n"), "b.path", "is that of the environment `a`", "of its own"),
        (environments("  a: {path: x/y}\n  b: {path: x}\n"), "a.path", "of the environment `b`, or lies", "of its own"),
        (environments("  a: {path: .}\n  b: {path: x}\n"), "b.path", "of the environment `a`, or lies", "of its own"),
    ],
)
def test_a_wrong_value_is_explained_in_plain_words(text: str, path: str, message: str, fix: str) -> None:
    problem = only(text)
    assert problem.path.endswith(path)
    assert message in problem.message
    assert fix in problem.fix


def test_people_are_users_teams_and_permissions() -> None:
    who = "[alice, 'team:acme/Ops', 'team:acme/platform/ops', 'permission:admin', 'renovate[bot]']"
    text = f"admins: {who}\n" + environments(f"  a: {{path: x, approvals: 9, approvers: {who}, deployers: {who}}}\n")
    config = load_config(text.encode())
    assert config.admins == config.environments["a"].approvers == config.environments["a"].deployers
    assert config.admins[1:4] == ("team:acme/Ops", "team:acme/platform/ops", "permission:admin")


def test_the_teams_that_a_forge_is_asked_about_are_all_that_are_named_anywhere() -> None:
    text = environments(
        "  a: {path: x, deployers: ['team:acme/a', 'permission:write']}\n"
        "  b: {path: y, approvers: ['team:acme/b/c', 'team:acme/a', alice]}\n"
    )
    assert teams(load_config(text.encode())) == {"acme/a", "acme/b/c"}
    assert teams(load_config(f"admins: ['team:acme/d']\n{PLAIN}".encode())) == {"acme/d"}
    assert teams(load_config(PLAIN.encode())) == frozenset()


def test_nobody_is_named_and_nothing_is_switched_on_by_default() -> None:
    config = load_config(PLAIN.encode())
    environment = config.environments["dev"]
    assert (config.admins, environment.deployers, environment.approvers) == ((), (), ())
    assert (config.commands.approve, environment.keep_approvals) == (False, False)


def test_folders_side_by_side_may_begin_alike() -> None:
    text = environments("  a: {path: envs/dev}\n  b: {path: envs/dev-2, after: a}\n  c: {path: envs/dev.x, after: a}\n")
    assert len(load_config(text.encode()).environments) == 3


def test_two_images_of_one_application_cannot_share_a_repository_however_it_is_written() -> None:
    image = "{repository: %s, policy: {numerical: asc}}"
    text = HEAD + "applications:\n  shop:\n    images:\n"
    text += f"      a: {image % 'web'}\n      b: {image % 'docker.io/library/web'}\n"
    text += f"      c: {image % 'docker.io/web/web'}\n"
    problem = only(text)
    assert problem.path == "applications.shop.images.b.repository"
    assert "the image `a`" in problem.message


@pytest.mark.parametrize(
    ("url", "message"),
    [
        ("https://alice:hunter2@host/x", "credentials"),
        ("https://hunter2@host/x", "credentials"),
        ("http://alice:hunter2@localhost/x", "credentials"),
        ("ssh://alice:hunter2@host/x", "credentials"),
        ("file://alice:hunter2@host/x", "credentials"),
        ("file://hunter2/x", "three slashes"),
        ("https://alice:hunter2/@host/x", "not the URL"),
        ("https://host/x?token=hunter2", "credentials"),
        ("ext::sh -c hunter2", "not read by `ext::`"),
        ("ext::hunter2", "not read by `ext::`"),
        ("fd::17/hunter2", "not read by `fd::`"),
        ("git://host/hunter2", "not read by `git://`"),
        ("http://host/hunter2", "not encrypted"),
        ("--upload-pack=hunter2", "not the URL"),
        ("https://-oProxyCommand=hunter2/x", "not the URL"),
        ("alice:hunter2@host:x", "credentials"),
    ],
)
@pytest.mark.parametrize("place", ["build", "values"])
def test_a_git_url_with_credentials_or_a_strange_protocol_is_refused_and_not_repeated(
    url: str, message: str, place: str
) -> None:
    quoted = json.dumps(url)
    text = BUILT.replace("https://host/x", quoted) if place == "build" else VALUES + f"git: {quoted}"
    problem = only(text)
    assert problem.path.endswith(f"{place}.git")
    assert message in problem.message
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    "url",
    [
        "https://host/x.git",
        "https://host:8443/x",
        "http://127.0.0.1:3000/x",
        "ssh://git@host:22/x",
        "git@host:group/x.git",
        "host:x",
        "file:///srv/git/x",
        "/srv/git/x y",
        "../x",
        "https://[::1]/x",
    ],
)
def test_the_usual_git_urls_are_taken_here_and_by_git(url: str) -> None:
    assert parse_remote(url).scheme in ("https", "http", "ssh", "file")
    assert load_config(VALUES.encode() + f"git: '{url}'".encode()).applications["shop"].values is not None


@pytest.mark.parametrize(
    "text",
    [
        IMAGE + "{repository: 'https://alice:hunter2@host/web', policy: {numerical: asc}}",
        IMAGE + "{repository: 'alice:hunter2@host/web', policy: {numerical: asc}}",
        IMAGE + f"{{repository: 'https://alice:hunter2{'x' * 300}@host/web', policy: {{numerical: asc}}}}",
        BUILT.replace("base:1", "https://alice:hunter2@host/base:1"),
        BUILT + "branch: 'https://alice:hunter2@host/ x'",
        BUILT + "context: 'https://alice:hunter2@host/x'",
        BUILT + "args: {TOKEN: [hunter2]}",
        BUILT + "'https://alice:hunter2@host/': x",
        environments("  a: {path: x, merge: 'https://alice:hunter2@host/'}\n"),
    ],
)
def test_credentials_that_went_into_the_wrong_key_are_not_repeated(text: str) -> None:
    assert not any("hunter2" in str(problem) for problem in problems(text))


def test_a_build_argument_that_is_no_text_is_refused_without_showing_it() -> None:
    problem = only(BUILT + "args: {PIN: 4711}")
    assert problem.path.endswith("args.PIN")
    assert problem.fix == "put it in quotes"
    assert "4711" not in str(problem)


@pytest.mark.parametrize(
    "text",
    [
        BUILT + 'args: {"\\e[31m\\n": [x]}',
        BUILT + '"\\e[31m\\n": x',
        environments('  "\\e[31m\\n": {path: x}\n  b: {path: y, after: c}\n'),
        environments('  "\\e[31m\\n": {path: x}\n  b: {path: x}\n'),
    ],
)
def test_a_key_cannot_write_to_the_terminal_or_forge_a_line(text: str) -> None:
    for problem in problems(text):
        assert "\x1b" not in str(problem)
        assert str(problem).count("\n") == 1


def test_a_value_cannot_write_to_the_terminal_or_flood_it() -> None:
    problem = only(environments('  a: {path: "\\e[31mred' + "x" * 5000 + '"}\n'))
    assert "\x1b" not in str(problem)
    assert len(problem.message) < 200


@settings(deadline=None)
@given(st.binary(max_size=200))
def test_any_bytes_give_a_configuration_or_its_problems(content: bytes) -> None:
    found = problems(content)
    assert all(problem.line >= 1 and problem.column >= 1 and problem.message and problem.fix for problem in found)


SCALARS = st.none() | st.booleans() | st.integers(-3, 30) | st.floats() | st.text(max_size=8)
KEYS = st.sampled_from([*(name for kind in json_schema()["$defs"].values() for name in kind["properties"]), "x", "A"])
VALUES_OF_ANY_SHAPE = st.recursive(
    SCALARS, lambda part: st.lists(part, max_size=3) | st.dictionaries(KEYS, part, max_size=4), max_leaves=12
)


@settings(deadline=None)
@given(VALUES_OF_ANY_SHAPE, VALUES_OF_ANY_SHAPE)
def test_values_of_any_shape_give_a_configuration_or_its_problems(one: object, other: object) -> None:
    text = json.dumps({"version": 1, "environments": {"a": one}, "applications": {"b": other}})
    assert all(problem.message and problem.fix for problem in problems_if_any(text))


def test_a_missing_file_says_how_to_get_one() -> None:
    error = missing_config("gitops.yaml at 1234567")
    assert error.reason_code == "missing_config"
    assert str(error).startswith("gitops.yaml at 1234567: there is no configuration\n")
    assert "gitops-bot init" in str(error)


def test_an_application_lies_in_its_folder_below_the_environments() -> None:
    config = load_config(
        b"version: 1\nenvironments: {a: {path: e/a}}\napplications: {x: {}, y: {path: .}, z: {path: p/q}}"
    )
    assert [application_folder(config, "a", name) for name in "xyz"] == ["e/a/x", "e/a", "e/a/p/q"]
    config = load_config(b"version: 1\nenvironments: {a: {path: .}}\napplications: {x: {}, y: {path: .}}")
    assert [application_folder(config, "a", name) for name in "xy"] == ["x", ""]


def expected_default(part: dict[str, Any], name: str) -> str:
    field = part["properties"][name]
    if name in part.get("required", ()):
        return "required"
    default = field.get("default", {})
    return "none" if default is None else f"`{default if isinstance(default, str) else json.dumps(default)}`"


def test_every_key_is_documented_with_its_default() -> None:
    schema = json_schema()
    parts = {"The file": schema, **schema["$defs"]}
    documented = tables(DOCS / "configuration.md")
    assert set(documented) == set(parts)
    for title, part in parts.items():
        rows = {row[0]: row for row in documented[title]}
        assert list(rows) == [f"`{name}`" for name in part["properties"]], title
        for name in part["properties"]:
            _, kind, default, meaning = rows[f"`{name}`"]
            assert default == expected_default(part, name), f"{title}.{name}"
            assert kind, f"{title}.{name}"
            assert meaning, f"{title}.{name}"


@pytest.mark.parametrize("example", yaml_examples(DOCS / "configuration.md"))
def test_every_example_in_the_documentation_is_valid(example: str) -> None:
    assert isinstance(load_config(example.encode(), "docs/configuration.md"), Config)


def test_the_published_schema_is_that_of_the_code() -> None:
    published = json.loads(Path(DOCS, "gitops.schema.json").read_text())
    assert published == json_schema(), "write it anew: gitops-bot schema > docs/gitops.schema.json"


def test_the_schema_refuses_what_the_program_refuses_as_a_name() -> None:
    found = json_schema()["properties"]["environments"]
    assert found["additionalProperties"] is False
    assert list(found["patternProperties"]) == [r"^[a-z0-9](\.?[a-z0-9_-])*$"]


CHART = HEAD + "applications:\n  shop:\n    chart: "


@pytest.mark.parametrize(
    ("chart", "path", "message"),
    [
        ("{repository: 'https://x.example', name: shop}", "", "neither `source` nor `policy`"),
        (
            "{repository: 'oci://x.example/y', name: shop, policy: {semver: '1'}, source: {git: 'https://x/y'}}",
            "",
            "both `source` and `policy`",
        ),
        ("{repository: 'https://x.example', name: shop, source: {git: 'https://x/y'}}", ".repository", "pushed"),
        ("{repository: 'https://x.example', name: shop, policy: {digest: a}}", ".policy.digest", "for images"),
        ("{repository: 'http://x.example', name: shop, policy: {semver: '1'}}", ".repository", "not encrypted"),
        ("{repository: 'https://u:hunter2@x.example', name: a, policy: {semver: '1'}}", ".repository", "credentials"),
        ("{repository: 'https://x.example/?t=hunter2', name: a, policy: {semver: '1'}}", ".repository", "credentials"),
        ("{repository: 'x.example/hunter2', name: shop, policy: {semver: '1'}}", ".repository", "not the URL"),
        ("{repository: 'https:///hunter2', name: shop, policy: {semver: '1'}}", ".repository", "not the URL"),
        ("{repository: 'https://x:99999', name: shop, policy: {semver: '1'}}", ".repository", "not the URL"),
        ("{repository: 'oci://x.example/Hunter2', name: a, policy: {semver: '1'}}", ".repository", "small letters"),
        ("{repository: 'oci://x.example/y:1', name: a, policy: {semver: '1'}}", ".repository", "small letters"),
        ("{repository: 'oci://x.example/y', name: ../a, policy: {semver: '1'}}", ".name", "cannot stand here"),
        ("{repository: 'https://x.example', name: a, policy: {semver: '>='}}", ".policy.semver", ""),
        ("{repository: 'oci://x.example', name: a, source: {git: 'ext::hunter2'}}", ".source.git", "not read by"),
        ("{repository: 'oci://x.example', name: a, source: {git: 'https://x/y', path: ../y}}", ".source.path", ""),
        ("{repository: 'oci://x.example', name: a, source: {git: 'https://x/y', branch: -b}}", ".source.branch", ""),
    ],
)
def test_a_chart_that_cannot_be_followed_or_packaged_is_refused(chart: str, path: str, message: str) -> None:
    problem = only(f"{CHART}{chart}\n")
    assert problem.path == f"applications.shop.chart{path}"
    assert message in problem.message
    assert "hunter2" not in str(problem)


@pytest.mark.parametrize(
    "url", ["https://x.example:8443/a/b/", "http://127.0.0.1:8080", "oci://ghcr.io/x/charts", "oci://x.example"]
)
def test_charts_come_from_helm_repositories_and_registries(url: str) -> None:
    chart = (
        load_config(f"{CHART}{{repository: '{url}', name: shop, policy: {{semver: '1'}}}}\n".encode())
        .applications["shop"]
        .chart
    )
    assert chart is not None
    assert chart.repository == url


@pytest.mark.parametrize(
    ("text", "path", "message"),
    [
        ("promote: ['values.yaml']", "promote[0]", "cannot stand here"),
        ("promote: ['values.yaml#replicas']", "promote[0]", "cannot stand here"),
        ("promote: ['../values.yaml#/replicas']", "promote[0]", "cannot stand here"),
        ("keep: ['/values.yaml#/replicas']", "keep[0]", "cannot stand here"),
        ("promote: [v#/a, v#/b]\n    keep: [v#/b]", "promote[1]", "in `keep` too"),
        ("promote: ['values.yaml#/a']\n    values: {git: 'https://x/y'}", "promote[0]", "synced"),
    ],
)
def test_a_place_of_values_that_cannot_be_meant_is_refused(text: str, path: str, message: str) -> None:
    problem = only(f"{HEAD}applications:\n  shop:\n    {text}\n")
    assert problem.path == f"applications.shop.{path}"
    assert message in problem.message


def test_places_of_values_name_files_and_pointers() -> None:
    text = f"{HEAD}applications:\n  shop: {{promote: ['a/v.yaml#/x~1y/*/z', 'v.yaml#/a'], keep: ['v.yaml#/*']}}\n"
    shop = load_config(text.encode()).applications["shop"]
    assert (shop.promote, shop.keep) == (("a/v.yaml#/x~1y/*/z", "v.yaml#/a"), ("v.yaml#/*",))


TESTED = BUILT.rstrip(" ") + "        test: [sh, -c, 'true']\n        test_env: "


@pytest.mark.parametrize(
    "name",
    ["PATH", "HOME", "TMPDIR", "IMAGE_ROOT", "ENV", "BASH_ENV", "LD_PRELOAD", "LD_AUDIT", "DYLD_INSERT_LIBRARIES"],
)
def test_a_test_gets_no_variable_that_decides_which_programs_run(name: str) -> None:
    problem = only(f"{TESTED}[APP_HOME, {name}]\n")
    assert problem.message == f"{name} decides which programs run on the bot's machine"
    assert problem.path == "applications.shop.images.web.test_env[1]"


@pytest.mark.parametrize("name", ["'A=B'", "'a b'", "1A", "'A\u00e9'", "''"])
def test_a_variable_of_a_test_has_a_name_that_is_one(name: str) -> None:
    assert "APP_HOME" in only(f"{TESTED}[{name}]\n").fix


def test_variables_without_a_test_are_for_nothing() -> None:
    problem = only(BUILT.rstrip(" ") + "        test_env: [APP_HOME]\n")
    assert (problem.message, problem.fix) == ("this image has no `test`", "give one, or delete this")


def test_the_variables_of_a_test_are_kept_in_their_order() -> None:
    image = load_config(f"{TESTED}[APP_HOME, _B]\n".encode()).applications["shop"].images["web"]
    assert image.test_env == ("APP_HOME", "_B")
