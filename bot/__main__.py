"""`python -m bot`, and what the installed program `gitops-bot` calls."""

from bot.cli.main import main

if __name__ == "__main__":
    main()
