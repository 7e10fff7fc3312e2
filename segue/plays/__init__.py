"""The play event: its fields and types, signals, windows, and the producer."""
