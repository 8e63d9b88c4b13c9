"""What every chart repository does, and how a Helm repository's index is cached, refused and paid for."""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING, NamedTuple

import pytest

from bot.core.errors import NotFound, Refused, Unauthorised, Unavailable
from bot.registries.charts import ChartRepositories
from bot.registries.layout import LayoutRegistry
from tests.registries.chart_server import ChartServer, serve_charts
from tests.registries.conftest import impatient, log_in
from tests.registries.images import make_image, push

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from bot.core.references import Reference
    from bot.ports import ChartRepository
    from tests.registries.conftest import Place


class Charts(NamedTuple):
    """How a process opens a chart repository, its URL, and how a chart's versions get there."""

    open: Callable[[], ChartRepository]
    url: str
    publish: Callable[[str, Sequence[str]], None]


@pytest.fixture
def server() -> Iterator[ChartServer]:
    """A Helm repository."""
    with serve_charts() as one:
        yield one


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    """Where indexes are kept."""
    return tmp_path / "cache"


def opened(cache: Path) -> ChartRepositories:
    """Chart repositories as a new process opens them."""
    return ChartRepositories(impatient(), cache, sleep=lambda _: None)


def listed(port: ChartRepository, url: str, chart: str = "shop") -> list[str]:
    """The versions of a chart, as texts."""
    return [one.version for one in port.versions(url, chart).versions]


def index_of(**charts: Sequence[str]) -> bytes:
    """An index with these versions of these charts."""
    entries = {
        name: [{"name": name, "version": v, "urls": [f"{name}-{v}.tgz"]} for v in versions]
        for name, versions in charts.items()
    }
    return json.dumps({"apiVersion": "v1", "entries": entries, "generated": "2026-01-01T00:00:00Z"}).encode()


def _on_server(server: ChartServer) -> Callable[[str, Sequence[str]], None]:
    def publish(chart: str, versions: Sequence[str]) -> None:
        server.index = index_of(**{chart: versions})

    return publish


def _in_registry(place: Place) -> Callable[[str, Sequence[str]], None]:
    def publish(chart: str, versions: Sequence[str]) -> None:
        for version in versions:
            push(place.registry, place.repository(chart).with_tag(version.replace("+", "_")), make_image([]))

    return publish


@pytest.fixture
def charts_over_http(server: ChartServer, cache: Path) -> Charts:
    """A Helm repository."""
    server.index = index_of(desk=["0.0.1"])
    return Charts(lambda: opened(cache), server.url, _on_server(server))


@pytest.fixture
def charts_in_registry(place: Place, cache: Path) -> Charts:
    """Charts in each registry in turn."""
    url = f"oci://{place.host}/{place.prefix}"
    return Charts(lambda: ChartRepositories(place.registry, cache), url, _in_registry(place))


def test_a_registrys_charts_keep_the_contract(charts_in_registry: Charts) -> None:
    _keeps_the_contract(charts_in_registry)


def test_a_helm_repositorys_charts_keep_the_contract(charts_over_http: Charts) -> None:
    _keeps_the_contract(charts_over_http)


def _keeps_the_contract(charts: Charts) -> None:
    with pytest.raises(NotFound):
        charts.open().versions(charts.url, "nothing")
    charts.publish("shop", ["1.0.0", "1.1.0+build.7", "latest"])
    assert sorted(listed(charts.open(), charts.url)) == ["1.0.0", "1.1.0+build.7", "latest"]


def test_the_same_index_is_downloaded_once_and_a_new_one_replaces_it(server: ChartServer, cache: Path) -> None:
    server.index = index_of(shop=["1.0.0"], desk=["2.0.0"])
    port = opened(cache)
    assert listed(port, server.url) == ["1.0.0"]
    assert listed(port, f"{server.url}/", "desk") == ["2.0.0"]
    assert server.answered == [200], "one run asks once for an index, whatever it reads of it"
    assert listed(opened(cache), server.url) == ["1.0.0"]
    assert listed(opened(cache), server.url, "desk") == ["2.0.0"]
    assert server.answered == [200, 304, 304]
    (folder,) = cache.iterdir()
    (folder / ".killed").write_bytes(b"half")
    os.utime(folder / ".killed", (0, 0))
    (folder / ".writing").write_bytes(b"half")
    server.index = index_of(shop=["1.1.0"])
    assert listed(opened(cache), server.url) == ["1.1.0"]
    assert server.answered[-1] == 200
    (folder / ".writing").unlink()
    assert len(list(folder.iterdir())) == 3, "what was kept of the old index is gone"


def test_an_unchanged_index_is_not_even_parsed(server: ChartServer, cache: Path) -> None:
    server.index = index_of(shop=["1.0.0"])
    listed(opened(cache), server.url)
    (body,) = [file for file in next(cache.iterdir()).iterdir() if file.suffix == "" and not file.name.startswith(".")]
    body.write_bytes(b"x")
    assert listed(opened(cache), server.url) == ["1.0.0"]
    assert server.answered == [200, 304]


def test_without_validators_it_is_downloaded_each_run(server: ChartServer, cache: Path) -> None:
    server.index, server.validators = index_of(shop=["1.0.0"]), False
    assert listed(opened(cache), server.url) == listed(opened(cache), server.url) == ["1.0.0"]
    assert server.answered == [200, 200]


@pytest.mark.parametrize("damage", [b"", b"{}", b"\xff\xfe", b"0\n{}", b"[" * 100_000])
def test_a_damaged_cache_is_rebuilt_and_never_believed(server: ChartServer, cache: Path, damage: bytes) -> None:
    server.index = index_of(shop=["1.0.0"])
    listed(opened(cache), server.url)
    files = [file for file in next(cache.iterdir()).iterdir() if file.is_file()]
    for file in files:
        file.write_bytes(damage)
    assert listed(opened(cache), server.url) == ["1.0.0"]
    for file in files:
        if file.name != "head.json":
            file.write_bytes(damage)
    assert listed(opened(cache), server.url) == ["1.0.0"]
    assert listed(opened(cache), server.url) == ["1.0.0"]
    assert server.answered == [200, 200, 304, 200, 304]


def test_versions_that_somebody_wrote_into_the_cache_are_not_believed(server: ChartServer, cache: Path) -> None:
    server.index = index_of(shop=["1.0.0"])
    listed(opened(cache), server.url)
    (kept,) = [f for f in next(cache.iterdir()).iterdir() if f.suffix == ".json" and f.name != "head.json"]
    kept.write_bytes(kept.read_bytes().replace(b"1.0.0", b"6.6.6"))
    assert listed(opened(cache), server.url) == ["1.0.0"]


def test_an_index_that_is_cut_short_is_unavailable_and_forgotten(server: ChartServer, cache: Path) -> None:
    server.index, server.cut = index_of(shop=["1.0.0", "1.1.0"]), True
    with pytest.raises(Unavailable, match="connection broke"):
        listed(opened(cache), server.url)
    server.length = False
    with pytest.raises(Unavailable, match="cannot be used"):
        listed(opened(cache), server.url)
    server.cut = False
    assert listed(opened(cache), server.url) == ["1.0.0", "1.1.0"]
    assert server.answered == [200, 200, 200], "the bad answer's entity tag was not kept"


@pytest.mark.parametrize(
    ("status", "error"),
    [
        (404, NotFound),
        (410, NotFound),
        (403, Unauthorised),
        (401, Unauthorised),
        (500, Unavailable),
        (503, Unavailable),
    ],
)
def test_what_the_repository_answers_is_never_taken_for_an_empty_index(
    server: ChartServer, cache: Path, status: int, error: type[Exception]
) -> None:
    server.status = status
    with pytest.raises(error, match=f"http://{server.host}/charts/index.yaml"):
        listed(opened(cache), server.url)


def test_not_modified_without_a_copy_is_no_answer(server: ChartServer, cache: Path) -> None:
    server.status = 304
    with pytest.raises(Unavailable, match="answered 304"):
        listed(opened(cache), server.url)


def test_a_compressed_or_too_large_answer_is_refused(
    server: ChartServer, cache: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    server.index, server.encoding = index_of(shop=["1.0.0"]), "gzip"
    with pytest.raises(Unavailable, match="compressed"):
        listed(opened(cache), server.url)
    server.encoding = ""
    monkeypatch.setattr("bot.registries.helm.MOST_INDEX", 10)
    with pytest.raises(Unavailable, match="more than"):
        listed(opened(cache), server.url)
    assert [f for f in next(cache.iterdir()).iterdir() if f.is_file()] == []


def test_credentials_go_to_the_repository_and_not_where_it_redirects_to(server: ChartServer, cache: Path) -> None:
    server.password = "s3cret"
    with pytest.raises(Unauthorised, match="user name and a password") as refusal:
        listed(opened(cache), server.url)
    assert server.host in refusal.value.fix
    log_in(server.host, "robot", "wr0ng")
    with pytest.raises(Unauthorised, match="refuses access") as refused:
        listed(opened(cache), server.url)
    assert "wr0ng" not in str(refused.value)
    log_in(server.host, "robot", "s3cret")
    with serve_charts() as elsewhere:
        elsewhere.index = index_of(shop=["1.0.0"])
        server.location = f"http://{elsewhere.host}/mirror/index.yaml"
        assert listed(opened(cache), server.url) == ["1.0.0"]
        assert all("Authorization" not in headers for _, headers in elsewhere.seen)


def test_nobody_is_asked_for_credentials_that_no_one_wants(server: ChartServer, cache: Path) -> None:
    server.index = index_of(shop=["1.0.0"])
    log_in(server.host, "robot", "s3cret")
    listed(opened(cache), server.url)
    assert all("Authorization" not in headers for _, headers in server.seen)


def test_a_server_that_is_gone_is_unavailable_whatever_is_kept(server: ChartServer, cache: Path) -> None:
    server.index = index_of(shop=["1.0.0"])
    listed(opened(cache), server.url)
    server.status = 502
    with pytest.raises(Unavailable):
        listed(opened(cache), server.url)


def test_a_cache_that_cannot_be_written_is_said(server: ChartServer, tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    server.index = index_of(shop=["1.0.0"])
    with pytest.raises(Unavailable, match="cannot use"):
        listed(opened(tmp_path / "file"), server.url)


@pytest.mark.parametrize("url", ["http://charts.example.com", "https://u:p@charts.example.com", "ftp://x", "oci://X/Y"])
def test_a_url_that_must_not_be_used_is_refused(cache: Path, url: str) -> None:
    with pytest.raises(Refused):
        opened(cache).versions(url, "shop")


def test_charts_lie_in_a_folder_of_layouts_too(tmp_path: Path) -> None:
    registry = LayoutRegistry(tmp_path / "registry")
    port = ChartRepositories(registry, tmp_path / "cache")
    assert os.listdir(tmp_path) == []
    reference = _reference()
    push(registry, reference, make_image([]))
    assert listed(port, "oci://registry.example.com/charts") == ["1.0.0"]


def _reference() -> Reference:
    from bot.core.references import parse

    return parse("registry.example.com/charts/shop:1.0.0")
