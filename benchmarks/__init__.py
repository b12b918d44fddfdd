"""Measurements: each is run by `python -m benchmarks.<name>`."""

import json
import os
import tempfile

# Nothing is left in the folder that the settings name when nobody says otherwise.
HOME = tempfile.TemporaryDirectory(prefix="case-pathways-benchmark-")
os.environ.setdefault("PATHWAYS_HOME", HOME.name)
os.environ.setdefault("PATHWAYS_PERSONAL_KEYS", json.dumps(["a key of the measurements only, and of nothing else"]))
