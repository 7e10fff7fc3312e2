"""The documentation: its site, its generated reference, and its pictures."""
