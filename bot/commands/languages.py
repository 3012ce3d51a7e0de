"""In which language people and channels read."""

from typing import Annotated

from bot.commands import notifications
from bot.commands.here import require_chooser
from bot.language.kind import Arg
from bot.language.kinds import CHOICE
from bot.language.table import Command, Group
from bot.messages import setting_buttons
from bot.messages.facts import FactKind
from bot.model import Effect
from bot.pipeline.context import Context
from bot.pipeline.formatting import said_audiences
from bot.ports import PersonInfo
from bot.reply import Button, Language, Line, Reply, Text, command, language_of, line, say

_CHOICES = ("zh", "en", "auto")
_LABELS = (say("Chinese"), say("English"))
_FOR_PERSON, _FOR_CHANNEL = say("As in Slack"), say("As the site")

Wanted = Annotated[
    str,
    Arg(
        say("Language"), CHOICE, "", "zh",
        choices=_CHOICES, labels=(*_LABELS, _FOR_PERSON),
    ),
]  # fmt: skip
ForChannel = Annotated[
    str,
    Arg(
        say("Language"), CHOICE, "", "zh",
        choices=_CHOICES, labels=(*_LABELS, _FOR_CHANNEL),
    ),
]  # fmt: skip


def spoken(language: str) -> Text:
    """What a language is called."""
    match language_of(language):
        case "zh":
            return say("Chinese")
        case "en":
            return say("English")
    return say("automatic")


def shown_to(ctx: Context, person: PersonInfo) -> list[tuple[Text, Line]]:
    """Which language somebody reads here, why, and how to change it."""
    languages = ctx.services.languages
    said = language_of(person.locale)
    if languages.chosen("person", person.id):
        why = say("chosen by you")
    elif said:
        why = say("as set in Slack")
    else:
        why = say("the site's; I do not speak your Slack's ({locale})", locale=person.locale)
    pairs = [_choice(say("Language"), languages.language(person.id), why, "language")]
    channel = ctx.place.channel
    if languages.person_in(channel) is None and not channel.startswith("D"):
        chosen = languages.chosen("channel", channel)
        why = say("chosen in this channel") if chosen else say("the site's")
        now = languages.language(channel)
        pairs.append(_choice(say("This channel's language"), now, why, "channel-language"))
    return pairs


def _choice(label: Text, now: Language, why: Text, setting: str) -> tuple[Text, Line]:
    other = "en" if now == "zh" else "zh"
    told = say("{language} ({why})", language=spoken(now), why=why)
    return label, line(told, "\n", command(f"settings {setting} {other}"))


def to_choose(setting: str) -> tuple[Button, ...]:
    """What can be chosen, for the person or, as `channel-language`, for the channel."""
    automatic = _FOR_PERSON if setting == "language" else _FOR_CHANNEL
    labels = zip(_CHOICES, (*_LABELS, automatic), strict=True)
    return setting_buttons.choices(f"settings.{setting}", "language", labels)


async def own(ctx: Context, language: Wanted) -> Reply:
    """Choose the language in which you read what only you see."""
    languages = ctx.services.languages
    await languages.choose("person", ctx.actor, language_of(language))
    told = say("Your language is now {language}.", language=spoken(languages.language(ctx.actor)))
    return Reply.of(told, private=True, data={"language": languages.language(ctx.actor)})


async def channels(ctx: Context, language: ForChannel) -> Reply:
    """Choose the language of what stands in this channel."""
    services = ctx.services
    await require_chooser(ctx, "language", language)
    await services.languages.choose("channel", ctx.place.channel, language_of(language))
    now = services.languages.language(ctx.place.channel)
    told = say("This channel's language is now {language}.", language=spoken(now))
    return Reply.of(told, data={"language": now})


_CHANNEL = {"channel": FactKind(say("Channel"), said=said_audiences)}


async def _where(ctx: Context, **_given: object) -> dict[str, str]:
    """The channel whose language is chosen."""
    return {"channel": ctx.place.channel}


GROUP = Group(
    "settings",
    say("Languages, notifications; your settings without a word behind it"),
    (
        Command(
            "language",
            own,
            Effect.CHANGE,
            "settings language zh",
            chinese="语言",
            does=say("Choose a language"),
            asks=say("Change the requester's language to {language}"),
            is_personal=True,
        ),
        Command(
            "channel-language",
            channels,
            Effect.CHANGE,
            "settings channel-language zh",
            chinese="频道语言",
            does=say("Choose a language"),
            asks=say("Change this channel's language to {language}"),
            shows=_where,
            facts=_CHANNEL,
        ),
        *notifications.COMMANDS,
    ),
)
