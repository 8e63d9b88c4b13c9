"""The sample in `envs` is what Flux accepts and applies, and agrees with `gitops.yaml`."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from cloudcoil.models.fluxcd.helm import v2 as helm
from cloudcoil.models.fluxcd.kustomize import v1 as kustomize
from cloudcoil.models.fluxcd.source import v1 as source

from bot.core.config import load_config
from bot.core.references import parse_repository
from tests.conftest import missing

if TYPE_CHECKING:
    from pydantic import BaseModel

HERE = Path(__file__).parents[1]
CONFIG = load_config((HERE / "gitops.yaml").read_bytes())
ENVIRONMENTS = sorted(CONFIG.environments)
NAME = "micro-integrator"
SCHEMAS: dict[str, type[BaseModel]] = {
    "HelmRelease": helm.HelmRelease,
    "HelmRepository": source.HelmRepository,
    "Kustomization": kustomize.Kustomization,
}


def folder(environment: str) -> Path:
    return HERE / CONFIG.environments[environment].path


def read(path: Path) -> dict[str, Any]:
    document = yaml.safe_load(path.read_bytes())
    assert isinstance(document, dict), path
    return document


def built(environment: str) -> dict[str, dict[str, Any]]:
    """What Flux would apply, by kind."""
    if not shutil.which("kubectl"):
        missing("kubectl (https://kubernetes.io/docs/tasks/tools/)")
    done = subprocess.run(["kubectl", "kustomize", folder(environment)], capture_output=True, check=False)
    assert done.returncode == 0, done.stderr.decode()
    documents = list(yaml.safe_load_all(done.stdout))
    assert len({document["kind"] for document in documents}) == len(documents)
    return {document["kind"]: document for document in documents}


def obeys_its_schema(document: dict[str, Any]) -> None:
    """The model drops fields that the schema does not know, so what comes back must be what went in."""
    model = SCHEMAS[document["kind"]].model_validate(document)
    assert model.model_dump(mode="json", by_alias=True, exclude_unset=True) == document


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_kustomize_builds_the_environment(environment: str) -> None:
    documents = built(environment)
    assert set(documents) == {"Namespace", "HelmRepository", "HelmRelease", "ConfigMap"}
    namespace = documents.pop("Namespace")["metadata"]["name"]
    assert namespace == f"{NAME}-{environment}"
    assert {document["metadata"]["namespace"] for document in documents.values()} == {namespace}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_what_is_built_obeys_flux_schemas(environment: str) -> None:
    documents = built(environment)
    for kind in ("HelmRelease", "HelmRepository"):
        obeys_its_schema(documents[kind])


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_files_obey_flux_schemas(environment: str) -> None:
    for name in ("flux.yaml", f"{NAME}/helmrelease.yaml", f"{NAME}/helmrepository.yaml"):
        obeys_its_schema(read(folder(environment) / name))


def test_a_field_that_flux_does_not_know_is_noticed() -> None:
    document = read(folder("dev") / NAME / "helmrelease.yaml")
    document["spec"]["upgrade"]["remediation"]["retrys"] = 3
    with pytest.raises(AssertionError):
        obeys_its_schema(document)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_new_values_upgrade_the_release_because_the_config_map_gets_a_new_name(environment: str) -> None:
    documents = built(environment)
    (values,) = documents["HelmRelease"]["spec"]["valuesFrom"]
    assert values["name"] == documents["ConfigMap"]["metadata"]["name"]
    assert re.fullmatch(rf"{NAME}-values-[a-z0-9]{{10}}", values["name"])
    text = (folder(environment) / NAME / "values.yaml").read_text("utf-8")
    assert documents["ConfigMap"]["data"] == {values["valuesKey"]: text}


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_the_deployed_image_is_the_one_that_is_built(environment: str) -> None:
    values = read(folder(environment) / NAME / "values.yaml")["wso2"]["deployment"]["mi"]
    image = CONFIG.applications[NAME].images[NAME]
    assert f"{values['dockerRegistry']}/{values['imageName']}" == str(parse_repository(image.repository))
    assert image.build is not None
    assert image.build.base.endswith(f":{values['imageTag']}")
    assert values["imagePullSecrets"] == "registry-credentials"


def test_the_chart_has_an_exact_version() -> None:
    for environment in ENVIRONMENTS:
        chart = read(folder(environment) / NAME / "helmrelease.yaml")["spec"]["chart"]["spec"]
        assert (chart["chart"], chart["version"]) == (NAME, "4.2.0-1")


def test_namespaces_and_hosts_differ_by_environment() -> None:
    namespaces = {read(folder(name) / NAME / "namespace.yaml")["metadata"]["name"] for name in ENVIRONMENTS}
    ingress = [read(folder(name) / NAME / "values.yaml")["wso2"]["ingress"] for name in ENVIRONMENTS]
    hosts = {host["hostname"] for entry in ingress for host in entry.values()}
    assert len(namespaces) == len(ENVIRONMENTS)
    assert len(hosts) == 2 * len(ENVIRONMENTS)


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_flux_applies_the_folder_and_waits_for_it(environment: str) -> None:
    flux = read(folder(environment) / "flux.yaml")["spec"]
    assert flux["path"] == f"./{CONFIG.environments[environment].path}"
    assert flux["wait"] is True
    assert flux["prune"] is True
    assert "flux.yaml" not in read(folder(environment) / "kustomization.yaml")["resources"]


def test_releases_go_from_dev_to_staging_to_prod_with_more_and_more_approvals() -> None:
    environments = CONFIG.environments
    assert [(environments[name].after, environments[name].approvals) for name in ("dev", "staging", "prod")] == [
        (None, 0),
        ("dev", 1),
        ("staging", 2),
    ]
    assert [environments[name].merge for name in ("dev", "staging", "prod")] == ["auto", "manual", "manual"]
