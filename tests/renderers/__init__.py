"""Tests of the renderers, with the real programs where they are there."""
