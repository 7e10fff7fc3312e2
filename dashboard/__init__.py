"""The pages, the routes and the player."""
