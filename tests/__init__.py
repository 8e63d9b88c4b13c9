"""The tests mirror the rooms of `bot/`; scenarios speak the user's language."""
