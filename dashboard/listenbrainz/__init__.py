"""The part of ListenBrainz's API by which programs submit listens, so that they can feed Segue instead.

The protocol: https://listenbrainz.readthedocs.io/en/latest/users/api/core.html
"""
