"""Builders: each turns a `BuildOrder` and a git repository into an image, and knows no other edge."""
