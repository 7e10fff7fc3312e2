"""Segue re-plans the next songs of a listener while they listen."""

__version__ = "0.2.0"
