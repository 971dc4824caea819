"""Chaos engineering experiments that never leave a fault behind and never say green without proof."""

__version__ = "0.1.0"
