"""The OpenSubsonic API below /rest/, for music apps on phones, desktops and speakers.

The protocol: https://opensubsonic.netlify.app. Each endpoint is a function from a call to the content of its
answer, in the shape of the protocol's JSON. :mod:`segue.dashboard.opensubsonic.answers` makes JSON or XML of
it.
"""
