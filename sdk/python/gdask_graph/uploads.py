"""Files that clients upload with Client.upload_file: what graphs may import."""

from __future__ import annotations

import logging
import pathlib
import pickle
import threading

# The host puts uploads beside the directory of this package.
DIRECTORY = pathlib.Path(__file__).parents[2] / "uploads"

log = logging.getLogger("gdask_graph")
lock = threading.Lock()
seen: set[str] = set()


def apply() -> None:
    """Import what was uploaded since the last call, in order."""
    with lock:
        for path in sorted(DIRECTORY.glob("*.pickle")):
            if path.name not in seen:
                seen.add(path.name)
                try:
                    install(path)
                except Exception:
                    log.exception("an uploaded file cannot be used")


def install(path: pathlib.Path) -> None:
    from distributed.diagnostics.plugin import SchedulerUploadFile
    from distributed.utils import import_file

    plugin = pickle.loads(path.read_bytes())
    if type(plugin) is not SchedulerUploadFile:
        raise TypeError(f"not an uploaded file but a {type(plugin).__name__}")
    target = DIRECTORY / pathlib.PurePath(plugin.filename).name
    target.write_bytes(plugin.data)
    if plugin.load:
        import_file(str(target))
