"""A DBC client daemon with GPU nodes, bare-metal managers and image servers, all in memory.

As strict and as quirky as the real one (docs/dbc-api.md); shares no code with the bot.
"""

from sandbox.dbc.calls import Call
from sandbox.dbc.clock import Clock, ManualClock, RunningClock
from sandbox.dbc.demo import demo_world
from sandbox.dbc.front.daemon import Daemon
from sandbox.dbc.keys import Wallet
from sandbox.dbc.node import Node
from sandbox.dbc.world import World

__all__ = [
    "Call",
    "Clock",
    "Daemon",
    "ManualClock",
    "Node",
    "RunningClock",
    "Wallet",
    "World",
    "demo_world",
]
