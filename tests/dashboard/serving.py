"""Serves the dashboard of the SEGUE_ settings for a browser test: `python -m tests.dashboard.serving PORT`.

Beside `./run.sh dashboard serve`, which keeps a record by which a developer's own dashboard would be ended.
"""

from __future__ import annotations

import os
import socket
import sys

from segue.dashboard.serve import serve_app
from segue.places import CONF
from segue.settings import load_settings

if __name__ == "__main__":
    settings = load_settings()
    if seconds := os.environ.get("STREAMLIT_SERVER_DISCONNECTED_SESSION_TTL"):
        # Only the command `streamlit run` reads this variable.
        os.chdir(CONF)  # whose settings of Streamlit are read on import
        from streamlit import config

        config.set_option("server.disconnectedSessionTTL", int(seconds))
    serve_app(settings, listener=socket.create_server((settings.dashboard.host, int(sys.argv[1]))))
