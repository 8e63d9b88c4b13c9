"""`gitops-bot init` writes a repository that is valid for any names, and never over what is there."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml
from click.testing import CliRunner, Result
from hypothesis import given, settings
from hypothesis import strategies as st

from bot.cli.scaffold import Forge, Sample, init, render, write
from bot.core.config import Config, load_config
from bot.core.errors import BotError

HERE = Path(__file__).parents[2]


def run(*arguments: str) -> Result:
    return CliRunner().invoke(init, arguments)


def tree(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def config_in(files: dict[str, str]) -> Config:
    return load_config(files["gitops.yaml"].encode())


@pytest.mark.parametrize("path", sorted(render(Sample())))
def test_this_repository_holds_what_init_writes(path: str) -> None:
    assert (HERE / path).read_bytes().decode() == render(Sample())[path]


def test_this_repository_holds_no_more_than_init_writes() -> None:
    here = {str(path.relative_to(HERE)) for path in (HERE / "envs").rglob("*") if path.is_file()}
    assert here == {path for path in render(Sample()) if path.startswith("envs/")}


def test_init_writes_everything_and_says_what_to_do_next(tmp_path: Path) -> None:
    result = run(str(tmp_path / "new"))
    assert result.exit_code == 0, result.output
    assert tree(tmp_path / "new") == {path: text.encode() for path, text in render(Sample()).items()}
    assert "gitops-bot validate" in result.output
    assert "registry-credentials" in result.output


def test_init_in_no_named_folder_writes_here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert run().exit_code == 0
    assert (tmp_path / "gitops.yaml").exists()


def test_a_second_init_changes_nothing(tmp_path: Path) -> None:
    run(str(tmp_path))
    before = tree(tmp_path)
    result = run(str(tmp_path))
    assert result.exit_code == 0
    assert "there already" in result.output
    assert tree(tmp_path) == before


def test_a_file_that_is_there_stops_init_before_it_writes(tmp_path: Path) -> None:
    (tmp_path / "gitops.yaml").write_text("version: 1  # mine\n")
    result = run(str(tmp_path))
    assert result.exit_code == 1
    assert isinstance(result.exception, BotError)
    assert "gitops.yaml" in result.exception.message
    assert result.exception.reason_code == "exists"
    assert tree(tmp_path) == {"gitops.yaml": b"version: 1  # mine\n"}


def test_init_finishes_what_an_interrupted_run_began(tmp_path: Path) -> None:
    files = render(Sample())
    (tmp_path / "gitops.yaml").write_text(files["gitops.yaml"])
    assert write(tmp_path, files) == [path for path in files if path != "gitops.yaml"]


@pytest.mark.parametrize("link", ["envs", "envs/dev", "gitops.yaml", ".github"])
def test_init_never_writes_through_a_link(tmp_path: Path, link: str) -> None:
    elsewhere, folder = tmp_path / "elsewhere", tmp_path / "repository"
    elsewhere.mkdir()
    (folder / link).parent.mkdir(parents=True)
    (folder / link).symlink_to(elsewhere)
    with pytest.raises(BotError, match="are there already"):
        write(folder, render(Sample()))
    assert list(elsewhere.iterdir()) == []


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(BotError, match=str(tmp_path / "file")):
        write(tmp_path / "file" / "below", render(Sample()))


def test_the_options_end_up_where_they_belong() -> None:
    files = render(
        Sample("orders", "127.0.0.1:5000/shop/orders", "git@github.com:shop/orders.git", "/srv/values.git", "base:7.1")
    )
    config = config_in(files)
    image = config.applications["orders"].images["orders"]
    values = yaml.safe_load(files["envs/prod/orders/values.yaml"])["wso2"]["deployment"]["mi"]
    release = yaml.safe_load(files["envs/prod/orders/helmrelease.yaml"])
    assert image.repository == "127.0.0.1:5000/shop/orders"
    assert image.build is not None
    assert (image.build.git, image.build.base) == ("git@github.com:shop/orders.git", "base:7.1")
    assert (values["dockerRegistry"], values["imageName"], values["imageTag"]) == (
        "127.0.0.1:5000",
        "shop/orders",
        "7.1",
    )
    assert release["metadata"]["name"] == "orders"
    assert "micro-integrator" not in {part for path in files for part in path.split("/")}


@pytest.mark.parametrize(
    ("options", "why"),
    [
        (["--application", "../escape"], "--application"),
        (["--application", "Orders"], "--application"),
        (["--application", "a_b"], "--application"),
        (["--application", "null"], "--application"),
        (["--application", "a" * 54], "--application"),
        (["--application", ""], "--application"),
        (["--application", "a\nb: c"], "--application"),
        (["--repository", "registry.example.com/a:tag"], "without tag"),
        (["--repository", "registry.example.com/a\nx: y"], "not an image reference"),
        (["--base", "docker.io/wso2/wso2mi"], "--base"),
        (["--base", f"docker.io/wso2/wso2mi:1@sha256:{'0' * 64}"], "--base"),
        (["--artifacts", "https://github.com/a b"], "--artifacts"),
        (["--artifacts", "--upload-pack=touch x"], "--artifacts"),
        (["--artifacts", "ext::sh -c id"], "--artifacts"),
        (["--artifacts", "https://[::1/x"], "--artifacts"),
        (["--values", "https://example.com/a\n# b"], "--values"),
    ],
)
def test_a_value_that_cannot_be_used_is_refused_and_nothing_is_written(
    tmp_path: Path, options: list[str], why: str
) -> None:
    result = run(str(tmp_path), *options)
    assert result.exit_code == 1
    assert isinstance(result.exception, BotError)
    assert why in result.exception.message
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("url", ["https://bob:hunter2@example.com/x.git", "https://hunter2@example.com/x.git"])
def test_credentials_in_a_url_are_refused_and_not_repeated(url: str) -> None:
    with pytest.raises(BotError) as caught:
        render(Sample(artifacts=url))
    assert "hunter2" not in str(caught.value)


component = st.from_regex(r"[a-z0-9]{1,8}([._-][a-z0-9]{1,8})?", fullmatch=True)


@settings(deadline=None)  # a busy machine is not an error
@given(
    host=st.sampled_from(["localhost", "127.0.0.1:5000", "[::1]:5000", "1.5", "r.io"]),
    path=st.lists(component, min_size=1, max_size=3) | st.sampled_from([["null"], ["1e3"], ["0x1f"], ["true"]]),
    url=st.from_regex(r"https://[a-z]{1,9}\.io/[!-~]{1,20}", fullmatch=True).filter(
        lambda text: not set("@?#") & set(text)
    ),
)
def test_any_values_are_read_back_as_they_were_given(host: str, path: list[str], url: str) -> None:
    repository = f"{host}/{'/'.join(path)}"
    files = render(Sample(repository=repository, artifacts=url, values=url))
    application = config_in(files).applications["micro-integrator"]
    assert application.images["micro-integrator"].repository == repository
    assert application.images["micro-integrator"].build is not None
    assert application.images["micro-integrator"].build.git == url
    assert application.values is not None
    assert application.values.git == url
    chart = yaml.safe_load(files["envs/dev/micro-integrator/values.yaml"])["wso2"]["deployment"]["mi"]
    assert (chart["dockerRegistry"], chart["imageName"]) == (host, "/".join(path))


@pytest.mark.parametrize(
    ("forge", "pipeline"),
    [
        ("github", {f".github/workflows/{n}.yml" for n in ("check", "gitops-bot", "announce")}),
        ("gitlab", {".gitlab-ci.yml"}),
        ("local", set()),
    ],
)
def test_each_forge_gets_its_own_pipeline_beside_the_same_valid_files(
    tmp_path: Path, forge: str, pipeline: set[str]
) -> None:
    result = run(str(tmp_path), "--forge", forge)
    assert result.exit_code == 0, result.output
    written = tree(tmp_path)
    assert {path for path in written if not path.startswith("envs/")} == {"gitops.yaml", *pipeline}
    assert load_config(written["gitops.yaml"]) == config_in(render(Sample()))


@pytest.mark.parametrize(
    ("forge", "words"), [("github", "REGISTRY_USERNAME"), ("gitlab", "GITOPS_BOT_FORGE_TOKEN"), ("local", "")]
)
def test_what_to_set_on_the_forge_is_said_in_the_end(tmp_path: Path, forge: str, words: str) -> None:
    printed = run(str(tmp_path), "--forge", forge).output
    assert words in printed
    assert ("init --protect" in printed or "--forge gitlab --protect" in printed) is (forge != "local")


@pytest.mark.parametrize("forge", ["github", "gitlab"])
@pytest.mark.parametrize("host", ["localhost", "[::1]:5000", "1.5", "r.io"])
def test_a_pipeline_is_yaml_for_any_registry(forge: Forge, host: str) -> None:
    files = render(Sample(repository=f"{host}/team/app"), forge)
    for path in files:
        assert yaml.safe_load(files[path])
    if forge == "github":
        job = yaml.safe_load(files[".github/workflows/gitops-bot.yml"])["jobs"]["gitops-bot"]
        assert [s["env"]["REGISTRY"] for s in job["steps"] if "REGISTRY" in s.get("env", {})] == [host]
