"""Who the bot is: on its commits, and on a forge that has no accounts of its own."""

BOT_NAME = "gitops-bot"
BOT_EMAIL = "gitops-bot@localhost"
