"""Settings, from the environment or `.env`, validated once at start."""

import re
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import unquote, urlsplit
from urllib.request import getproxies

from cryptography.fernet import Fernet
from pydantic import (
    Field,
    PrivateAttr,
    SecretStr,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)
from pydantic_settings import (
    BaseSettings,
    DotEnvSettingsSource,
    EnvSettingsSource,
    NoDecode,
    PydanticBaseSettingsSource,
    SettingsConfigDict,
)

from bot.addresses import (
    is_address,
    is_daemon,
    is_host,
    keys_in,
    place_of,
    places_of,
    without_version,
    wrong_among,
)
from bot.reply import language_of, locales_in
from bot.setting_sources import (
    Places,
    SecretFiles,
    Unusable,
    cleaned,
    fingerprint,
    holds_secret,
    in_our_words,
    secret_texts,
    text_fault,
)

# What is empty is as if it were not there: that is how compose files and .env templates leave out.
ENV_FILE = ".env"  # in the working directory
_SOURCE = SettingsConfigDict(
    env_file=ENV_FILE,
    env_file_encoding="utf-8-sig",  # some editors put a mark before it
    env_ignore_empty=True,
    extra="ignore",
    frozen=True,
)
# Each may also be given as NAME_FILE, or as a file of CREDENTIALS_DIRECTORY: an address may hold a
# password or a key. Not AUDIT_STREAM: syslog knows neither, and AUDIT_STREAM_FILE would be misread.
SECRETS = (
    "slack_bot_token", "slack_app_token", "slack_signing_secret", "credential_keys", "database_url",
    "dbc_client_urls", "chain_rpc_urls", "slack_api_url", "otel_exporter_otlp_endpoint",
    "otel_exporter_otlp_headers",
)  # fmt: skip
_NO_FILE = ("", ":memory:")
SLACK = "https://slack.com/api/"
_DATABASES = (
    "sqlite+aiosqlite:///data/dbc-bot.db (a file; four slashes for an absolute path) or "
    "postgresql+asyncpg://user:password@host/name"
)
# What to set, where "not set" is all that would be said.
_NEEDED = {
    "slack_bot_token": "it is not set. It begins with xoxb- and stands under OAuth & Permissions "
    "at api.slack.com/apps",
}
_CHOICES = {
    "log_format": ("console", "json"),
    "log_level": ("debug", "info", "warning", "error"),
}


class _Sourced(BaseSettings):
    """Settings from the environment, `.env` and files of secrets, whatever stands around them."""

    model_config = _SOURCE

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Put the files of secrets first: what is wrong with one of them must be said."""
        secret = tuple(name for name in SECRETS if name in settings_cls.model_fields)
        files = SecretFiles(settings_cls, secret, (env_settings, dotenv_settings))
        return init_settings, files, env_settings, dotenv_settings, file_secret_settings

    @model_validator(mode="before")
    @classmethod
    def _without_quotes(cls, given: dict[str, object]) -> dict[str, object]:
        return cleaned(given)

    @field_validator("*", mode="before")
    @classmethod
    def _is_usable(cls, value: object) -> object:
        if fault := value.why if isinstance(value, Unusable) else text_fault(value):
            raise ValueError(fault)
        return value


class DatabaseSettings(_Sourced):
    """What those need who only look into the database."""

    database_url: str = Field(
        default="sqlite+aiosqlite:///data/dbc-bot.db",
        repr=False,
        description="SQLite or PostgreSQL",
    )

    @field_validator("database_url")
    @classmethod
    def _is_database(cls, value: str) -> str:
        kind, mark, rest = value.strip().partition("://")
        if not mark or kind.partition("+")[0] not in {"sqlite", "postgres", "postgresql"}:
            raise ValueError(f"it is not the URL of a database. Give {_DATABASES}")
        if kind.startswith("sqlite") and (not rest.startswith("/") or rest.strip("/") in _NO_FILE):
            raise ValueError(f"it names no file. Give {_DATABASES}")
        return value.strip()

    @cached_property
    def sqlite_file(self) -> Path | None:
        """The database's file; None with PostgreSQL."""
        kind, _, rest = self.database_url.partition("://")
        named = rest.partition("?")[0].removeprefix("/")
        return Path(named) if kind.startswith("sqlite") else None

    @cached_property
    def database_id(self) -> str:
        """By what the health port, the check and the doctor know whether a bot is on this one."""
        return fingerprint(self.database_url, self.sqlite_file)

    @property
    def database_kind(self) -> str:
        """What people call this kind of database."""
        return "PostgreSQL" if self.sqlite_file is None else "SQLite"


class KeySettings(DatabaseSettings):
    """What those need who open what is encrypted."""

    credential_keys: Annotated[tuple[SecretStr, ...], NoDecode] = Field(
        default=(),
        validate_default=True,
        description="Fernet keys, newest first, comma separated; by default made on first start "
        "beside the SQLite file, mode 0600",
    )

    @field_validator("credential_keys", mode="before")
    @classmethod
    def _are_listed_keys(cls, value: object) -> object:
        return _split(value)

    @field_validator("credential_keys")
    @classmethod
    def _are_keys(cls, value: tuple[SecretStr, ...], info: ValidationInfo) -> tuple[SecretStr, ...]:
        for number, key in enumerate(value, start=1):
            try:
                Fernet(key.get_secret_value())
            except ValueError:
                raise ValueError(
                    f"number {number} of {len(value)} is not a Fernet key: 44 characters; "
                    "python -m bot keys new prints one"
                ) from None
        if not value and not info.data.get("database_url", "sqlite").startswith("sqlite"):
            raise ValueError(
                "it is not set. With PostgreSQL it is needed, the same for all replicas. A "
                "database that was in use before, or is copied from a SQLite file, needs the keys "
                "that it was used with (credential.key beside that file has one on each line); for "
                "a new one, python -m bot keys new prints a key"
            )
        return value


class PolicySettings(_Sourced):
    """What those need who only read the rules."""

    policy_file: Path | None = Field(
        default=None, description="Rules about who may do what; without it, sensible defaults"
    )


class HealthSettings(_Sourced):
    """What those need who only ask how the bot is."""

    health_host: str = Field(
        default="127.0.0.1", description="Address of /healthz, /readyz and /metrics"
    )
    health_port: int = Field(
        default=0, ge=0, le=65535, description="Port of /healthz, /readyz and /metrics; 0: none"
    )

    @field_validator("http_host", "health_host", check_fields=False)
    @classmethod
    def _is_host(cls, value: str) -> str:
        if not re.fullmatch(r"[\w.:-]+", value):
            raise ValueError("it is not an address to listen on, like 127.0.0.1 or 0.0.0.0")
        return value

    @field_validator("http_port", "health_port", mode="before", check_fields=False)
    @classmethod
    def _is_port(cls, value: object) -> object:
        if not re.fullmatch(r"\d{1,5}", str(value), re.ASCII) or int(str(value)) > 65535:
            raise ValueError("it is not a port: give a number from 0 to 65535")
        return value


class TraceSettings(_Sourced):
    """Where traces go. OpenTelemetry reads its other variables from the environment itself."""

    otel_exporter_otlp_endpoint: str = Field(
        default="",
        repr=False,
        description="Where OpenTelemetry traces are sent by OTLP over HTTP; empty: nowhere",
    )
    otel_exporter_otlp_headers: SecretStr | None = Field(
        default=None, description="What is sent along, as `name=value,name=value`"
    )

    @field_validator("otel_exporter_otlp_endpoint")
    @classmethod
    def _is_endpoint(cls, value: str) -> str:
        value = value.strip()
        if value and (not is_address(value) or urlsplit(value).username is not None):
            raise ValueError("it is not an address like http://collector:4318")
        return value

    @property
    def otel_secrets(self) -> tuple[str, ...]:
        """What the headers hold: all of it, each value, and each without its `Bearer`."""
        given = self.otel_exporter_otlp_headers
        text = given.get_secret_value() if given else ""
        values = [unquote(one.partition("=")[2]).strip() for one in text.split(",")]
        tokens = [value.rpartition(" ")[2] for value in values]
        return tuple(one for one in (text, *values, *tokens) if one)


def places() -> Places:
    """Where the secrets are that files hold, whichever settings are wanted."""
    try:
        sources = EnvSettingsSource(_Sourced), DotEnvSettingsSource(_Sourced)
    except (OSError, UnicodeDecodeError):  # no text, or not ours to read: that is said elsewhere
        return Places({})
    return SecretFiles(_Sourced, SECRETS, sources).places()


def secrets_in_env_file() -> list[str]:
    """Which secrets stand in `.env` itself: the names of their settings.

    Addresses are none without a password or key. Raises OSError or UnicodeDecodeError where it
    cannot be read.
    """
    given = DotEnvSettingsSource(_Sourced).env_vars
    return [
        name.upper() for name in SECRETS if (value := given.get(name)) and holds_secret(name, value)
    ]


class Settings(KeySettings, PolicySettings, HealthSettings, TraceSettings):
    """Everything that can be set. Field names in capitals are the names in the environment."""

    slack_bot_token: SecretStr = Field(description="Bot token, xoxb-…")
    slack_app_token: SecretStr | None = Field(
        default=None, description="App-level token, xapp-…: Socket Mode, no public address needed"
    )
    slack_signing_secret: SecretStr | None = Field(
        default=None,
        validate_default=True,
        description="Signing secret: HTTP mode, when there is no app-level token",
    )
    slack_api_url: str = Field(
        default=SLACK,
        repr=False,
        description="Base of Slack's Web API; every Slack call, Socket Mode's included, goes there",
    )
    slack_blocks: Literal["auto", "classic"] = Field(
        default="auto",
        description="auto: some lists are tables where the workspace takes them; classic: lines",
    )
    slash_command: str = Field(default="/dbc", description="The slash command's name")
    language: Literal["en", "zh"] = Field(
        default="en",
        description="Language of channels, and of people whose Slack language is another one",
    )
    http_host: str = Field(default="127.0.0.1", description="HTTP mode: address to listen on")
    http_port: int = Field(default=3000, ge=0, le=65535, description="HTTP mode: port to listen on")
    dbc_client_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=("http://127.0.0.1:5050",),
        repr=False,
        description="DBC client daemons, comma separated: reads fail over, a change goes to one",
    )
    chain_rpc_urls: Annotated[tuple[str, ...], NoDecode] = Field(
        default=(),
        repr=False,
        description="JSON-RPC addresses of DeepBrain Chain, comma separated: rentals are then read "
        "from the chain, and compared where there are several; without any, from the GPU nodes",
    )
    keep_days: int = Field(
        default=90,
        ge=1,
        le=3650,
        description="Days after which what has ended leaves no messages, clicks and watches",
    )
    audit_stream: str = Field(
        default="",
        repr=False,
        description="Where each row of the audit is passed on as a line of JSON: a file, or "
        "syslog+tcp://host:514 or syslog+udp://host:514; empty: nowhere",
    )
    log_format: Literal["console", "json"] = Field(
        default="console", description="Shape of the log"
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least severity that is logged"
    )
    _places: Places = PrivateAttr(default_factory=places)

    @field_validator("http_port")
    @classmethod
    def _is_its_own(cls, value: int, info: ValidationInfo) -> int:
        is_http = info.data.get("slack_app_token", "faulty") is None
        if value and is_http and value == info.data.get("health_port"):
            raise ValueError("HEALTH_PORT is the same port. Set it to another one, or leave it out")
        return value

    @field_validator("slack_bot_token", "slack_app_token")
    @classmethod
    def _is_token(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None:
            return None
        token, kind = value.get_secret_value().strip(), "xoxb-"
        if info.field_name == "slack_app_token":
            kind = "xapp-"
        if not re.fullmatch(rf"(?:xoxe\.)?{kind}[\w-]+", token, re.ASCII):
            raise ValueError(f"it is not a token of this kind, which begins with {kind}")
        return SecretStr(token)

    @field_validator("slack_signing_secret")
    @classmethod
    def _is_a_way_in(cls, value: SecretStr | None, info: ValidationInfo) -> SecretStr | None:
        if value is None and info.data.get("slack_app_token", "faulty") is None:
            raise ValueError(
                "neither it (HTTP mode) nor SLACK_APP_TOKEN (Socket Mode, no public address "
                "needed) is set. One of them is needed"
            )
        return value

    @field_validator("dbc_client_urls", "chain_rpc_urls", mode="before")
    @classmethod
    def _are_listed(cls, value: object) -> object:
        return _split(value)

    @field_validator("dbc_client_urls")
    @classmethod
    def _are_addresses(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if not value:
            raise ValueError("name at least one DBC client daemon, like http://127.0.0.1:5050")
        urls = tuple(without_version(url) for url in value)
        wrong = [number for number, url in enumerate(urls, start=1) if not is_daemon(url)]
        if wrong:
            raise ValueError(
                f"{wrong_among(wrong, len(urls))} like http://127.0.0.1:5050, with nothing behind "
                "/api/v1"
            )
        return urls

    @field_validator("chain_rpc_urls")
    @classmethod
    def _are_of_the_chain(cls, value: tuple[str, ...]) -> tuple[str, ...]:
        if wrong := [number for number, url in enumerate(value, start=1) if not is_address(url)]:
            raise ValueError(f"{wrong_among(wrong, len(value))} like https://rpc.example.org")
        return tuple(dict.fromkeys(value))  # one that is named twice would agree with itself

    @field_validator("audit_stream")
    @classmethod
    def _is_sink(cls, value: str) -> str:
        scheme, mark, _ = value.strip().partition("://")
        parts = urlsplit(value.strip()) if mark else None
        if parts is not None and (
            scheme not in {"syslog+tcp", "syslog+udp"} or not is_host(parts.hostname or "")
            or not parts.hostname or parts.path.strip("/")
        ):  # fmt: skip
            raise ValueError("it is neither a file nor an address like syslog+tcp://siem:514")
        return value.strip()

    @field_validator("slack_api_url")
    @classmethod
    def _ends_with_slash(cls, value: str) -> str:
        if not is_address(value):
            raise ValueError("it is not an address like https://slack.com/api/")
        return value if value.endswith("/") else value + "/"

    @field_validator("slash_command")
    @classmethod
    def _is_command(cls, value: str) -> str:
        if not re.fullmatch(r"/[^\s/A-Z]{1,31}", value):
            raise ValueError("it is not a slash command like /dbc: small letters, no spaces")
        return value

    @field_validator("keep_days", mode="before")
    @classmethod
    def _is_days(cls, value: object) -> object:
        if not re.fullmatch(r"\d{1,4}", str(value), re.ASCII) or not 1 <= int(str(value)) <= 3650:
            raise ValueError("it is no number of days: give one from 1 to 3650")
        return value

    @field_validator("language", mode="before")
    @classmethod
    def _is_language(cls, value: object) -> object:
        # Systems have this name too, for gettext: `de_DE:de` is no fault, only not spoken here.
        if locales := locales_in(str(value)):
            return next((known for one in locales if (known := language_of(one))), "en")
        raise ValueError("it is no language that the bot speaks. Give en (English) or zh (Chinese)")

    @field_validator("log_format", "log_level", mode="before")
    @classmethod
    def _is_choice(cls, value: object, info: ValidationInfo) -> object:
        choices = _CHOICES[info.field_name or ""]
        if str(value).lower() not in choices:
            raise ValueError(f"give one of {', '.join(choices)}")
        return str(value).lower()

    @property
    def places(self) -> Places:
        """Where the secrets were that files held when these settings were read."""
        return self._places

    @cached_property
    def secrets(self) -> tuple[str, ...]:
        """All that must never be shown."""
        known = secret_texts(getattr(self, name) for name in type(self).model_fields)
        password = urlsplit(self.database_url).password
        held_by_url = [password, unquote(password)] if password else []
        return (*known, *held_by_url, *self.address_secrets, *self.otel_secrets)

    @cached_property
    def address_secrets(self) -> tuple[str, ...]:
        """What other addresses hold beyond their hosts, also the proxies of the environment."""
        own = (self.slack_api_url, self.otel_exporter_otlp_endpoint, self.audit_stream)
        urls = [*self.chain_rpc_urls, *self.dbc_client_urls, *own, *getproxies().values()]
        return tuple(key for url in urls if "://" in url for key in keys_in(url))

    @cached_property
    def described(self) -> dict[str, str]:
        """What the log says of the settings at the start; nothing of it is secret."""
        told = {
            "mode": "socket" if self.uses_socket_mode else "http",
            "slack": place_of(self.slack_api_url),
            "daemons": ", ".join(places_of(self.dbc_client_urls)),
            "chain_nodes": str(len(self.chain_rpc_urls)),
            "database": str(
                self.sqlite_file or urlsplit(self.database_url).hostname or "a local socket"
            ),
            "rules": str(self.policy_file or "the defaults"),
            "slash_command": self.slash_command,
            "language": self.language,
            "keep_days": str(self.keep_days),
        }
        if self.health_port:
            told["health"] = f"{self.health_host}:{self.health_port}"
        return told

    @cached_property
    def uses_socket_mode(self) -> bool:
        """Socket Mode wins when both ways are configured."""
        return self.slack_app_token is not None


def faults_of(error: ValidationError) -> list[str]:
    """What is wrong with each setting, and where it is; never a value, which may be a secret."""
    lines, known = [], places()
    for fault in error.errors(include_input=False, include_url=False, include_context=False):
        name = str(fault["loc"][0]) if fault["loc"] else ""
        is_missing = fault["type"] == "missing"
        said = _NEEDED.get(name, "it is not set") if is_missing else in_our_words(fault["msg"])
        lines.append(known.told(f"{name.upper()}: {said}."))
    return lines


def _split(value: object) -> object:
    # A file may have one on each line.
    return tuple(re.findall(r"[^\s,]+", value)) if isinstance(value, str) else value
