"""The batch jobs; each is a command."""
