"""A setting is right, or an error that names its variable; a secret shows itself nowhere."""

from __future__ import annotations

from pathlib import Path

import pytest

from bot.settings import NAMES, Secret, Settings, SettingsError, read_settings
from tests.documentation import DOCS, tables

HOME = {"HOME": "/home/alice"}


def test_without_any_variable_the_defaults_hold() -> None:
    assert read_settings(HOME) == Settings(
        repository=None,
        forge="local",
        forge_database=None,
        forge_url=None,
        forge_token=None,
        github_app=None,
        own_workflow="",
        layout=None,
        builder="assemble",
        cache=Path("/home/alice/.cache/gitops-bot"),
        git_token=None,
        user="nobody",
        webhook_secrets=(),
    )


def test_every_variable_is_read() -> None:
    settings = read_settings(
        {
            "GITOPS_BOT_REPOSITORY": "https://host.example/gitops.git",
            "GITOPS_BOT_FORGE": "local",
            "GITOPS_BOT_FORGE_DATABASE": "/srv/forge.sqlite",
            "GITOPS_BOT_REGISTRY": "layout:/srv/images",
            "GITOPS_BOT_BUILDER": "docker",
            "GITOPS_BOT_CACHE": "/srv/cache",
            "GITOPS_BOT_GIT_TOKEN": "hunter2\n",
            "GITOPS_BOT_USER": "alice",
            "GITOPS_BOT_WEBHOOK_SECRETS": "old-one, whsec_bmV3IG9uZQ==,",
        }
    )
    assert settings.repository == "https://host.example/gitops.git"
    assert settings.forge_database == Path("/srv/forge.sqlite")
    assert settings.layout == Path("/srv/images")
    assert settings.builder == "docker"
    assert settings.cache == Path("/srv/cache")
    assert settings.git_token is not None
    assert settings.git_token.reveal() == "hunter2"
    assert settings.user == "alice"
    assert [secret.reveal() for secret in settings.webhook_secrets] == ["old-one", "whsec_bmV3IG9uZQ=="]


def test_a_real_forge_is_named_with_its_address_and_token() -> None:
    environ = {
        "GITOPS_BOT_FORGE": "gitlab",
        "GITOPS_BOT_FORGE_URL": "https://git.example/",
        "GITOPS_BOT_FORGE_TOKEN": "t",
    }
    settings = read_settings(HOME | environ)
    assert (settings.forge, settings.forge_url) == ("gitlab", "https://git.example")
    assert settings.forge_token is not None
    assert settings.forge_token.reveal() == "t"


@pytest.mark.parametrize("as_file", [False, True])
def test_a_github_app_has_its_key_as_text_or_in_a_file(tmp_path: Path, as_file: bool) -> None:
    pem = "-----BEGIN RSA PRIVATE KEY-----\nabc\n"
    (tmp_path / "key.pem").write_text(pem)
    key = str(tmp_path / "key.pem") if as_file else pem
    app = read_settings(HOME | {"GITOPS_BOT_GITHUB_APP_ID": "12", "GITOPS_BOT_GITHUB_APP_KEY": key}).github_app
    assert app is not None
    assert (app.id, app.key.reveal(), app.installation) == (12, pem, None)
    assert "abc" not in repr(app)


@pytest.mark.parametrize(
    ("environ", "message"),
    [
        ({"GITOPS_BOT_FORGE_URL": "http://git.example"}, "not an https:// address"),
        ({"GITOPS_BOT_FORGE_URL": "https://bob:hunter2@git.example"}, "not an https:// address"),
        ({"GITOPS_BOT_FORGE_TOKEN": "hunter2 x"}, "GITOPS_BOT_FORGE_TOKEN holds white space"),
        ({"GITOPS_BOT_GITHUB_APP_ID": "12"}, "a GitHub App needs its id and its private key"),
        ({"GITOPS_BOT_GITHUB_APP_ID": "x", "GITOPS_BOT_GITHUB_APP_KEY": "-----BEGIN hunter2"}, "is not a number"),
        ({"GITOPS_BOT_GITHUB_APP_ID": "1", "GITOPS_BOT_GITHUB_APP_KEY": "/no/hunter2"}, "names no readable file"),
    ],
)
def test_a_wrong_forge_setting_is_told_without_its_secret(environ: dict[str, str], message: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(HOME | environ)
    assert message in str(caught.value)
    assert "hunter2" not in str(caught.value)


def test_the_workflow_that_this_runs_in_is_known_by_its_file() -> None:
    ref = "acme/gitops/.github/workflows/gitops-bot.yml@refs/heads/main"
    assert read_settings(HOME | {"GITHUB_WORKFLOW_REF": ref}).own_workflow == "gitops-bot.yml"


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    assert read_settings(HOME | dict.fromkeys(NAMES, "")) == read_settings(HOME)


@pytest.mark.parametrize(
    ("environ", "cache"),
    [
        ({"XDG_CACHE_HOME": "/var/cache/alice"}, "/var/cache/alice/gitops-bot"),
        ({"XDG_CACHE_HOME": "relative"}, "/home/alice/.cache/gitops-bot"),
        ({"XDG_CACHE_HOME": ""}, "/home/alice/.cache/gitops-bot"),
    ],
)
def test_the_cache_is_where_the_desktop_keeps_caches(environ: dict[str, str], cache: str) -> None:
    assert read_settings(HOME | environ).cache == Path(cache)


def test_who_logged_in_is_who_acts() -> None:
    assert read_settings(HOME | {"USER": "alice"}).user == "alice"
    assert read_settings(HOME | {"USER": "alice", "GITOPS_BOT_USER": "bob"}).user == "bob"


@pytest.mark.parametrize(
    ("environ", "message", "fix"),
    [
        ({"GITOPS_BOT_REPOSITRY": "x"}, "no setting GITOPS_BOT_REPOSITRY", "did you mean GITOPS_BOT_REPOSITORY?"),
        ({"GITOPS_BOT_ZOOKEEPER": "x"}, "no setting GITOPS_BOT_ZOOKEEPER", "unset it"),
        ({"GITOPS_BOT_FORGE": "gitea"}, "GITOPS_BOT_FORGE: 'gitea' is not known", "use one of: local, github, gitlab"),
        ({"GITOPS_BOT_BUILDER": "kaniko"}, "GITOPS_BOT_BUILDER: 'kaniko' is not known", "one of: assemble, docker"),
        ({"GITOPS_BOT_REGISTRY": "layout:"}, "GITOPS_BOT_REGISTRY: 'layout' is not known", "layout:FOLDER"),
        ({"GITOPS_BOT_REGISTRY": "oci:x"}, "GITOPS_BOT_REGISTRY: 'oci' is not known", "layout:FOLDER"),
        ({"GITOPS_BOT_REPOSITORY": "ext::sh"}, "GITOPS_BOT_REPOSITORY: git repositories are not", "https://host"),
        ({"GITOPS_BOT_REPOSITORY": "https://hunter2@host/x"}, "GITOPS_BOT_REPOSITORY: there are cred", "GIT_TOKEN"),
        ({"GITOPS_BOT_GIT_TOKEN": "hunter2\nX-Evil: 1"}, "GITOPS_BOT_GIT_TOKEN holds", "the token alone"),
        ({"GITOPS_BOT_GIT_TOKEN": " "}, "GITOPS_BOT_GIT_TOKEN holds", "the token alone"),
        ({"GITOPS_BOT_WEBHOOK_SECRETS": "hunter2 x"}, "GITOPS_BOT_WEBHOOK_SECRETS holds", "commas"),
        ({"GITOPS_BOT_WEBHOOK_SECRETS": "whsec_hunter2!"}, "GITOPS_BOT_WEBHOOK_SECRETS: what follows", "copy it"),
        ({"GITOPS_BOT_USER": "alice bob"}, "GITOPS_BOT_USER holds", "a user's name"),
        ({"HOME": ""}, "there is no folder for the cache", "GITOPS_BOT_CACHE"),
    ],
)
def test_a_wrong_setting_names_its_variable_and_the_fix(environ: dict[str, str], message: str, fix: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read_settings(HOME | environ)
    assert message in caught.value.message
    assert fix in caught.value.fix
    assert caught.value.reason_code == "invalid_setting"
    assert "hunter2" not in str(caught.value)


def test_the_variables_of_the_tests_are_left_alone() -> None:
    assert read_settings(HOME | {"GITOPS_BOT_TEST_REGISTRY": "127.0.0.1:5000"}) == read_settings(HOME)


def test_a_secret_is_never_shown_by_accident() -> None:
    secret = Secret("hunter2")
    settings = read_settings(HOME | {"GITOPS_BOT_GIT_TOKEN": "hunter2"})
    shown = (str(secret), repr(secret), f"{secret}", "%s" % secret, repr([secret]), repr(settings))  # noqa: UP031 -- old formatting is one of the ways out
    assert not any("hunter2" in text for text in shown)
    assert secret.reveal() == "hunter2"


def test_every_setting_is_documented_and_no_other() -> None:
    rows = tables(DOCS / "settings.md")["Settings"]
    assert [row[0].strip("`") for row in rows] == list(NAMES)
    assert all(default and meaning for _, default, meaning in rows)
