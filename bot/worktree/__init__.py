"""The YAML files of a folder on this machine, for `scan` and `set`."""

from bot.worktree.content import Unread
from bot.worktree.reading import Worktree, read_worktree
from bot.worktree.scanning import discovered, scan, skipped_files
from bot.worktree.writing import Unwritten, write_files

__all__ = ["Unread", "Unwritten", "Worktree", "discovered", "read_worktree", "scan", "skipped_files", "write_files"]
