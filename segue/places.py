"""Where the project and what it makes on this machine are."""

from __future__ import annotations

import os
from pathlib import Path

ROOT = Path(os.environ.get("SEGUE_ROOT", Path(__file__).resolve().parent.parent))
"""The project's folder, the base of relative paths in the settings. SEGUE_ROOT names it for a packed copy."""
LOCAL = ROOT / ".local"
"""Where everything that is made on this machine is kept; git-ignored."""
