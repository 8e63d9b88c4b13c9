"""What `gitops.yaml` may say: environments, applications, images, values sources."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9][a-z0-9._-]*$", max_length=63)]
Folder = Annotated[str, StringConstraints(pattern=r"^(\.|[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)*)$")]
Pointer = Annotated[str, StringConstraints(pattern=r"^(/([^/~]|~[01])*)+$")]


class Model(BaseModel):
    """Base of all parts of the configuration: immutable, and a key nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Environment(Model):
    """One environment: a folder that Flux applies, and the way into it."""

    path: Folder = Field(description="Folder of the environment in this repository.")
    after: Name | None = Field(None, description="Environment that must have a release before this one gets it.")
    promote: Literal["auto", "manual"] = Field(
        "auto", description="auto: a pull request opens by itself; manual: only on `promote`."
    )
    merge: Literal["auto", "manual"] = Field(
        "manual",
        description="auto: the bot merges once checks and approvals allow it; manual: a person merges.",
    )
    approvals: int = Field(0, ge=0, le=20, description="Approvals needed, each by another person than the author.")
    approvers: tuple[str, ...] = Field((), description="Who may approve; empty: anyone who can review.")


class Key(Model):
    """An explicit place of an image's version, for what the conventions do not find."""

    file: Folder = Field(description="File, relative to the application's folder.")
    tag: Pointer | None = Field(None, description="JSON Pointer of the scalar that holds the tag.")
    digest: Pointer | None = Field(None, description="JSON Pointer of the scalar that holds the digest.")
    image: Pointer | None = Field(None, description="JSON Pointer of a scalar that holds repository:tag.")


class Build(Model):
    """Where an image is built from."""

    git: str = Field(min_length=1, description="URL of the artifact repository.")
    branch: str | None = Field(None, min_length=1, description="Branch to follow; the default branch if not given.")
    context: Folder = Field(".", description="Folder of the build context in that repository.")
    dockerfile: Folder = Field("Dockerfile", description="Dockerfile, relative to the context.")
    base: str = Field(min_length=1, description="Base image with its tag; its digest is followed.")
    base_arg: str = Field(
        "BASE_IMAGE",
        pattern=r"^[A-Za-z_][A-Za-z0-9_]*$",
        description="ARG before FROM that gets the base image.",
    )
    args: dict[str, str] = Field(default_factory=dict, description="More build arguments.")
    platform: str = Field("linux/amd64", pattern=r"^linux/[a-z0-9]+(/[a-z0-9]+)?$", description="Platform to build.")


class Policy(Model):
    """Which tag of an image that others push is the newest: exactly one of semver, numerical, alphabetical."""

    semver: str | None = Field(None, description="Range of semantic versions, for example `>=1.2 <2`.")
    numerical: Literal["asc", "desc"] | None = Field(None, description="Order of whole numbers.")
    alphabetical: Literal["asc", "desc"] | None = Field(None, description="Order of texts.")
    pattern: str | None = Field(
        None,
        description="Regular expression that a tag must match; a group named `version` is what is compared.",
    )


class Image(Model):
    """One image of an application: built here (`build`) or pushed by others (`policy`)."""

    repository: str = Field(min_length=1, description="Registry and repository, without a tag.")
    build: Build | None = Field(None, description="How the bot builds it.")
    policy: Policy | None = Field(None, description="How a tag is chosen among those that others push.")
    test: tuple[str, ...] = Field((), description="Command that must succeed in a built image before it is pushed.")
    test_seconds: float = Field(300, gt=0, le=3600, description="Time limit of the test command, in seconds.")
    pin: bool = Field(True, description="Write the digest beside or behind the tag.")
    keys: tuple[Key, ...] = Field((), description="Explicit places; without any, the conventions find them.")


class Values(Model):
    """A git repository with one values file an environment, synced as part of the release."""

    git: str = Field(min_length=1, description="URL of the values repository.")
    branch: str | None = Field(None, min_length=1, description="Branch to follow; the default branch if not given.")
    file: str = Field("values-{environment}.yaml", description="File there; `{environment}` stands for the name.")
    target: Folder = Field("values.yaml", description="File here, relative to the application's folder.")


class Application(Model):
    """What is released as one unit."""

    path: Folder | None = Field(
        None, description="Folder below each environment's; the application's name if not given."
    )
    images: dict[Name, Image] = Field(default_factory=dict)
    values: Values | None = None


class Config(Model):
    """The whole of `gitops.yaml`."""

    version: Literal[1] = Field(description="Version of this format.")
    environments: dict[Name, Environment] = Field(min_length=1)
    applications: dict[Name, Application] = Field(min_length=1)
