"""What is measured on: Flux repositories of any size, and a registry with the images that one of them follows."""

from __future__ import annotations

import contextlib
import json
import shutil
import socket
import subprocess
import time
from hashlib import sha256
from io import BytesIO
from typing import TYPE_CHECKING

from bot.core.references import parse
from bot.registries.oci import OciRegistry

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from bot.core.references import Reference

ENVIRONMENTS = ("dev", "staging", "prod")
CONFIG = "application/vnd.oci.image.config.v1+json"
MANIFEST = "application/vnd.oci.image.manifest.v1+json"

SOURCE = """\
apiVersion: source.toolkit.fluxcd.io/v1
kind: HelmRepository
metadata: {{name: {name}, namespace: {name}}}
spec:
  interval: 1h
  url: https://charts.example.com/{name}
"""
RELEASE = """\
# What all environments have in common.
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {name}
  namespace: {name}
spec:
  interval: 10m
  chart:
    spec:
      chart: {name}
      version: "1.0.0"
      sourceRef:
        kind: HelmRepository
        name: {name}
  values:
    replicaCount: 1
    image:
      repository: registry.example.com/shop/{name}
      tag: 1.0.0
    resources:
      requests: {{cpu: 100m, memory: 128Mi}}
      limits: {{memory: 256Mi}}
"""
BASE = "resources: [namespace.yaml, source.yaml, release.yaml]\n"
OVERLAY = """\
apiVersion: kustomize.config.k8s.io/v1beta1
kind: Kustomization
namespace: {name}
resources:
  - ../../../apps/{name}
  - deployment.yaml
patches:
  - path: patch.yaml
"""
PATCH = """\
apiVersion: helm.toolkit.fluxcd.io/v2
kind: HelmRelease
metadata:
  name: {name}
  namespace: {name}
spec:
  chart:
    spec:
      version: "1.0.{number}"
  values:
    image:
      tag: 1.0.{number} # set by hand until now
"""
DEPLOYMENT = """\
apiVersion: apps/v1
kind: Deployment
metadata:
  name: {name}-worker
  labels: {{app.kubernetes.io/name: {name}, app.kubernetes.io/part-of: shop}}
spec:
  replicas: 2
  selector:
    matchLabels: {{app.kubernetes.io/name: {name}}}
  template:
    metadata:
      labels: {{app.kubernetes.io/name: {name}}}
    spec:
      initContainers:
        - name: wait
          image: docker.io/library/busybox:1.36.1
          command: [sh, -c, "until nc -z db 5432; do sleep 1; done"]
      containers:
        - name: worker
          image: registry.example.com/shop/{name}-worker:2.0.{number}
          ports:
            - {{name: http, containerPort: 8080}}
          readinessProbe:
            httpGet: {{path: /ready, port: http}}
"""
CONFIG_MAP = """\
apiVersion: v1
kind: ConfigMap
metadata:
  name: {name}-settings
data:
  LOG_LEVEL: info
  GREETING: "hello from {name}"
"""
NAMESPACE = "apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n"


def flux_files(applications: int) -> dict[str, str]:
    """15 files an application: four shared by three environments, and in each a patch and a few manifests."""
    files = {}
    for index in range(applications):
        name = f"app-{index:04}"
        base = {"kustomization": BASE, "namespace": NAMESPACE, "source": SOURCE, "release": RELEASE}
        files |= {f"apps/{name}/{file}.yaml": text.format(name=name) for file, text in base.items()}
        for number, environment in enumerate(ENVIRONMENTS):
            overlay = {"kustomization": OVERLAY, "patch": PATCH, "deployment": DEPLOYMENT}
            if environment != "prod":
                overlay["settings"] = CONFIG_MAP
            folder = f"envs/{environment}/{name}"
            files |= {f"{folder}/{f}.yaml": text.format(name=name, number=number) for f, text in overlay.items()}
    return files


def followed_files(applications: int, host: str) -> dict[str, str]:
    """An image for each application, pushed by others to `host`, in three environments; each is up to date."""
    files = {
        "gitops.yaml": "version: 1\nenvironments:\n"
        "  dev: {path: envs/dev, merge: auto}\n"
        "  staging: {path: envs/staging, after: dev, approvals: 1}\n"
        "  prod: {path: envs/prod, after: staging, approvals: 2}\n"
        "applications:\n"
    }
    for index in range(applications):
        name = f"app-{index:04}"
        image = f"{host}/shop/{name}"
        policy = "{semver: '>=1.0.0 <2.0.0'}"
        files["gitops.yaml"] += f"  {name}: {{images: {{{name}: {{repository: '{image}', policy: {policy}}}}}}}\n"
        digest = pushed_digest(name)
        for environment in ENVIRONMENTS:
            values = f"image:\n  repository: {image}\n  tag: 1.0.19@{digest}\n"
            files[f"envs/{environment}/{name}/values.yaml"] = values
    return files


def repository(folder: Path, files: dict[str, str]) -> Path:
    """A checkout with these files in one commit, and `folder`.git, a bare copy of it as its origin."""
    for path, text in files.items():
        file = folder / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    git(folder, "init", "-q", "-b", "main")
    git(folder, "add", "-A")
    git(folder, "-c", "user.name=Bench", "-c", "user.email=bench@example.org", "commit", "-qm", "All of it")
    bare = folder.with_suffix(".git")
    git(folder, "clone", "-q", "--bare", str(folder), str(bare))
    git(folder, "remote", "add", "origin", str(bare))
    return folder


def git(folder: Path, *arguments: str) -> None:
    """Run git in a folder."""
    subprocess.run(["git", *arguments], cwd=folder, check=True, capture_output=True)


def image(name: str) -> tuple[bytes, bytes]:
    """Manifest and configuration of an image without layers; all tags of a repository are of this one."""
    labels = {"org.opencontainers.image.title": name}
    about = {"architecture": "amd64", "os": "linux", "created": "2026-01-01T00:00:00Z", "config": {"Labels": labels}}
    config = json.dumps({**about, "rootfs": {"type": "layers", "diff_ids": []}}).encode()
    described = {"mediaType": CONFIG, "digest": f"sha256:{sha256(config).hexdigest()}", "size": len(config)}
    manifest = {"schemaVersion": 2, "mediaType": MANIFEST, "config": described, "layers": []}
    return json.dumps(manifest).encode(), config


def pushed_digest(name: str) -> str:
    """The digest of `image`."""
    return f"sha256:{sha256(image(name)[0]).hexdigest()}"


def push(applications: int, host: str, tags: int) -> None:
    """Push the images that `followed_files` names: `1.0.0` and up."""
    registry = OciRegistry()
    for index in range(applications):
        name = f"app-{index:04}"
        manifest, config = image(name)
        repository: Reference = parse(f"{host}/shop/{name}")
        registry.put_blob(repository, f"sha256:{sha256(config).hexdigest()}", len(config), BytesIO(config))
        for tag in range(tags):
            registry.put_manifest(repository.with_tag(f"1.0.{tag}"), MANIFEST, manifest)


@contextlib.contextmanager
def registry(folder: Path) -> Iterator[str | None]:
    """`host:port` of a `docker-registry` that is started and stopped here; None where the program is missing."""
    if not shutil.which("docker-registry"):
        yield None
        return
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        host = f"127.0.0.1:{probe.getsockname()[1]}"
    config = folder / "registry.yml"
    storage = f"storage: {{filesystem: {{rootdirectory: {folder}/registry}}}}"
    config.write_text(f"version: 0.1\nlog: {{level: error}}\n{storage}\nhttp: {{addr: '{host}'}}\n")
    with _log(folder).open("wb") as log:
        process = subprocess.Popen(["docker-registry", "serve", str(config)], stdout=log, stderr=subprocess.DEVNULL)
    try:
        _wait(host)
        yield host
    finally:
        process.terminate()
        process.wait(10)


def listings(folder: Path) -> int:
    """How many lists of tags that registry was asked for, by its log."""
    return _log(folder).read_bytes().count(b"/tags/list")


def _log(folder: Path) -> Path:
    return folder / "registry.log"


def _wait(host: str) -> None:
    address, _, port = host.partition(":")
    for _ in range(100):
        with contextlib.suppress(OSError), socket.create_connection((address, int(port)), 1):
            return
        time.sleep(0.1)
    raise SystemExit("docker-registry does not answer; nothing was measured")
