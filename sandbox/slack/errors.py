"""How the sandbox refuses: with Slack's own error strings."""

from typing import Any

Json = dict[str, Any]


class SlackError(Exception):
    """An answer with `ok: false`. `details` are further keys of the answer, as Slack sends them."""

    def __init__(self, error: str, **details: Any) -> None:
        super().__init__(error)
        self.error = error
        self.details = details

    def body(self) -> Json:
        """The JSON body of the answer."""
        return {"ok": False, "error": self.error, **self.details}


class CannotDo(Exception):
    """What a person tried cannot be done in Slack's client; the message says why.

    The page knows some templates in other languages, and fills in what is `given`.
    """

    def __init__(self, template: str, **given: str) -> None:
        super().__init__(template.format(**given) if given else template)
        self.template = template
        self.given = given


def malformed(error: str, problems: list[str]) -> SlackError:
    """A refusal that lists what is wrong, each with its JSON pointer, the way Slack words it."""
    return SlackError(
        error,
        errors=problems,
        response_metadata={"messages": [f"[ERROR] {problem}" for problem in problems]},
    )
