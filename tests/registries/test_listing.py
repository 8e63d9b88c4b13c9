"""A listing of tags is complete, or it is not one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from bot.core.errors import Unavailable
from tests.registries.conftest import impatient
from tests.registries.fake import FakeRegistry, Trouble, serve
from tests.registries.images import push_image

if TYPE_CHECKING:
    from bot.registries.oci import OciRegistry

TAGS = tuple(f"1.{number}" for number in range(7))
FOREVER = 1000


@pytest.fixture
def registry(fake: FakeRegistry) -> OciRegistry:
    """A registry whose repository `app` has seven tags, two on a page."""
    registry = impatient()
    for tag in TAGS:
        push_image(registry, fake.reference(f"app:{tag}"), {})
    fake.page = 2
    return registry


def test_all_pages_are_read(fake: FakeRegistry, registry: OciRegistry) -> None:
    assert registry.tags(fake.reference("app")) == TAGS
    assert len(fake.requests("GET", "/tags/list")) == 4


def test_a_page_that_fails_fails_the_listing(fake: FakeRegistry, registry: OciRegistry) -> None:
    fake.troubles = [Trouble("GET", "last=1.3", 503, times=FOREVER)]
    with pytest.raises(Unavailable, match=r"cannot read the tags of .*/app: the server answered 503"):
        registry.tags(fake.reference("app"))


def test_a_page_that_is_gone_fails_the_listing(fake: FakeRegistry, registry: OciRegistry) -> None:
    fake.troubles = [Trouble("GET", "last=1.3", 500)]
    with pytest.raises(Unavailable, match="answered 500"):
        registry.tags(fake.reference("app"))


def test_a_page_that_is_cut_short_is_read_again(fake: FakeRegistry, registry: OciRegistry) -> None:
    fake.troubles = [Trouble("GET", "last=1.3", cut=True)]
    assert registry.tags(fake.reference("app")) == TAGS


def test_a_page_that_stays_cut_short_fails_the_listing(fake: FakeRegistry, registry: OciRegistry) -> None:
    fake.troubles = [Trouble("GET", "last=1.3", cut=True, times=FOREVER)]
    with pytest.raises(Unavailable, match="cut short"):
        registry.tags(fake.reference("app"))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b'{"name": "app"}',
        b'{"tags": {}}',
        b'{"tags": [1]}',
        b'{"tags": ["a/b"]}',
        b"[" * 9999,
    ],
)
def test_an_answer_that_is_no_list_of_tags_fails_the_listing(
    fake: FakeRegistry, registry: OciRegistry, body: bytes
) -> None:
    fake.troubles = [Trouble("GET", "/tags/list", 200, body=body)]
    with pytest.raises(Unavailable):
        registry.tags(fake.reference("app"))


def test_a_registry_may_write_null_for_no_tags(fake: FakeRegistry, registry: OciRegistry) -> None:
    fake.troubles = [Trouble("GET", "/tags/list", 200, body=b'{"name": "app", "tags": null}')]
    assert registry.tags(fake.reference("app")) == ()


def test_pages_that_go_in_a_circle_fail_the_listing(fake: FakeRegistry, registry: OciRegistry) -> None:
    link = {"Link": f'<http://{fake.host}/v2/app/tags/list?last=1.1>; rel="next"'}
    fake.troubles = [Trouble("GET", "/tags/list", headers=link, times=FOREVER)]
    with pytest.raises(Unavailable, match="do not end"):
        registry.tags(fake.reference("app"))


def test_pages_without_end_fail_the_listing(
    fake: FakeRegistry, registry: OciRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.registries.oci._MOST_PAGES", 3)
    with pytest.raises(Unavailable, match="do not end"):
        registry.tags(fake.reference("app"))


def test_the_next_page_is_never_asked_of_another_server(fake: FakeRegistry, registry: OciRegistry) -> None:
    with serve() as other:
        link = {"Link": f'<http://{other.host}/v2/app/tags/list?last=1.1>; rel="next"'}
        fake.troubles = [Trouble("GET", "/tags/list", headers=link)]
        with pytest.raises(Unavailable, match="another server"):
            registry.tags(fake.reference("app"))
        assert other.seen == []


def test_a_next_page_that_is_no_address_fails_the_listing(fake: FakeRegistry, registry: OciRegistry) -> None:
    fake.troubles = [Trouble("GET", "/tags/list", headers={"Link": '<http://[::1/>; rel="next"'})]
    with pytest.raises(Unavailable, match="an address that is none"):
        registry.tags(fake.reference("app"))


def test_a_web_servers_404_page_does_not_mean_that_a_repository_or_a_tag_is_absent(
    fake: FakeRegistry, registry: OciRegistry
) -> None:
    page = {"Content-Type": "text/html; charset=utf-8"}
    fake.troubles = [Trouble(method, "/", 404, headers=page, times=FOREVER) for method in ("GET", "HEAD")]
    with pytest.raises(Unavailable, match="answered 404"):
        registry.tags(fake.reference("app"))
    with pytest.raises(Unavailable, match="answered 404"):
        registry.digest(fake.reference("app:1.0"))


def test_a_listing_that_is_too_long_to_be_one_is_not_read(
    fake: FakeRegistry, registry: OciRegistry, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.registries.oci._PAGE_LIMIT", 20)
    with pytest.raises(Unavailable, match="more than 20 bytes"):
        registry.tags(fake.reference("app"))
