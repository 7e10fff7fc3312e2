"""The streaming queries over the topic of plays, and the command that runs them."""
