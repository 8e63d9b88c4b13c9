"""The configuration: `gitops.yaml` becomes a `Config`, or an error that names every problem, its place and its fix."""

from __future__ import annotations

from bot.core.config.models import (
    Application,
    Build,
    Config,
    Environment,
    Image,
    Key,
    Model,
    Policy,
    Values,
    application_folder,
    promotion_order,
)

__all__ = [
    "Application",
    "Build",
    "Config",
    "Environment",
    "Image",
    "Key",
    "Model",
    "Policy",
    "Values",
    "application_folder",
    "promotion_order",
]
