"""Listeners' histories, profiles and taste vectors; likes and dislikes."""
