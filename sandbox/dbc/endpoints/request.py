"""A request as it reaches a node, and the ways a node words its reply.

Source: docs/dbc-api.md §1.5. Knows nothing of HTTP.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from enum import Enum

from sandbox.dbc.authority import Credentials, Granted
from sandbox.dbc.images import ImageServer
from sandbox.dbc.resources import Refusal, TightRefusal
from sandbox.dbc.values import Json
from sandbox.dbc.world import World


@dataclass
class NodeRequest:
    """What the daemon forwards: operation, parameters, credentials and the words of the path."""

    world: World
    op: str
    node_id: str
    additional: Json = field(default_factory=dict)
    credentials: Credentials = field(default_factory=Credentials)
    name: str = ""  # task id, network name or machine id of the path
    detail: str = ""  # snapshot name of the path
    image_server: ImageServer | None = None
    force: bool = False
    from_head: bool = False
    lines: int = 100
    granted: Granted | None = None

    @property
    def wallet(self) -> str:
        """The authorised caller's wallet; empty where nobody was asked."""
        return self.granted.wallet if self.granted is not None else ""


class Access(Enum):
    """Who may call an operation."""

    NOBODY_ASKED = "none"
    OPTIONAL = "optional"  # credentials widen the answer
    ANY = "any"  # renter or verifier
    RENTER = "renter"


class ProcessDied(Exception):
    """A request that kills the node's process (§1.8); nobody answers it."""


Answer = Callable[[NodeRequest], str]


def error(text: str, code: int = -3) -> str:
    """The node's usual error, with a blank before `"message"`."""
    return f'{{"errcode":{code}, "message":"{text}"}}'


def refusal_text(refusal: Refusal) -> str:
    """A refusal as the node words it."""
    blank = "" if isinstance(refusal, TightRefusal) else " "
    return f'{{"errcode":{refusal.code},{blank}"message":"{refusal.text}"}}'


def ok(payload: str = '"ok"') -> str:
    """The usual success around a payload that is JSON already."""
    return f'{{"errcode":0, "message":{payload}}}'


def tight_ok(payload: str = '"ok"') -> str:
    """The same in the layout of disk, snapshot and progress calls."""
    return f'{{"errcode":0,"message":{payload}}}'


def quoted(texts: list[str]) -> str:
    """A JSON array of texts, pasted without escaping."""
    return "[" + ",".join(f'"{text}"' for text in texts) + "]"
