"""The API for developers, version 1: `/api/v1/`.

The identity comes from the API key alone; the cookie of the pages opens nothing here. Within version 1,
routes, parameters and fields are added only, never removed or changed.
"""
