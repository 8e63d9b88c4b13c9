"""Fixtures of the core's tests."""

from tests.go_readers import go_readers

__all__ = ["go_readers"]
