"""Registries over HTTP, by the OCI distribution-spec 1.1 and Docker's older media types.

https://github.com/opencontainers/distribution-spec/blob/main/spec.md
"""

from __future__ import annotations

import contextlib
import itertools
import time
from typing import TYPE_CHECKING, BinaryIO
from urllib.parse import urlencode, urljoin, urlsplit

from requests.utils import parse_header_links

from bot.core.errors import BotError, NotFound, Unauthorised, Unavailable
from bot.core.references import Reference, is_digest, is_tag
from bot.ports import Manifest, reads
from bot.registries.auth import DockerConfig
from bot.registries.client import Call, Client, error_codes
from bot.registries.content import MANIFEST_TYPES, checked, digest_of, parse_object, verified
from bot.registries.hosts import origin
from bot.registries.http import ATTEMPTS, Answer, Broken, Upload, reader, same_origin
from bot.registries.images import image_info
from bot.registries.kept import Kept

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from bot.core.models import ImageInfo

_PAGE = 1000
_MOST_PAGES = 2000
_PAGE_LIMIT = 16 << 20
_ACCEPT = {"Accept": ", ".join(MANIFEST_TYPES)}


class OciRegistry:
    """`ports.Registry` over HTTP.

    `docker_config` is the folder with Docker's `config.json` (None: `$DOCKER_CONFIG` or `~/.docker`); `sleep` waits
    so many seconds between attempts. `cache` is a folder for what the next run need not load again (None: nothing).
    """

    def __init__(
        self,
        docker_config: Path | None = None,
        sleep: Callable[[float], None] = time.sleep,
        cache: Path | None = None,
    ) -> None:
        self._kept = Kept(cache)
        self._client = Client(DockerConfig(docker_config), sleep, self._kept)

    @reads
    def tags(self, repository: Reference) -> tuple[str, ...]:
        """See the port. Pages: spec, "Listing Tags"; a registry may also send all tags at once."""
        tags: set[str] = set()
        seen: set[str] = set()
        page: str | None = f"tags/list?n={_PAGE}"
        while page:
            if page in seen or len(seen) >= _MOST_PAGES:
                raise Unavailable(
                    f"cannot read the tags of {repository}: its pages do not end", fix="look at its pages"
                )
            seen.add(page)
            found, page = self._page(repository, page)
            tags |= found
        return tuple(sorted(tags))

    def _page(self, repository: Reference, page: str) -> tuple[set[str], str | None]:
        what = f"read the tags of {repository}"
        answer = self._client.ask(Call("GET", repository, page, what, (200, 404), limit=_PAGE_LIMIT, keep=True))
        if answer.status == 404:
            raise NotFound(f"the repository {repository} is not there", fix="check its name, or push to it first")
        found = parse_object(answer.body, f"the list of tags of {repository}").get("tags", ...)
        # Some registries write null for none. Without the key, or with anything that is no tag, it is no list.
        if found is not None and not (isinstance(found, list) and all(isinstance(t, str) and is_tag(t) for t in found)):
            raise Unavailable(f"cannot {what}: the answer is not a list of tags", fix="try again")
        return set(found or ()), _next_page(repository, page, answer)

    @reads
    def digest(self, reference: Reference) -> str | None:
        """See the port."""
        call = Call("HEAD", reference, f"manifests/{checked(reference).version}", f"resolve {reference}", (200, 404),
                    _ACCEPT)  # fmt: skip
        answer = self._client.ask(call)
        if answer.status == 404:
            return None
        found = answer.headers.get("Docker-Content-Digest", "")
        if not is_digest(found):
            manifest = self.manifest(reference)
            return manifest.digest if manifest else None
        if reference.digest and found != reference.digest:
            raise Unavailable(f"cannot resolve {reference}: the registry names another digest", fix="try again")
        return found

    @reads
    def manifest(self, reference: Reference) -> Manifest | None:
        """See the port. At most 4 MiB."""
        what = f"read the manifest of {reference}"
        path = f"manifests/{checked(reference).version}"
        answer = self._client.ask(Call("GET", reference, path, what, (200, 404), _ACCEPT, keep=True))
        if answer.status == 404:
            return None
        media_type = _media_type(answer, what)
        announced = answer.headers.get("Docker-Content-Digest", "")
        expected = reference.digest or (announced if is_digest(announced) else "")
        digest = digest_of(answer.body, expected or "sha256:")
        if expected and digest != expected:
            raise Unavailable(f"cannot {what}: what came has another digest", fix="try again")
        return Manifest(media_type, digest, answer.body)

    @reads
    def image(self, reference: Reference, platform: str = "linux/amd64") -> ImageInfo | None:
        """See the port."""
        return image_info(self, reference, platform, self._kept)

    @reads
    def has_blob(self, repository: Reference, digest: str) -> bool:
        """See the port."""
        call = Call("HEAD", repository, _blob(repository, digest), f"look for {digest} in {repository}", (200, 404))
        return self._client.ask(call).status == 200

    @reads
    @contextlib.contextmanager
    def open_blob(self, repository: Reference, digest: str) -> Iterator[BinaryIO]:
        """See the port. `NotFound` if the repository does not hold the blob."""
        what = f"read {digest} of {repository}"
        answer = self._client.ask(Call("GET", repository, _blob(repository, digest), what, (200, 404), stream=True))
        if answer.raw is None:
            raise NotFound(f"{digest} is not in {repository}", fix="push the image anew")
        length = answer.headers.get("Content-Length", "")
        size = int(length) if length.isascii() and length.isdigit() else None
        with answer.raw:
            yield verified(reader(answer.raw, what), digest, size, what)

    def put_blob(self, repository: Reference, digest: str, size: int, content: BinaryIO) -> None:
        """See the port. Content that can seek is sent again, into a new upload, when the first one breaks."""
        _blob(repository, digest)
        what = f"push {digest} to {repository}"
        body = Upload(content, size, what)
        for attempt in itertools.count(1):
            url = self._begin(repository, digest, what)
            try:
                self._send(repository, url, body, what)
                break
            except Broken:
                if attempt == ATTEMPTS or not body.again:
                    raise
            self._client.pause(attempt)

    def _begin(self, repository: Reference, digest: str, what: str) -> str:
        """Open an upload: spec, "Pushing a blob monolithically". Returns the URL to send the whole blob to."""
        start = Call("POST", repository, "blobs/uploads/", what, (202,), push=True)
        url = _location(repository, self._client.ask(start), what)
        return f"{url}{'&' if urlsplit(url).query else '?'}{urlencode({'digest': digest})}"

    def _send(self, repository: Reference, url: str, body: Upload, what: str) -> None:
        headers = {"Content-Type": "application/octet-stream"}
        # An empty body of unknown kind would be sent in chunks, which few registries take.
        content = body if len(body) else b""
        self._client.ask(Call("PUT", repository, url, what, (201,), headers, content, push=True, attempts=1))

    def mount_blob(self, repository: Reference, digest: str, source: Reference) -> bool:
        """See the port: spec, "Mounting a blob from another repository"."""
        if source.registry != repository.registry:
            return False
        _blob(repository, digest)
        query = urlencode({"mount": digest, "from": checked(source).path})
        what = f"mount {digest} of {source.repository} in {repository}"
        # A registry that cannot or may not mount says so in many ways; the upload that follows tells the reason.
        expected = (201, 202, 400, 404, 405)
        call = Call("POST", repository, f"blobs/uploads/?{query}", what, expected, push=True, source=source)
        try:
            answer = self._client.ask(call)
        except Unauthorised:
            return False
        if answer.status == 202:
            self._cancel(repository, answer, what)
        return answer.status == 201

    def _cancel(self, repository: Reference, answer: Answer, what: str) -> None:
        """Give back the upload that a registry opened instead of a mount; it forgets it by itself if that fails."""
        with contextlib.suppress(Unavailable):
            url = _location(repository, answer, what)
            self._client.ask(Call("DELETE", repository, url, what, (202, 204), push=True, attempts=1))

    def put_manifest(self, reference: Reference, media_type: str, body: bytes) -> str:
        """See the port. `BotError` if the reference has another digest than the body."""
        digest = digest_of(body, reference.digest or "sha256:")
        if reference.digest not in (None, digest):
            raise BotError(f"the manifest for {reference} has the digest {digest}", fix="push it under its own digest")
        what = f"push {reference}"
        path = f"manifests/{checked(reference).tag or reference.version}"
        call = Call("PUT", reference, path, what, (200, 201, 202, 400, 404), {"Content-Type": media_type}, body,
                    push=True)  # fmt: skip
        answer = self._put_when_blobs_are_seen(call)
        announced = answer.headers.get("Docker-Content-Digest", "")
        if is_digest(announced) and announced != digest_of(body, announced):
            raise Unavailable(f"cannot {what}: the registry stored another digest", fix="push it again")
        return digest

    def _put_when_blobs_are_seen(self, call: Call) -> Answer:
        """Send a manifest; again while the registry does not see a blob that was mounted just before."""
        for attempt in range(1, ATTEMPTS + 1):
            answer = self._client.ask(call)
            if answer.status < 300:
                return answer
            codes = error_codes(answer)
            if not {"MANIFEST_BLOB_UNKNOWN", "BLOB_UNKNOWN"} & set(codes):
                break
            if attempt < ATTEMPTS:
                self._client.pause(attempt)
        why = f"the registry answered {answer.status} {' '.join(codes)}".rstrip()
        raise Unavailable(f"cannot {call.what}: {why}", fix="push the blobs first, and try again")


def _blob(repository: Reference, digest: str) -> str:
    return f"blobs/{checked(repository).with_digest(digest).digest}"


def _joined(repository: Reference, base: str, target: str, what: str) -> str:
    """The URL `target` as seen from `base`, with the registry's own scheme if its host is the registry's.

    Registries behind a proxy that ends TLS often announce themselves as `http:`.
    """
    home = urlsplit(origin(repository.registry))
    try:
        parts = urlsplit(urljoin(base, target))
        same = (parts.hostname, parts.port) == (home.hostname, home.port)
    except ValueError as error:
        raise Unavailable(f"cannot {what}: the registry names an address that is none", fix="try again") from error
    return parts._replace(scheme=home.scheme).geturl() if same else parts.geturl()


def _location(repository: Reference, answer: Answer, what: str) -> str:
    """Where an upload goes on: the registry's own origin, or elsewhere with TLS (then without credentials)."""
    home = origin(repository.registry)
    location = answer.headers.get("Location", "")
    url = _joined(repository, f"{home}/v2/{repository.path}/blobs/uploads/", location, what)
    if not location or not (same_origin(url, home) or url.startswith("https://")):
        raise Unavailable(f"cannot {what}: the registry does not say where to upload to", fix="try again")
    return url


def _next_page(repository: Reference, page: str, answer: Answer) -> str | None:
    """The URL of the next page (RFC 8288), which must be the registry's own."""
    links = [link for link in parse_header_links(answer.headers.get("Link", "")) if link.get("rel") == "next"]
    if not links:
        return None
    home = origin(repository.registry)
    what = f"read the tags of {repository}"
    url = _joined(repository, urljoin(f"{home}/v2/{repository.path}/", page), links[0]["url"], what)
    if not same_origin(url, home):
        raise Unavailable(f"cannot {what}: the next page is another server's", fix="look at the registry's pagination")
    return url


def _media_type(answer: Answer, what: str) -> str:
    """What the header and the document agree to call the manifest."""
    named = answer.headers.get("Content-Type", "").partition(";")[0].strip()
    inner = parse_object(answer.body, f"the manifest ({what})").get("mediaType", named)
    if inner not in MANIFEST_TYPES or named not in (inner, "", "application/json", "application/octet-stream"):
        raise Unavailable(
            f"cannot {what}: it is of another kind than an image", fix="push the image anew with a current tool"
        )
    return str(inner)
