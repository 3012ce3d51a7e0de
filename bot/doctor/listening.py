"""The doctor's look at the ports of this machine: whether the bot has them, or could have them."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

import aiohttp

from bot.addresses import reached_at
from bot.causes import cause
from bot.config import Settings
from bot.health import DATABASE, DATABASE_KIND
from bot.monitoring.findings import Finding, Findings, fault, ok, warning
from bot.monitoring.port import NAMED
from bot.reply import Text, say, sentences
from storage import is_claimed

_PATIENCE = timedelta(seconds=3)
_ABOUT = {"HEALTH": say("health port"), "HTTP": say("HTTP port")}
_NOT_ASKED = say("No HEALTH_PORT is set: the running bot is not asked.")
_MAY_BE_ELSEWHERE = say(
    "Where its unit or container sets HEALTH_PORT and DATABASE_URL, run this with both."
)
_NOT_SERVED = say("No HEALTH_PORT is set: the running bot is asked at its HTTP port.")


@dataclass(frozen=True, slots=True)
class _Answer:
    is_bot: bool
    status: int = 0
    lines: tuple[str, ...] = ()
    database: str = ""  # which it is on; a bot of before the last update does not say it
    kind: str = ""  # of that database


async def listening(settings: Settings) -> Findings:
    """What answers at each port that these settings name, for whoever sits at the machine."""
    ports = {"HEALTH": (settings.health_host, settings.health_port)}
    if not settings.uses_socket_mode:
        ports["HTTP"] = settings.http_host, settings.http_port
    file = settings.sqlite_file
    is_running = None if file is None else is_claimed(file)
    is_told = False
    if not settings.health_port:
        told = _NOT_ASKED if settings.uses_socket_mode else _NOT_SERVED
        is_elsewhere = is_running is False and "database_url" not in settings.model_fields_set
        yield ok(_ABOUT["HEALTH"], sentences((told, _MAY_BE_ELSEWHERE if is_elsewhere else "")))
    for setting, (host, port) in _given(ports):
        answer = await _asked(host, port)
        if answer is None:
            yield _unanswered(setting, host, port, is_running=is_running)
        elif not answer.is_bot:
            yield _taken(setting, f"{host}:{port}", port)
        else:
            is_ours = is_running is not False and answer.database in {"", settings.database_id}
            is_given = "database_url" in settings.model_fields_set
            where = f"{host}:{port}"
            yield (
                _met(setting, where)
                if is_ours
                else _other(setting, where, answer, is_given=is_given)
            )
            if is_told or (is_given and not is_ours):
                continue
            is_told = True
            for one in _readiness(answer):
                yield one


async def is_any_bot_there(settings: Settings) -> bool:
    """Whether a bot answers at a port that these settings name, whatever database it is on."""
    answer = None
    if settings.health_port:
        answer = await _asked(settings.health_host, settings.health_port)
    return answer is not None and answer.is_bot


def _met(setting: str, where: str) -> Finding:
    return ok(_ABOUT[setting], say("The bot answers at {where}.", where=where))


def _other(setting: str, where: str, answer: _Answer, *, is_given: bool) -> Finding:
    """What to say of a bot on another database than these settings name.

    Where they name none, it is the one that is meant: its unit or container sets what a shell has
    not.
    """
    if is_given:
        told = say("Another bot answers at {where}, not one on this database.", where=where)
        return fault(_ABOUT[setting], told, _elsewhere(setting))
    told = say("The bot that answers at {where} is on another database ({kind}).",
        where=where, kind=answer.kind or "?")  # fmt: skip
    return warning(_ABOUT[setting], told, say(
        "{setting} is not set here, so what is said of the database is not about that bot. Run "
        "this with the settings of its unit or container.",
        setting="DATABASE_URL",
    ))  # fmt: skip


def _given(ports: Mapping[str, tuple[str, int]]) -> list[tuple[str, tuple[str, int]]]:
    """Where something is served: no port is 0 there."""
    return [(setting, place) for setting, place in ports.items() if place[1]]


def _readiness(answer: _Answer) -> list[Finding]:
    """What the bot that runs says of itself."""
    about = say("running bot")
    if answer.status == 200:
        return [warning(about, one) for one in answer.lines[1:]] or [ok(about, say("It is ready."))]
    return [fault(about, one) for one in answer.lines]


async def _asked(host: str, port: int) -> _Answer | None:
    """What /readyz answers there; None where nobody listens."""
    address = reached_at(host)
    where = f"[{address}]" if ":" in address else address
    seconds = _PATIENCE.total_seconds()
    limit = aiohttp.ClientTimeout(total=2 * seconds, sock_connect=seconds)
    try:
        async with (
            aiohttp.ClientSession(timeout=limit) as http,
            http.get(f"http://{where}:{port}/readyz", allow_redirects=False) as answer,
        ):
            if answer.headers.get("Server") != NAMED["Server"]:
                return _Answer(is_bot=False)
            lines = tuple((await answer.text()).splitlines())
            return _Answer(is_bot=True, status=answer.status, lines=lines,
                database=answer.headers.get(DATABASE, ""),
                kind=answer.headers.get(DATABASE_KIND, ""))  # fmt: skip
    except (aiohttp.ClientConnectorError, aiohttp.ConnectionTimeoutError, aiohttp.InvalidURL):
        return None  # what is no address, nobody listens at: the look for a free port tells it
    except (aiohttp.ClientError, TimeoutError, ValueError):  # what answers is no web server
        return _Answer(is_bot=False)


def _unanswered(setting: str, host: str, port: int, *, is_running: bool | None) -> Finding:
    where = f"{host}:{port}"
    if is_running:
        told = say("The bot that runs does not answer at {where}.", where=where)
        return warning(_ABOUT[setting], told, say(
            "Was it started with these settings? Restart it, or set {host} and {port}.",
            host=f"{setting}_HOST", port=f"{setting}_PORT",
        ))  # fmt: skip
    if why := _why_not(host, port):
        told = say("The bot cannot listen on {where}: {why}.", where=where, why=why)
        return fault(_ABOUT[setting], told, _elsewhere(setting))
    return ok(_ABOUT[setting], say("Nothing answers at {where}, which is free.", where=where))


def _why_not(host: str, port: int) -> Text:
    """Why the bot could not listen there; nothing where it could. Lets nobody connect."""
    try:
        family, kind, protocol, _, address = socket.getaddrinfo(
            host, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        with socket.socket(family, kind, protocol) as one:
            one.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            one.bind(address)
    except OSError as error:
        return cause(error)
    return ""


def _taken(setting: str, where: str, port: int) -> Finding:
    told = say("Something that is not the bot answers at {where}.", where=where)
    who = say("Stop it ({command} shows what it is), or set {setting} to a free port.",
        command=f"ss -ltnp sport = :{port}", setting=f"{setting}_PORT")  # fmt: skip
    return fault(_ABOUT[setting], told, who)


def _elsewhere(setting: str) -> Text:
    return say("Set {host} and {port}.", host=f"{setting}_HOST", port=f"{setting}_PORT")
