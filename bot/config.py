"""Settings, from the environment or `.env`, validated once at start."""

from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import Field, SecretStr, field_validator, model_validator
from pydantic_settings import BaseSettings, NoDecode, SettingsConfigDict


class DatabaseSettings(BaseSettings):
    """What those need who only look into the database."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    database_url: str = Field(
        default="sqlite+aiosqlite:///data/dbc-bot.db", description="SQLite file, or PostgreSQL"
    )


class PolicySettings(BaseSettings):
    """What those need who only read the rules."""

    model_config = SettingsConfigDict(env_file=".env", extra="ignore", frozen=True)

    policy_file: Path | None = Field(
        default=None, description="Rules about who may do what; without it, sensible defaults"
    )


class Settings(DatabaseSettings, PolicySettings):
    """Everything that can be set. Field names in capitals are the names in the environment."""

    slack_bot_token: SecretStr = Field(description="Bot token, xoxb-…")
    slack_app_token: SecretStr | None = Field(
        default=None, description="App-level token, xapp-…: Socket Mode, no public address needed"
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None, description="Signing secret: HTTP mode, when there is no app-level token"
    )
    slack_api_url: str = Field(
        default="https://slack.com/api/",
        description="Base of Slack's Web API; every Slack call, Socket Mode's included, goes there",
    )
    slash_command: str = Field(default="/dbc", description="The slash command's name")
    http_host: str = Field(default="127.0.0.1", description="HTTP mode: address to listen on")
    http_port: int = Field(default=3000, ge=0, le=65535, description="HTTP mode: port to listen on")
    dbc_client_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("http://127.0.0.1:5050",),
        description="DBC client daemons, comma separated: reads fail over, a change goes to one",
    )
    credential_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        description="Fernet keys, newest first, comma separated; by default made on first start "
        "beside the SQLite file, mode 0600",
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="Shape of the log"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged"
    )

    @field_validator("dbc_client_urls", "credential_keys", mode="before")
    @classmethod
    def _split(cls, value: object) -> object:
        if isinstance(value, str):
            return tuple(part.strip() for part in value.split(",") if part.strip())
        return value

    @field_validator("dbc_client_urls")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one DBC client daemon, like http://127.0.0.1:5050")
        for url in value:
            parts = urlsplit(url)
            if parts.scheme not in {"http", "https"} or not parts.hostname:
                raise ValueError(f"{url!r} is not an address like http://127.0.0.1:5050")
        return tuple(url.rstrip("/") for url in value)

    @field_validator("slack_api_url")
    @classmethod
    def _ends_with_slash(cls, value: str) -> str:
        return value if value.endswith("/") else value + "/"

    @field_validator("slash_command")
    @classmethod
    def _is_command(cls, value: str) -> str:
        if not value.startswith("/") or " " in value:
            raise ValueError("a slash command looks like /dbc")
        return value

    @model_validator(mode="after")
    def _has_a_way_in(self) -> "Settings":
        if self.slack_app_token is None and self.slack_signing_secret is None:
            raise ValueError(
                "set SLACK_APP_TOKEN (Socket Mode) or SLACK_SIGNING_SECRET (HTTP mode)"
            )
        return self

    @cached_property
    def uses_socket_mode(self) -> bool:
        """Socket Mode wins when both ways are configured."""
        return self.slack_app_token is not None
