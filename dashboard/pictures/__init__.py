"""Images drawn on the server: the card of a month, and previews of share links."""
