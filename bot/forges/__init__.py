"""Forges: pull requests, reviews, comments and statuses, one module a provider."""
