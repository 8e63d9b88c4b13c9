"""Tests of `bot.worktree`."""
