"""The demo: a composed library, simulated listeners, and the command that runs all steps."""
