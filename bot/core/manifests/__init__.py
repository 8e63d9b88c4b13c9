"""YAML manifests: where versions live in them, and edits that change those bytes and no others."""

from bot.core.manifests.carried import FoundValues, find_values, set_values
from bot.core.manifests.charts import Chart, set_chart
from bot.core.manifests.groups import edit_groups
from bot.core.manifests.hazards import REASONS
from bot.core.manifests.images import Found, find_explicit
from bot.core.manifests.nodes import Identity
from bot.core.manifests.own_places import Wish
from bot.core.manifests.places import Place
from bot.core.manifests.setting import Wanted, set_image
from bot.core.manifests.splice import Edit, Edited, Note, edit
from bot.core.manifests.values import sync_values, synced_commit

__all__ = [
    "REASONS",
    "Chart",
    "Edit",
    "Edited",
    "Found",
    "FoundValues",
    "Identity",
    "Note",
    "Place",
    "Wanted",
    "Wish",
    "edit",
    "edit_groups",
    "find_explicit",
    "find_values",
    "set_chart",
    "set_image",
    "set_values",
    "sync_values",
    "synced_commit",
]
