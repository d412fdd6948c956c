"""Creates the virtual environment of quixstreams once, in the project's cache folder."""

import subprocess
import sys

from deploy.local.folders import cache_folder

VERSION = "3.28.0"


def quix_python() -> str:
    """Return the interpreter of an environment with quixstreams; raises CalledProcessError without network."""
    folder = cache_folder() / f"quixstreams-{VERSION}"
    python = folder / "bin" / "python"
    if not (folder / "complete").exists():
        print(f"installing quixstreams {VERSION} into an environment of its own ...", flush=True)
        subprocess.run([sys.executable, "-m", "venv", str(folder)], check=True)
        subprocess.run([str(python), "-m", "pip", "install", "-q", f"quixstreams=={VERSION}"], check=True)
        (folder / "complete").touch()
    return str(python)
