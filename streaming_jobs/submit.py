"""The streaming job for spark-submit: from a checkout without PYTHONPATH, or from a wheel by --py-files.

spark-submit --properties-file conf/spark-defaults.conf streaming_jobs/submit.py
spark-submit --py-files segue-0.2.0-py3-none-any.whl --jars … submit.py
"""

import sys
from pathlib import Path

_FOLDER = Path(__file__).resolve().parent.parent
if (_FOLDER / "run.sh").is_file():
    sys.path.insert(0, str(_FOLDER))

from segue.streaming_jobs.cli import main  # noqa: E402  # the path has to be there

main()
