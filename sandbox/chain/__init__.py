"""A DeepBrain Chain in memory: blocks by the clock, rentals, machines, prices, and its RPC nodes.

Shares no code with the bot. Source: the chain's own pallets, as docs/orders.md describes them.
"""

from sandbox.chain.blocks import Blocks
from sandbox.chain.ledger import CONFIRM_WITHIN, Chain, ChainMachine, Rental
from sandbox.chain.rpc_node import RpcNode

__all__ = ["CONFIRM_WITHIN", "Blocks", "Chain", "ChainMachine", "Rental", "RpcNode"]
