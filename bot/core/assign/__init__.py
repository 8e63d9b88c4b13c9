"""An image, a chart or one value gets the version that a person asks for, wherever it is in some files."""

from bot.core.assign.edits import Assigned, Missed, assign
from bot.core.assign.requests import (
    Request,
    SetChart,
    SetImage,
    SetValue,
    chart_request,
    image_request,
    value_request,
)

__all__ = [
    "Assigned",
    "Missed",
    "Request",
    "SetChart",
    "SetImage",
    "SetValue",
    "assign",
    "chart_request",
    "image_request",
    "value_request",
]
