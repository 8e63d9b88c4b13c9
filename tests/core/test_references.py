"""An image reference is read once, as Docker reads it, or refused with what is wrong."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.core.errors import BotError
from bot.core.references import Reference, is_digest, is_tag, parse, parse_repository

D256, D512 = "sha256:" + "0a" * 32, "sha512:" + "0a" * 64


@pytest.mark.parametrize(
    ("text", "reference"),
    [
        ("alpine", Reference("docker.io", "library/alpine")),
        ("alpine:3.20", Reference("docker.io", "library/alpine", "3.20")),
        ("wso2/wso2mi:4.2.0", Reference("docker.io", "wso2/wso2mi", "4.2.0")),
        ("docker.io/alpine", Reference("docker.io", "library/alpine")),
        ("index.docker.io/alpine:3", Reference("docker.io", "library/alpine", "3")),
        ("docker.io/wso2/wso2mi", Reference("docker.io", "wso2/wso2mi")),
        ("ghcr.io/shop", Reference("ghcr.io", "shop")),
        ("localhost/shop", Reference("localhost", "shop")),
        ("localhost:5000/shop:1", Reference("localhost:5000", "shop", "1")),
        ("127.0.0.1:5000/a/b/c", Reference("127.0.0.1:5000", "a/b/c")),
        ("[2001:db8::1]/shop:1", Reference("[2001:db8::1]", "shop", "1")),
        ("[::1]:5000/shop", Reference("[::1]:5000", "shop")),
        ("Registry/shop", Reference("Registry", "shop")),
        ("registry/shop", Reference("docker.io", "registry/shop")),
        (f"ghcr.io/shop@{D256}", Reference("ghcr.io", "shop", None, D256)),
        (f"ghcr.io/shop:1.0@{D256}", Reference("ghcr.io", "shop", "1.0", D256)),
        (f"ghcr.io/shop@{D512}", Reference("ghcr.io", "shop", None, D512)),
        ("ghcr.io/a__b/c-d--e/f.g_h", Reference("ghcr.io", "a__b/c-d--e/f.g_h")),
        ("ghcr.io/shop:" + "t" * 128, Reference("ghcr.io", "shop", "t" * 128)),
        ("ghcr.io/" + "p" * 255, Reference("ghcr.io", "p" * 255)),
    ],
)
def test_a_reference_is_read_as_docker_reads_it(text: str, reference: Reference) -> None:
    assert parse(text) == reference


@pytest.mark.parametrize(
    "text",
    [
        "",
        ":",
        "@",
        "/",
        "ghcr.io/",
        "/shop",
        "ghcr.io//shop",
        "ghcr.io/shop/",
        "ghcr.io/Shop",
        "Shop",
        "ghcr.io/shop:",
        "ghcr.io/shop:-1",
        "ghcr.io/shop:" + "t" * 129,
        "ghcr.io/shop:1:2",
        "ghcr.io/shop: 1",
        "ghcr.io/shop@sha256:0a",
        "ghcr.io/shop@" + D256.upper(),
        "ghcr.io/shop@md5:" + "0a" * 16,
        f"ghcr.io/shop@{D256}@{D256}",
        f"ghcr.io/shop@{D256}:1",
        "https://ghcr.io/shop",
        "user@ghcr.io/shop",
        "ghcr.io:port/shop",
        "ghcr.io:123456/shop",
        "-ghcr.io/shop",
        "ghcr..io/shop",
        "::1/shop",
        "[::1/shop",
        "ghcr.io/../shop",
        "ghcr.io/a..b",
        "ghcr.io/a___b",
        "ghcr.io/shop\n",
        "ghcr.io/shop:1\n",
        f"ghcr.io/shop@{D256}\n",
        "ghcr.io\n/shop",
        "ghcr.io/shop:1\x00",
        "ghcr.io/shöp",
        "ghcr.io/shop:\u0661",
        "ghcr.io/" + "p" * 256,
    ],
)
def test_what_is_no_reference_is_refused_with_the_way_to_write_one(text: str) -> None:
    with pytest.raises(BotError) as caught:
        parse(text)
    assert "is not an image reference" in caught.value.message
    assert caught.value.fix == "write it as host/path:tag or host/path@sha256:…"


def test_an_endless_text_is_not_repeated_in_full() -> None:
    with pytest.raises(BotError) as caught:
        parse("A" * 100_000)
    assert len(caught.value.message) < 400


@pytest.mark.parametrize("text", ["ghcr.io/shop:1", f"ghcr.io/shop@{D256}"])
def test_a_repository_has_neither_tag_nor_digest(text: str) -> None:
    assert parse_repository("ghcr.io/shop") == Reference("ghcr.io", "shop")
    with pytest.raises(BotError, match="without tag and digest"):
        parse_repository(text)


def test_the_version_is_the_digest_before_the_tag_before_latest() -> None:
    shop = parse("ghcr.io/shop")
    assert shop.version == "latest"
    assert shop.with_tag("1").version == "1"
    assert parse(f"ghcr.io/shop:1@{D256}").version == D256


def test_tag_and_digest_replace_what_was_there() -> None:
    both = parse(f"ghcr.io/shop:1@{D256}")
    assert str(both.with_tag("2")) == "ghcr.io/shop:2"
    assert str(both.with_digest(D512)) == f"ghcr.io/shop@{D512}"
    assert str(both.repository) == "ghcr.io/shop"


@pytest.mark.parametrize("text", ["", "a b", "1\n", "-1", ".1", "a/b", "a:b", "a@b", "t" * 129, "é"])
def test_what_is_no_tag_becomes_none(text: str) -> None:
    assert not is_tag(text)
    with pytest.raises(BotError, match="is not an image tag"):
        parse("ghcr.io/shop").with_tag(text)


@pytest.mark.parametrize(
    "text", ["", "0a" * 32, D256 + "\n", D256[:-1], D256 + "0", D256.upper(), "sha256:" + "g" * 64]
)
def test_what_is_no_digest_becomes_none(text: str) -> None:
    assert not is_digest(text)
    with pytest.raises(BotError, match="is not a digest"):
        parse("ghcr.io/shop").with_digest(text)


words = st.from_regex(r"[a-z0-9]+((\.|_|__|-+)[a-z0-9]+)*", fullmatch=True).filter(lambda text: len(text) < 40)
hosts = st.sampled_from(["docker.io", "ghcr.io", "localhost", "localhost:5000", "[::1]:5000", "10.0.0.1"])
paths = st.lists(words, min_size=1, max_size=4).map("/".join)
tags = st.none() | st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9._-]{0,30}", fullmatch=True)
digests = st.none() | st.sampled_from([D256, D512])


@given(hosts, paths, tags, digests)
def test_what_is_read_is_written_and_read_again_as_the_same(
    host: str, path: str, tag: str | None, digest: str | None
) -> None:
    text = f"{host}/{path}" + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")
    once = parse(text)
    assert (once.tag, once.digest) == (tag, digest)
    assert parse(str(once)) == once


@given(st.text(max_size=60) | st.text(st.sampled_from("aZ0.:/@-_[]\n"), max_size=30))
def test_any_text_is_a_reference_that_keeps_its_meaning_or_an_error_for_people(text: str) -> None:
    try:
        once = parse(text)
    except BotError:
        return
    assert parse(str(once)) == once
    assert str(once).isprintable()
