"""The little languages of ports, multicast groups and network filters, checked before sending.

DBC checks none of them: it drops, misreads, or leaves a machine that cannot be deleted
(docs/dbc-api.md §3.2.1, §4.4, §8.29).
"""

import re

from bot.dbc.errors import InvalidField
from bot.dbc.fields import parse_ipv4
from bot.reply import say

_RANGE = r"(\d{1,5})(?:-(\d{1,5}))?"
_BARE = re.compile(rf"{_RANGE}(?::{_RANGE})?")  # a port, without its protocol
_CUSTOM = re.compile(rf"(?:tcp|udp),{_RANGE}(?::{_RANGE})?")
_PORTS = re.compile(_RANGE)

# What a filter's protocol may say about the port. DBC ignores it for all but tcp and udp, so it
# must be `all` or the very port that the word stands for.
_IMPLIED_PORTS = {
    "all": set[str](),
    "icmp": set[str](),
    "ssh": {"22"},
    "rdp": {"3389"},
    "http": {"80"},
    "https": {"443"},
    "dns(udp)": {"53"},
    "dns(tcp)": {"53"},
}


def custom_port(value: str, field: str = "custom_port") -> str:
    """One forwarded port: `tcp,123`, `tcp,111:222`, `udp,333-444`, `tcp,555-666:777-888`."""
    found = _CUSTOM.fullmatch(value)
    if found is None and _BARE.fullmatch(value):
        told = say("{field} needs the protocol of {port}.", field=field, port=value)
        hint = say("Say tcp,{port} or udp,{port}.", port=value)
        raise InvalidField(told, hint=hint, field=field)
    if found is None:
        raise InvalidField(
            say(
                "{field} has entries such as tcp,123 or udp,111:222 or tcp,333-444 or "
                "tcp,555-666:777-888.",
                field=field,
            ),
            field=field,
        )
    low, high, inner_low, inner_high = found.groups()
    outer = _width(low, high, field)
    if inner_low is not None and (
        _width(inner_low, inner_high, field) != outer or (high is None) != (inner_high is None)
    ):
        raise InvalidField(
            say("{field} must map a range to one of the same length.", field=field), field=field
        )
    return value


def multicast(value: str, field: str = "multicast") -> str:
    """One multicast group, `ip:port`. A host that is no IPv4 address crashes the node (§1.8)."""
    host, _, port = value.partition(":")
    address = parse_ipv4(host)
    if address is None:
        raise InvalidField(
            say(
                "{field} has entries such as 239.0.0.1:5000 (an IPv4 address and a port).",
                field=field,
            ),
            field=field,
        )
    if not address.is_multicast:
        raise InvalidField(
            say("{field} must be from 224.0.0.0 to 239.255.255.255.", field=field), field=field
        )
    if _PORTS.fullmatch(port) is None or "-" in port:
        raise InvalidField(say("{field} needs a port after the address.", field=field), field=field)
    _width(port, None, field)
    return value


def network_filter(value: str, field: str = "network_filters") -> str:
    """One filter rule, `direction,protocol,port,ip/mask,action`."""
    parts = value.split(",")
    if len(parts) != 5:
        raise InvalidField(
            say(
                "{field} has rules of five parts, such as in,tcp,22,0.0.0.0/0,accept.", field=field
            ),
            field=field,
        )
    direction, protocol, port, address, action = parts
    if direction not in {"in", "out", "inout"}:
        raise InvalidField(
            say("{field} rules begin with in, out or inout.", field=field), field=field
        )
    _filter_ports(protocol, port, field)
    _filter_address(address, field)
    if action not in {"accept", "drop"}:
        raise InvalidField(say("{field} rules end with accept or drop.", field=field), field=field)
    return value


def _filter_ports(protocol: str, port: str, field: str) -> None:
    if protocol in {"tcp", "udp"}:
        found = _PORTS.fullmatch(port)
        if found is None:
            raise InvalidField(
                say(
                    "{field} needs a port or range for {protocol}.", field=field, protocol=protocol
                ),
                field=field,
            )
        _width(found[1], found[2], field)
    elif protocol not in _IMPLIED_PORTS:
        raise InvalidField(
            say(
                "{field} knows the protocols all, tcp, udp, ssh, rdp, http, https, icmp, "
                "dns(udp) and dns(tcp).",
                field=field,
            ),
            field=field,
            hint=say("For FTP, write tcp,20-21.") if protocol == "ftp" else "",
        )
    elif port != "all" and port not in _IMPLIED_PORTS[protocol]:
        raise InvalidField(
            say("{field} needs the port “all” for {protocol}.", field=field, protocol=protocol),
            field=field,
        )


def _filter_address(value: str, field: str) -> None:
    address, _, mask = value.partition("/")
    if parse_ipv4(address) is None:
        raise InvalidField(
            say("{field} needs an IPv4 address with a mask.", field=field), field=field
        )
    if value != "0.0.0.0/0" and (mask != "32" or address == "0.0.0.0"):
        raise InvalidField(
            say("{field} can name one address (/32) or everyone (0.0.0.0/0).", field=field),
            field=field,
            hint=say("DBC ignores masks: a wider one would match a single address only."),
        )


def _width(low: str, high: str | None, field: str) -> int:
    first = int(low)
    last = first if high is None else int(high)
    if not 1 <= first <= last <= 65535:
        raise InvalidField(
            say("{field} has ports from 1 to 65535, lower one first.", field=field), field=field
        )
    return last - first
