"""The base of everything that is sent: frozen, checked, and free of secrets in its `repr`."""

from typing import Annotated, Any, Self

from pydantic import (
    BaseModel,
    BeforeValidator,
    ConfigDict,
    ModelWrapValidatorHandler,
    ValidationError,
    model_validator,
)
from pydantic_core import ErrorDetails

from bot.dbc import fields
from bot.dbc.errors import InvalidField, InvalidFields
from bot.reply import say


class Input(BaseModel):
    """A value that goes to DBC. Making one that DBC would misread raises InvalidField.

    Where several of its fields are wrong, it raises InvalidFields, with each.
    """

    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)

    @model_validator(mode="wrap")
    @classmethod
    def _as_invalid_field(cls, data: Any, handler: ModelWrapValidatorHandler[Self]) -> Self:
        if not isinstance(data, dict):  # made already: one of several kinds may be right
            return handler(data)
        try:
            return handler(data)
        except ValidationError as error:
            each = [_refusal(one) for one in error.errors(include_input=False, include_url=False)]
        # Outside of the handler: pydantic's error must not travel along, it knows the values.
        found = {one.field: one for one in reversed(each)}
        first, *others = (found[field] for field in dict.fromkeys(one.field for one in each))
        raise InvalidFields([first, *others]) if others else first


def _refusal(error: ErrorDetails) -> InvalidField:
    """What is wrong with one field, as its own check says it, or pydantic."""
    refusal = error.get("ctx", {}).get(fields.REFUSAL)
    if isinstance(refusal, InvalidField):
        return refusal
    field = ".".join(str(part) for part in error["loc"][:1])
    problem = say("{field}: {problem}.", field=field, problem=error["msg"].lower())
    if not field:
        problem = say("The request: {problem}.", problem=error["msg"].lower())
    return InvalidField(problem, field=field)


def _whole_number(value: object) -> object:
    if isinstance(value, bool | float):
        raise ValueError("must be a whole number")  # noqa: TRY004 - pydantic listens to ValueError
    return value


Whole = Annotated[int, BeforeValidator(_whole_number)]
Count = Annotated[Whole, fields.checked(fields.count)]
Positive = Annotated[Whole, fields.checked(fields.positive)]
Port = Annotated[Whole, fields.checked(fields.port)]
VncPort = Annotated[Whole, fields.checked(fields.vnc_port)]
