"""Reads what pages and routes show."""
