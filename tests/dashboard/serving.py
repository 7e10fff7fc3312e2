"""Serves the dashboard of the SEGUE_ settings for a browser test: `python -m tests.dashboard.serving PORT`.

Beside `./run.sh dashboard`, which keeps a record by which a developer's own dashboard would be ended.
"""

from __future__ import annotations

import os
import sys

import uvicorn

from segue.settings import ROOT, load_settings
from segue.storage.mongo import connect

if __name__ == "__main__":
    settings = load_settings()
    os.chdir(ROOT / "conf")
    from dashboard.app import make_app

    app = make_app(connect(settings.mongo), settings)
    uvicorn.run(app, host="127.0.0.1", port=int(sys.argv[1]), log_level="warning", access_log=False)
