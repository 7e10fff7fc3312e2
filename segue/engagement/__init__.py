"""Listening: counting rules, facts, sessions, statistics, and outcomes of experiments."""
