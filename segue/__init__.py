"""Segue: re-plans what a listener hears next while they listen. The domain; jobs and dashboard stand beside it."""

__version__ = "0.1.0"
