"""What one file says by itself: small values, without its name, that any run could keep by the file's hash."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, NamedTuple, TypeAlias

if TYPE_CHECKING:
    from bot.core.manifests.conventions import Form
    from bot.core.manifests.nodes import Identity
    from bot.core.models import Path

FileClass: TypeAlias = Literal["kustomization", "values", "chart", "manifest"]
Part: TypeAlias = Literal["image", "tag", "name", "digest"]


class Marker(NamedTuple):
    """Flux's setter marker: which policy sets the value, and which part of the image the value is."""

    namespace: str
    policy: str
    part: Part


class Value(NamedTuple):
    """One scalar: where it is, its text, and why it must not be edited (`code` is empty if it may be).

    Of an alias, `anchor` is the line and column of the scalar that it stands for.
    """

    path: Path
    line: int
    column: int
    text: str
    code: str = ""
    what: str = ""
    marker: Marker | None = None
    anchor: tuple[int, int] | None = None


class Block(NamedTuple):
    """What one mapping says of an image. `at` leads to it in the object, once a patch is applied.

    It is not `sure` if only what it patches can tell whether it is about an image. `key` is that of `image` in the
    mapping; `label` the name of a container, by which patches find it; `around` what stands before and behind
    the image.
    """

    at: Path
    form: Form
    repository: str = ""
    registry: str = ""
    tag: Value | None = None
    digest: Value | None = None
    image: Value | None = None
    name: Value | None = None
    sure: bool = True
    key: str = ""
    label: str = ""
    around: tuple[str, str] | None = None

    @property
    def slot(self) -> Path:
        """What the image is known by in the object: a mapping may hold images as texts, beside its own fields."""
        return (*self.at, self.key) if self.image is not None else self.at

    @property
    def values(self) -> tuple[Value, ...]:
        """What is written of its version; its name only where a marker sets it."""
        return tuple(value for value in (self.image, self.name, self.tag, self.digest) if value is not None)


class Source(NamedTuple):
    """Which object a chart comes from."""

    kind: str
    name: str
    namespace: str = ""


class ChartUse(NamedTuple):
    """What an object, or a patch of it, says of a chart: a part that it does not say is empty.

    `values` are the files of values that a chart in git is to take in the place of its own.
    """

    name: str = ""
    version: Value | None = None
    source: Source | None = None
    repository: str = ""
    values: tuple[str, ...] = ()


class Object(NamedTuple):
    """A Kubernetes object, a part of one (a patch), or a file of values, whose kind is empty.

    `url` is that of a source. `values_from` are the ConfigMaps and Secrets of a HelmRelease's values. `reference` is
    the source that `chartRef` names, `semver` the range of an OCIRepository, `applied` what a Flux Kustomization does,
    `data` what a ConfigMap holds. `literal` says that Flux does not substitute variables in it.
    """

    document: Identity | int
    api_version: str = ""
    kind: str = ""
    namespace: str = ""
    name: str = ""
    line: int = 1
    blocks: tuple[Block, ...] = ()
    charts: tuple[ChartUse, ...] = ()
    url: str = ""
    reference: Source | None = None
    values_from: tuple[str, ...] = ()
    semver: Value | None = None
    target: Target | None = None
    applied: Applied | None = None
    data: tuple[tuple[str, Value], ...] = ()
    literal: bool = False


class Target(NamedTuple):
    """Which objects a patch is for; an empty part is any, `usable` is false where more is asked than is understood."""

    kind: str = ""
    name: str = ""
    namespace: str = ""
    group: str = ""
    usable: bool = True


class Named(NamedTuple):
    """A file or folder that a kustomization names, and the line where it does."""

    text: str
    line: int


class Patch(NamedTuple):
    """A patch of a kustomization: another file, or written there (`objects`)."""

    file: Named | None = None
    objects: tuple[Object, ...] = ()
    target: Target | None = None


class Replaced(NamedTuple):
    """An entry of kustomize's `images`: of which image, its new name (empty: as before), and its version if it has one.

    https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/images/
    """

    name: str
    new_name: str = ""
    block: Block | None = None
    document: Identity | int = 0


class Replacement(NamedTuple):
    """A field of one object that is put into fields of others, whole or as one of the parts that a delimiter divides.

    `targets` are kind, name and field of each. https://kubectl.docs.kubernetes.io/references/kustomize/kustomization/replacements/
    """

    line: int
    kind: str
    name: str
    field: str
    targets: tuple[tuple[str, str, str], ...]
    delimiter: str = ""
    part: int = 0


class Kustomization(NamedTuple):
    """What a kustomization puts together. `generated` are ConfigMaps and Secrets by name, with the files they hold.

    `literals` are the entries `KEY=value` of generated ConfigMaps, by name and key. `replacements` are written here, or
    in the files `replaced_by`.
    """

    namespace: str = ""
    prefix: str = ""
    suffix: str = ""
    resources: tuple[Named, ...] = ()
    components: tuple[Named, ...] = ()
    patches: tuple[Patch, ...] = ()
    generated: tuple[tuple[str, tuple[str, ...]], ...] = ()
    images: tuple[Replaced, ...] = ()
    literals: tuple[tuple[str, str, Value], ...] = ()
    replacements: tuple[Replacement, ...] = ()
    replaced_by: tuple[Named, ...] = ()


class Applied(NamedTuple):
    """A Flux Kustomization: the folder that it applies, with which components (relative to it), patches and images.

    `namespace` is its `targetNamespace`. `substitute` are the variables that it sets itself, `substitute_from` the
    ConfigMaps and Secrets that have more. https://fluxcd.io/flux/components/kustomize/kustomizations/#post-build-variable-substitution
    """

    path: str
    components: tuple[Named, ...] = ()
    patches: tuple[Patch, ...] = ()
    images: tuple[Replaced, ...] = ()
    namespace: str = ""
    substitute: tuple[tuple[str, Value], ...] = ()
    substitute_from: tuple[Source, ...] = ()

    def patched(self, patch: Applied) -> Applied:
        """The same with what a patch of it says; its lists are left to who wrote them."""
        return self._replace(
            path=patch.path or self.path,
            namespace=patch.namespace or self.namespace,
            substitute_from=patch.substitute_from or self.substitute_from,
        )


class Use(NamedTuple):
    """A variable of Flux in a scalar, and how often: `${name}`, with a default or without one."""

    name: str
    document: Identity | int
    path: Path
    line: int
    times: int = 1


class Trouble(NamedTuple):
    """Something in the file that must not be edited, or could not be read."""

    line: int
    path: Path
    code: str
    what: str


class Facts(NamedTuple):
    """All that a file says. `operations` are JSON patches (RFC 6902), each as the object part that it sets.

    `policies` are the images of Flux's ImageRepositories and the repositories of its ImagePolicies.
    """

    objects: tuple[Object, ...] = ()
    operations: tuple[Object, ...] = ()
    kustomization: Kustomization | None = None
    repositories: tuple[tuple[str, str, str], ...] = ()
    policies: tuple[tuple[str, str, str, str], ...] = ()
    troubles: tuple[Trouble, ...] = ()
    uses: tuple[Use, ...] = ()
    replacements: tuple[Replacement, ...] = ()

    @property
    def applied(self) -> tuple[Applied, ...]:
        """What the Flux Kustomizations of the file apply."""
        return tuple(one.applied for one in self.objects if one.applied)
