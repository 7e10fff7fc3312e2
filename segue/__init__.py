"""Segue re-plans what a listener hears next while they listen."""

__version__ = "0.2.0"
