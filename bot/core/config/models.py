"""What `gitops.yaml` may say: environments, applications, images, values sources, each with its shape."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, StringConstraints

# A name becomes a part of a branch name and a folder's: `..` and a `.` at the end would be neither.
NAME = r"^[a-z0-9](\.?[a-z0-9_-])*$"
# Each part holds something other than dots, so that no path can climb out of the folder it is relative to.
FOLDER = r"^(\.|[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*(/[A-Za-z0-9_.-]*[A-Za-z0-9_-][A-Za-z0-9_.-]*)*)$"
POINTER = r"^(/([^/~]|~[01])*)+$"
# Of a team at least an organisation and a name; GitLab's groups may lie deeper.
TEAM = "team:"
WHO = r"^(team:[A-Za-z0-9_.-]+(/[A-Za-z0-9_.-]+)+|permission:(write|admin)|[^@\s:/][^\s:/]*)$"
ARG = r"^[A-Za-z_][A-Za-z0-9_]*$"
# As ARG, for another message.
VARIABLE = r"^[A-Z_a-z][A-Z_a-z0-9]*$"
PLACE = rf"^{FOLDER[1:-1]}#(/([^/~]|~[01])*)+$"
CHART = r"^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?(/[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?)*$"
PLATFORM = r"^linux/[a-z0-9]+(/[a-z0-9]+)?$"
ANY_PLATFORM = r"^[a-z0-9]+/[a-z0-9]+(/[a-z0-9]+)?$"
AGE = r"^[1-9][0-9]{0,5}[mhd]$"
TAG = r"^[A-Za-z0-9_][A-Za-z0-9._-]{0,127}$"

Variable = Annotated[str, StringConstraints(pattern=VARIABLE, max_length=255)]
Name = Annotated[str, StringConstraints(pattern=NAME, max_length=63)]
Folder = Annotated[str, StringConstraints(pattern=FOLDER, max_length=500)]
Pointer = Annotated[str, StringConstraints(pattern=POINTER)]
Platform = Annotated[str, StringConstraints(pattern=ANY_PLATFORM)]
Tag = Annotated[str, StringConstraints(pattern=TAG)]
Place = Annotated[str, StringConstraints(pattern=PLACE, max_length=1000)]
Who = Annotated[str, StringConstraints(pattern=WHO, max_length=255)]


class Model(BaseModel):
    """Base of all parts of the configuration: immutable, and a key nobody knows is an error."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)


class Environment(Model):
    """One environment: a folder that Flux applies, and the way into it."""

    path: Folder = Field(description="Folder of the environment in this repository.")
    after: Name | None = Field(
        default=None, description="Environment that must have a release before this one gets it."
    )
    promote: Literal["auto", "manual"] = Field(
        default="auto", description="auto: a pull request opens by itself; manual: only on `promote`."
    )
    merge: Literal["auto", "forge", "manual"] = Field(
        default="manual",
        description="auto: the bot merges once checks and approvals allow it; forge: once they are approved, the forge "
        "merges by itself when its own rules are met; manual: a person merges.",
    )
    approvals: int = Field(
        default=0, ge=0, le=20, description="Approvals needed, each by another person than the author."
    )
    approvers: tuple[Who, ...] = Field(default=(), description="Who may approve; empty: anyone with write permission.")
    keep_approvals: bool = Field(
        default=False,
        description="An approval stands when the head moves but what would be merged is the same.",
    )
    deployers: tuple[Who, ...] = Field(
        default=(),
        description="Who may promote, roll back and lock it by comments; empty: anyone with write permission.",
    )


class Key(Model):
    """An explicit place of an image's version, for what the conventions do not find."""

    file: Folder = Field(description="File, relative to the application's folder.")
    tag: Pointer | None = Field(default=None, description="JSON Pointer of the scalar that holds the tag.")
    digest: Pointer | None = Field(default=None, description="JSON Pointer of the scalar that holds the digest.")
    image: Pointer | None = Field(default=None, description="JSON Pointer of a scalar that holds repository:tag.")


class Build(Model):
    """Where an image is built from."""

    git: str = Field(min_length=1, description="URL of the artifact repository.")
    branch: str | None = Field(
        default=None, min_length=1, description="Branch to follow; the default branch if not given."
    )
    context: Folder = Field(default=".", description="Folder of the build context in that repository.")
    dockerfile: Folder = Field(default="Dockerfile", description="Dockerfile, relative to the context.")
    base: str = Field(min_length=1, description="Base image with its tag; its digest is followed.")
    base_arg: str = Field(
        default="BASE_IMAGE",
        pattern=ARG,
        description="ARG before FROM that gets the base image.",
    )
    args: dict[str, str] = Field(
        default_factory=dict, description="More build arguments; no secrets, since an image's history shows them."
    )
    platform: str = Field(default="linux/amd64", pattern=PLATFORM, description="Platform to build.")


class Policy(Model):
    """Which tag is the newest: exactly one of semver, numerical, alphabetical, calver, newest and digest."""

    semver: str | None = Field(default=None, description="Range of semantic versions, for example `>=1.2 <2`.")
    numerical: Literal["asc", "desc"] | None = Field(default=None, description="Order of whole numbers.")
    alphabetical: Literal["asc", "desc"] | None = Field(default=None, description="Order of texts.")
    calver: Literal["asc", "desc"] | None = Field(default=None, description="Order of calendar versions.")
    newest: bool = Field(default=False, description="The image that was built last.")
    digest: Tag | None = Field(default=None, description="A tag that moves, such as `latest`: follow its digest.")
    filter: str | None = Field(default=None, description="Regular expression (RE2) that must be found in a tag.")
    extract: str | None = Field(
        default=None, description="What is compared, of what `filter` finds: `$name`, `${name}` or `$1`."
    )
    loose: bool = Field(default=False, description="Count `1.2` and `1` as semantic versions too.")
    exclude: tuple[str, ...] = Field(default=(), description="Tags never to choose; `/…/` is a regular expression.")
    min_age: str | None = Field(
        default=None, pattern=AGE, description="How old an image must be, for example `3d`; at most `30d`."
    )
    platforms: tuple[Platform, ...] = Field(default=(), description="Platforms that an image must have.")
    allow_downgrade: bool = Field(default=False, description="Choose a tag even if it comes before the deployed one.")


class Image(Model):
    """One image of an application: built here (`build`) or pushed by others (`policy`)."""

    repository: str = Field(min_length=1, description="Registry and repository, without a tag.")
    build: Build | None = Field(default=None, description="How the bot builds it.")
    policy: Policy | None = Field(default=None, description="How a tag is chosen among those that others push.")
    test: tuple[str, ...] = Field(
        default=(), description="Command that must succeed in a built image before it is pushed."
    )
    test_env: tuple[Variable, ...] = Field(
        default=(), description="Variables of the image that a test beside its files gets; none but these."
    )
    test_seconds: float = Field(default=300, gt=0, le=3600, description="Time limit of the test command, in seconds.")
    pin: bool = Field(default=True, description="Write the digest beside or behind the tag.")
    keys: tuple[Key, ...] = Field(default=(), description="Explicit places; without any, the conventions find them.")


class Values(Model):
    """A git repository with one values file an environment, synced as part of the release."""

    git: str = Field(min_length=1, description="URL of the values repository.")
    branch: str | None = Field(
        default=None, min_length=1, description="Branch to follow; the default branch if not given."
    )
    file: str = Field(
        default="values-{environment}.yaml",
        min_length=1,
        description="File there; `{environment}` stands for the environment's name.",
    )
    target: Folder = Field(default="values.yaml", description="File here, relative to the application's folder.")


class Source(Model):
    """A git repository with a chart in it, which the bot packages and pushes."""

    git: str = Field(min_length=1, description="URL of the repository that holds the chart.")
    branch: str | None = Field(
        default=None, min_length=1, description="Branch to follow; the default branch if not given."
    )
    path: Folder = Field(default=".", description="Folder of the chart in that repository.")


class Chart(Model):
    """The application's Helm chart: followed by a policy, or packaged from git (`source`)."""

    repository: str = Field(min_length=1, description="URL of the chart repository: https://… or oci://…")
    name: str = Field(
        pattern=CHART,
        max_length=250,
        description="Name of the chart there; in a registry it may have folders before it.",
    )
    policy: Policy | None = Field(default=None, description="How a version is chosen among those that are there.")
    source: Source | None = Field(default=None, description="Where the bot packages it from; needs oci://…")


class Application(Model):
    """What is released as one unit."""

    path: Folder | None = Field(
        default=None, description="Folder below each environment's; the application's name if not given."
    )
    images: dict[Name, Image] = Field(default_factory=dict, description="Images of the application, by name.")
    chart: Chart | None = Field(default=None, description="Its Helm chart, if the bot follows or packages it.")
    values: Values | None = Field(default=None, description="Where its values files come from, if not from here.")
    promote: tuple[Place, ...] = Field(
        default=(), description="Values that travel with a release, as `file#/pointer`; `*` is any one step."
    )
    keep: tuple[Place, ...] = Field(
        default=(), description="Values that are each environment's own, whatever `promote` and `values` bring."
    )


class Commands(Model):
    """Which commands in comments are on, of those that are off by default."""

    approve: bool = Field(
        default=False, description="`/approve` in a comment is an approval; for forges without usable reviews."
    )


class Config(Model):
    """The whole of `gitops.yaml`."""

    version: Literal[1] = Field(description="Version of this format.")
    environments: dict[Name, Environment] = Field(min_length=1, description="Environments, by name.")
    applications: dict[Name, Application] = Field(min_length=1, description="Applications, by name.")
    admins: tuple[Who, ...] = Field(
        default=(),
        description="Who may freeze, and unlock what others locked; empty: anyone with admin permission.",
    )
    commands: Commands = Field(default_factory=Commands, description="Commands in comments.")


def teams(config: Config) -> frozenset[str]:
    """Every team that is named anywhere, as written there without `team:`: what a forge is to be asked about people."""
    environments = config.environments.values()
    named = (*config.admins, *(who for e in environments for who in (*e.deployers, *e.approvers)))
    return frozenset(who.removeprefix(TEAM) for who in named if who.startswith(TEAM))


def application_folder(config: Config, environment: str, application: str) -> str:
    """The application's folder in an environment, from the repository's root; empty for the root itself.

    `KeyError` for a name that the configuration does not have.
    """
    below = config.applications[application].path or application
    return "/".join(part for part in (config.environments[environment].path, below) if part != ".")
