"""The base in a Dockerfile is always the order's, by digest."""

from __future__ import annotations

import pytest

from bot.builders.dockerfile import parse, pin_base, pinned
from bot.core.errors import Refused
from bot.core.references import parse as reference
from tests.builders.source import order

BASE = reference(f"registry.example/wso2/mi@sha256:{'a' * 64}")
PIN = f"registry.example/wso2/mi@sha256:{'a' * 64}"

PINNED = {
    "through the argument": ("ARG BASE_IMAGE=x\nFROM ${BASE_IMAGE}\n", "ARG BASE_IMAGE=x\nFROM ${BASE_IMAGE}\n"),
    "by name": ("FROM registry.example/wso2/mi:4.2.0\n", f"FROM {PIN}\n"),
    "by its digest": (f"FROM {PIN}", f"FROM {PIN}"),
    "by name and digest": (f"FROM registry.example/wso2/mi:1@sha256:{'a' * 64}", f"FROM {PIN}"),
    "by another argument": (
        "ARG TAG=4.2.0\nFROM registry.example/wso2/mi:${TAG} AS final\r\nUSER 1\r\n",
        f"ARG TAG=4.2.0\nFROM {PIN} AS final\nUSER 1\r\n",
    ),
    "over several lines": ("FROM \\\n  registry.example/wso2/mi:4.2.0\nUSER 1", f"FROM {PIN}\n\nUSER 1"),
    "with a flag": (
        "FROM --platform=linux/amd64 registry.example/wso2/mi:4.2.0",
        f"FROM --platform=linux/amd64 {PIN}",
    ),
    "in the last of several stages": (
        "ARG BASE_IMAGE\nFROM golang:1 AS tools\nFROM $BASE_IMAGE\n",
        "ARG BASE_IMAGE\nFROM golang:1 AS tools\nFROM $BASE_IMAGE\n",
    ),
    "through an earlier stage": (
        "FROM registry.example/wso2/mi:4.2.0 AS Plain\nFROM plain\n",
        f"FROM {PIN} AS Plain\nFROM plain\n",
    ),
}


@pytest.mark.parametrize(("before", "after"), PINNED.values(), ids=PINNED.keys())
def test_the_base_is_pinned_and_lines_keep_their_numbers(before: str, after: str) -> None:
    assert pin_base(parse("Dockerfile", before.encode()), order(BASE)).data.decode() == after


WRONG = {
    "another tag": ("# x\nFROM registry.example/wso2/mi:4.3.0", 2),
    "the argument's default is another's": ("ARG OTHER=alpine\nFROM ${OTHER}", 2),
    "an unset argument": ("FROM ${OTHER}", 1),
    "the last stage is another's": ("ARG BASE_IMAGE\nFROM $BASE_IMAGE AS a\nFROM alpine", 3),
}


@pytest.mark.parametrize(("text", "line"), WRONG.values(), ids=WRONG.keys())
def test_another_base_is_refused_with_its_line(text: str, line: int) -> None:
    with pytest.raises(Refused) as caught:
        pin_base(parse("app/Dockerfile", text.encode()), order(BASE))
    assert caught.value.reason_code == "base_mismatch"
    assert caught.value.message.startswith(f"app/Dockerfile:{line}: FROM is ")
    assert "ARG BASE_IMAGE" in caught.value.fix


INVALID = {
    "an unknown instruction": (b"FROM a\nFORM b", "Dockerfile:2: "),
    "no FROM": (b"ARG A", "Dockerfile: no FROM"),
    "nothing": (b"", "Dockerfile: no FROM"),
    "FROM without an image": (b"FROM", "Dockerfile:1: FROM names no image"),
    "a broken variable": (b"FROM ${A", "Dockerfile:1: FROM: "),
    "not text": (b"FROM a\n\xff", "Dockerfile: not UTF-8 at byte 7"),
}


@pytest.mark.parametrize(("data", "message"), INVALID.values(), ids=INVALID.keys())
def test_what_is_no_dockerfile_is_refused(data: bytes, message: str) -> None:
    with pytest.raises(Refused) as caught:
        pin_base(parse("Dockerfile", data), order(BASE))
    assert caught.value.reason_code == "dockerfile_invalid"
    assert caught.value.message.startswith(message)


def test_a_base_without_a_digest_is_refused() -> None:
    with pytest.raises(Refused, match="not resolved"):
        pinned(order(BASE.with_tag("4.2.0")))
