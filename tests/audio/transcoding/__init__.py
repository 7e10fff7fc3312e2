"""Tests of the conversion of recordings."""
