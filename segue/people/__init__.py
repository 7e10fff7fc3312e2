"""Accounts, log-in sessions, and the hashes of listeners who have left."""
