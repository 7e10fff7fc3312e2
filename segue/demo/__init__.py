"""The demo: a library that Segue composes, made-up listeners, and the command that shows everything."""
