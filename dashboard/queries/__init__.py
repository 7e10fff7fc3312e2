"""Queries of pages and routes."""
