"""The jobs that run once and end; each is a command."""
