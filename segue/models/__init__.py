"""The versions of everything that is learned or built, and the active version of each kind."""
