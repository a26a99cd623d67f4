"""Who attends to whom: the door of the family."""

from matey_core.attention._block import Block, BlockSettings
from matey_core.registry import Registry

SCHEMES: Registry[type[Block]] = Registry(__name__)

__all__ = ["SCHEMES", "Block", "BlockSettings"]
