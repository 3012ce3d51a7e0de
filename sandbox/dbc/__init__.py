"""A DBC client daemon with GPU nodes, bare-metal managers and image servers, all in memory.

As strict and as quirky as the real one (docs/dbc-api.md); shares no code with the bot.
"""

from sandbox.dbc.calls import Call
from sandbox.dbc.clock import Clock, ManualClock, RunningClock
from sandbox.dbc.control import control_app
from sandbox.dbc.demo import demo_renter, demo_world
from sandbox.dbc.faults import FaultName
from sandbox.dbc.front.daemon import Daemon
from sandbox.dbc.keys import Wallet
from sandbox.dbc.node import Node
from sandbox.dbc.world import World

__all__ = [
    "Call",
    "Clock",
    "Daemon",
    "FaultName",
    "ManualClock",
    "Node",
    "RunningClock",
    "Wallet",
    "World",
    "control_app",
    "demo_renter",
    "demo_world",
]
