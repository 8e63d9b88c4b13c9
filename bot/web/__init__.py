"""The endpoint that webhooks call: it verifies, remembers, answers at once, and lets one thread do the work."""

from bot.web.app import create_app, listen

__all__ = ["create_app", "listen"]
