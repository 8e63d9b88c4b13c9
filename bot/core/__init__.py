"""Decisions, without any input or output: everything here is a pure function or a value."""
