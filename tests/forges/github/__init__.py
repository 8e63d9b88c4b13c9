"""GitHub, as far as the bot can see it: a fake that is held to GitHub's own descriptions."""
