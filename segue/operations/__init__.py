"""The stored progress of the streaming queries."""
