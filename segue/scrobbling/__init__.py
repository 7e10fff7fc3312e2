"""Sends songs that a listener has heard to ListenBrainz, Last.fm, or servers that speak their protocols."""
