"""The command line: `python -m bot`."""

import asyncio
import json
import sys
from pathlib import Path

import click
from pydantic import ValidationError

from bot import app, log
from bot.cli.audit import audit
from bot.cli.policy import policy
from bot.cli.sign import sign
from bot.commands.derive import reference
from bot.commands.groups import command_table
from bot.config import Settings
from bot.errors import BotError
from bot.ports import DeliveryFailed
from handlers.manifest import manifest

ROOT = Path(__file__).resolve().parent.parent


@click.group()
def main() -> None:
    """Run DeepBrain Chain GPU machines from Slack."""


@main.command()
def run() -> None:
    """Run the bot, with settings from the environment or .env."""
    settings = _settings()
    log.configure(settings.log_format, settings.log_level)
    try:
        asyncio.run(app.run(settings))
    except BotError as error:
        raise click.ClickException(" ".join([error.sentence, error.hint])) from None
    except DeliveryFailed as error:
        what = (
            "Slack refuses the bot" if error.retry_after is None else "Slack is not to be reached"
        )
        raise click.ClickException(f"{what}: {error.reason}") from None


@main.command()
@click.option("--check", is_flag=True, help="Write nothing; fail if a file is not current.")
def docs(*, check: bool) -> None:
    """Write the generated files: docs/commands.md and manifest.json."""
    slash = Settings.model_fields["slash_command"].default
    generated = {
        ROOT / "docs" / "commands.md": reference(command_table(), slash),
        ROOT / "manifest.json": json.dumps(manifest(slash, socket_mode=True), indent=2) + "\n",
    }
    for path, text in generated.items():
        current = path.read_text(encoding="utf-8") if path.exists() else ""
        if current == text:
            continue
        if check:
            raise click.ClickException(f"{path.relative_to(ROOT)} is not current: make docs")
        path.write_text(text, encoding="utf-8")
        click.echo(f"wrote {path.relative_to(ROOT)}")


@main.command(name="manifest")
@click.option("--http", is_flag=True, help="For HTTP mode; the default is Socket Mode.")
@click.option("--command", default="/dbc", show_default=True, help="The slash command's name.")
def manifest_command(*, http: bool, command: str) -> None:
    """Print the Slack app manifest to paste when creating the app."""
    click.echo(json.dumps(manifest(command, socket_mode=not http), indent=2))


main.add_command(sign)


def _settings() -> Settings:
    """The settings, or one line for each that is wrong; never a value, which may be a secret."""
    try:
        return Settings()
    except ValidationError as error:
        lines = []
        for fault in error.errors(include_input=False, include_url=False, include_context=False):
            name = str(fault["loc"][0]).upper() if fault["loc"] else "Settings"
            lines.append(f"{name}: {fault['msg'].removeprefix('Value error, ')}")
        where = "They come from the environment or .env: see .env.example."
        click.echo("\n".join(["The settings are not complete:", *lines, where]), err=True)
        sys.exit(2)


main.add_command(audit)
main.add_command(policy)

if __name__ == "__main__":
    main()
