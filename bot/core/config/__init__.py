"""The configuration: `gitops.yaml` becomes a `Config`, or an error that names every problem, its place and its fix."""

from __future__ import annotations

from bot.core.config.folders import missing_folders
from bot.core.config.load import load_config
from bot.core.config.models import (
    Application,
    Build,
    Chart,
    Commands,
    Config,
    Environment,
    Image,
    Key,
    Model,
    Policy,
    Source,
    Values,
    application_folder,
    teams,
)
from bot.core.config.problems import ConfigError, Problem, missing_config
from bot.core.config.schema import json_schema
from bot.core.config.source import MOST_BYTES

__all__ = [
    "MOST_BYTES",
    "Application",
    "Build",
    "Chart",
    "Commands",
    "Config",
    "ConfigError",
    "Environment",
    "Image",
    "Key",
    "Model",
    "Policy",
    "Problem",
    "Source",
    "Values",
    "application_folder",
    "json_schema",
    "load_config",
    "missing_config",
    "missing_folders",
    "teams",
]
