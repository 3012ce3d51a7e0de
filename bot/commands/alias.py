"""Aliases: one's own short words for long lines."""

import re
from collections.abc import Mapping
from typing import Annotated

from bot.commands.nicknames import looks_odd
from bot.errors import NotFound, Refused
from bot.folding import fold
from bot.ids import UserId
from bot.language.alias import alias_called
from bot.language.kind import WORD, Arg
from bot.language.kinds import ALIAS, LINE
from bot.language.parse import refuse_secrets
from bot.language.table import Command, Group
from bot.language.text import clean, is_quoted, words
from bot.messages.facts import FactKind
from bot.model import Effect, Place
from bot.pipeline.context import Context, Services
from bot.reply import Column, Note, Reply, Row, Rows, bold, code, command, line, say

_NAME = re.compile(r"[\w.-]{1,30}")
_LONGEST = 500  # characters

Name = Annotated[str, Arg(say("Alias"), WORD, say("The short word"), "r", narrow=True)]
Known = Annotated[str, Arg(say("Alias"), ALIAS, say("The short word"), "r", narrow=True)]
Body = Annotated[
    str,
    Arg(
        say("Line"),
        LINE,
        say("What it stands for; $1 … $9 and $* are the words behind the alias"),
        "vm restart $1 force",
        word="line",
    ),
]


def _definition(alias: str, body: str) -> tuple[str, str]:
    """`r = vm restart` says the same as `r vm restart`."""
    line = clean(body).strip().removeprefix("=").strip()
    whole = words(line)
    is_one = len(whole) == 1 and is_quoted(whole[0])
    return fold(alias), str(whole[0]).strip() if is_one else line


def _check(values: Mapping[str, str]) -> None:
    name, body = _definition(values["alias"], values["body"])
    if not _NAME.fullmatch(name):
        raise Refused(say("An alias has letters, digits, “.”, “_” and “-”."), field="alias")
    if told := looks_odd(name):
        raise Refused(told, hint=say("Choose another word."), field="alias")
    if not body:
        raise Refused(say("Say what it stands for."), field="body")
    if len(body) > _LONGEST:
        raise Refused(
            say("That is longer than {longest} characters.", longest=_LONGEST), field="body"
        )


async def _verify(services: Services, user: UserId, values: Mapping[str, str]) -> None:
    """What is typed here is kept and recorded as it stands, so no secret may be in it."""
    _, body = _definition(values["alias"], values["body"])
    aliases = services.aliases.of(user)
    refuse_secrets(services.table, body, services.slash_command, aliases)


async def add(ctx: Context, alias: Name, body: Body) -> Reply:
    """Add an alias: a short word of yours for a whole line."""
    name, stands_for = _definition(alias, body)
    table = ctx.services.table
    if table.group(name) or table.find("", name) or table.alone(name):
        raise Refused(
            say("“{name}” is a command already.", name=name),
            hint=say("Choose another word."),
            field="alias",
        )
    await ctx.services.aliases.add(ctx.actor, name, stands_for)
    return Reply.of(
        say(
            "For you, {alias} now means {stands_for}. It may do no more than you may.",
            alias=code(f"{ctx.services.slash_command} {name}"),
            stands_for=code(stands_for),
        ),
        private=True,
    )


async def list_aliases(ctx: Context) -> Reply:
    """List your aliases."""
    known = ctx.services.aliases.of(ctx.actor)
    example = Note(
        line(say("Add one: {command}", command=command("alias add r = vm restart $1 force")))
    )
    if not known:
        return Reply.empty(say("You have no aliases."), private=True).also(example)
    rows = [
        Row(
            line(say("{alias} stands for {line}", alias=code(name), line=code(body))),
            {"alias": name, "stands_for": body},
            cells=(line(code(name)), line(code(body))),
        )
        for name, body in known.items()
    ]
    told = say("Your aliases")
    columns = (Column(say("Alias")), Column(say("Stands for"), is_long=True))
    shown = Rows(tuple(rows), line(bold(told)), columns=columns)
    return Reply(told, (shown, example), private=True)


async def _some_kept(services: Services, user: UserId, _place: Place) -> None:
    """Raise NotFound for who has no alias."""
    if not services.aliases.of(user):
        raise NotFound(say("You have no aliases."))


async def remove(ctx: Context, alias: Known) -> Reply:
    """Remove one of your aliases."""
    name = alias_called(alias, ctx.services.aliases.of(ctx.actor)) or alias
    await ctx.services.aliases.remove(ctx.actor, name)
    return Reply.of(say("The alias {alias} is gone.", alias=code(name)), private=True)


async def _meant_now(ctx: Context, alias: str, **_body: object) -> Mapping[str, str]:
    """What it stands for so far."""
    known = ctx.services.aliases.of(ctx.actor)
    return {"meant": known.get(alias_called(alias, known) or "", "")}


_MEANT = {"meant": FactKind(say("Stands for so far"), called=say("what it stands for"))}

GROUP = Group(
    "alias",
    say("Your own short words for long lines"),
    (
        Command(
            "list", list_aliases, example="alias list", synonyms=("ls",),
            chinese="列表 列出",
            does=say("List aliases"),
        ),
        Command(
            "add", add, Effect.CHANGE, "alias add r = vm restart $1 force",
            check=_check, verify=_verify,
            shows=_meant_now, facts=_MEANT, asks=say("Let {alias} stand for “{body}”"),
            loses=say("An alias of yours of that name is replaced."),
            chinese="添加",
            does=say("Add an alias"),
        ),
        Command(
            "remove", remove, Effect.CHANGE, "alias remove r", synonyms=("rm",),
            opens=_some_kept,
            shows=_meant_now, facts=_MEANT, asks=say("Forget the alias {alias}"),
            loses=say("The alias means nothing any more."),
            chinese="移除 删除",
            does=say("Remove an alias"),
        ),
    ),
)  # fmt: skip
