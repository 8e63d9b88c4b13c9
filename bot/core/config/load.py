"""Bytes become a configuration only if nothing at all is wrong with them; else every problem is told at once."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from pydantic import ValidationError

from bot.core.config import checks
from bot.core.config.models import Application, Chart, Config, Environment, Image, Model, Values
from bot.core.config.problems import ConfigError, Problem, one_line, redacted, shown
from bot.core.config.source import SourceError, read
from bot.core.config.wording import finding

if TYPE_CHECKING:
    from collections.abc import Iterator

    from bot.core.config.source import Fault, Place, Source
    from bot.core.models import Path

M = TypeVar("M", bound=Model)


def load_config(content: bytes, file: str = "gitops.yaml") -> Config:
    """The bytes of a configuration file (YAML, UTF-8) → Config.

    `file` is how problems name it. Raises `ConfigError` with all problems, each with line, column and fix.
    """
    try:
        source = read(content)
    except SourceError as error:
        raise ConfigError([_problem(file, error.fault)]) from error
    problems = [_problem(file, fault) for fault in source.faults]
    config = None
    try:
        config = Config.model_validate(source.data)
    except ValidationError as error:
        details = error.errors(include_url=False)
        problems += [_place(file, *finding(detail, source)) for detail in details]
    for found in _checked(source.data):
        place = source.key(found.path) if found.at_key else source.value(found.path)
        problems.append(_place(file, found.path, place, found.message, found.fix))
    if config is None or problems:
        raise ConfigError(problems)
    return config


def at_value(file: str, source: Source, path: Path, message: str, fix: str) -> Problem:
    """A problem with the value at a path of the file."""
    return _place(file, path, source.value(path), message, fix)


def _problem(file: str, fault: Fault) -> Problem:
    return _place(file, fault.path, fault.place, fault.message, fault.fix)


def _place(file: str, path: Path, place: Place, message: str, fix: str) -> Problem:
    return Problem(file, place.line, place.column, written(path), redacted(message), one_line(fix))


def written(path: Path) -> str:
    """A path as people write it: `applications.shop.images.web.keys[0].tag`."""
    text = "".join(f"[{step}]" if isinstance(step, int) else f".{shown(step).strip('`')}" for step in path)
    return text.removeprefix(".")


def _checked(data: object) -> Iterator[checks.Found]:
    given = _mapping(data, "environments")
    environments = _parts(Environment, given)
    if len(environments) == len(given):
        yield from checks.environment_checks(environments)
    for name, application in _mapping(data, "applications").items():
        yield from checks.application_name_checks(name)
        here: Path = ("applications", name)
        images = _parts(Image, _mapping(application, "images"))
        for image_name, image in images.items():
            yield from checks.image_checks((*here, "images", image_name), image)
        yield from checks.same_repository_checks((*here, "images"), images)
        parts = application if isinstance(application, dict) else {}
        if chart := _part(Chart, parts.get("chart")):
            yield from checks.chart_checks((*here, "chart"), chart)
        if values := _part(Values, parts.get("values")):
            yield from checks.values_checks((*here, "values"), values)
        if whole := _part(Application, application):
            yield from checks.promoted_checks(here, whole)


def _mapping(data: object, key: str) -> dict[str, object]:
    value = data.get(key) if isinstance(data, dict) else None
    return value if isinstance(value, dict) else {}


def _parts(kind: type[M], values: dict[str, object]) -> dict[str, M]:
    return {name: part for name, value in values.items() if (part := _part(kind, value))}


def _part(kind: type[M], value: object) -> M | None:
    try:
        return kind.model_validate(value)
    except ValidationError:
        return None
