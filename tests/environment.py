"""Loaded before Django reads its settings (`-p tests.environment`): tests keep files in their own directory."""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_directory = tempfile.mkdtemp(prefix="pdfservice-tests-")
atexit.register(shutil.rmtree, _directory, ignore_errors=True)

os.environ["DATA_DIR"] = _directory
os.environ["PUBLIC_URL"] = "http://testserver"
if "DATABASE_URL" in os.environ or "REDIS_URL" in os.environ:
    os.environ.setdefault("SECRET_KEY", "only-for-tests-" + "x" * 50)
