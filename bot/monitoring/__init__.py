"""What tells operators and their tools how the bot is: a small port, figures, systemd."""
