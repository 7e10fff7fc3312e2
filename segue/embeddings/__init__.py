"""Track vectors in which near means similar."""
