"""Pictures that are drawn on the server: a month's card, and previews of share links."""
