"""Functions that tasks of the suite call; workers import them."""

import os
import time

from distributed import NannyPlugin, WorkerPlugin


def inc(x):
    return x + 1


def divide(a, b):
    return a / b


def middle(a, b):
    """A frame between the caller and the error."""
    return divide(a, b)


def slow_inc(x, delay=0.05):
    time.sleep(delay)
    return x + 1


def pid():
    return os.getpid()


class OddError(Exception):
    """An error class that a worker and a client know, and the scheduler does not."""

    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


def odd(code):
    raise OddError(code, "odd")


class Marker(WorkerPlugin):
    """Marks its worker; also one that joins later."""

    name = "marker"

    def setup(self, worker):
        worker.mark = "set up"

    def teardown(self, worker):
        worker.mark = "torn down"


class Broken(WorkerPlugin):
    name = "broken"

    def setup(self, worker):
        raise OddError(5, "no setup")


class NannyMarker(NannyPlugin):
    name = "nanny-marker"

    def setup(self, nanny):
        nanny.mark = "set up"


def mark(dask_worker):
    return getattr(dask_worker, "mark", None)


def until_there(path):
    """Run until a file is there; the process that ran it."""
    while not os.path.exists(path):
        time.sleep(0.01)
    return os.getpid()


def slow_pid(_, __):
    time.sleep(0.1)  # worth a transfer
    return os.getpid()
