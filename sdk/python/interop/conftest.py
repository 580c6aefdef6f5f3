"""A gdask scheduler with unmodified Dask workers and an unmodified client.

GDASK_BIN names the gdask command; every wait has a limit.
"""

from __future__ import annotations

import collections
import os
import pathlib
import re
import signal
import subprocess
import sys
import threading
import time

import pytest
from distributed import Client

START = 60  # seconds for a process to come up on a busy machine
TEST = 120  # seconds for one test
ROOT = pathlib.Path(__file__).parents[3]


class Process:
    """A child in a process group of its own, whose output is kept."""

    def __init__(self, name: str, *command, **env: str):
        self.name = name
        self.lines: collections.deque[str] = collections.deque(maxlen=2000)
        self.changed = threading.Condition()
        self.over = False
        self.popen = subprocess.Popen(
            list(map(str, command)),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            start_new_session=True,
            env=os.environ | {"PYTHONPATH": str(pathlib.Path(__file__).parent)} | env,
        )
        self.reader = threading.Thread(target=self.follow, daemon=True)
        self.reader.start()

    def follow(self):
        for line in self.popen.stdout:
            with self.changed:
                self.lines.append(line.rstrip("\n"))
                self.changed.notify_all()
        with self.changed:
            self.over = True
            self.changed.notify_all()

    def wait_for(self, pattern: str, timeout: float = START) -> str:
        """The first match of pattern in the output so far or to come."""
        found = []

        def look():
            found[:] = [m for m in (re.search(pattern, x) for x in self.lines) if m]
            return found or self.over

        with self.changed:
            self.changed.wait_for(look, timeout)
        assert found, f"{self.name} did not print {pattern!r}; it printed:\n{self.text()}"
        return found[0].group(0)

    def text(self) -> str:
        return "\n".join(self.lines)

    def signal(self, number: int):
        if self.popen.poll() is None:
            self.popen.send_signal(number)

    def stop(self, timeout: float = 20) -> int | None:
        """Ask it to end; the code it ended with, or None when it had to be killed."""
        self.signal(signal.SIGINT)
        try:
            code = self.popen.wait(timeout)
        except subprocess.TimeoutExpired:
            code = None
        try:
            os.killpg(self.popen.pid, signal.SIGKILL)
        except ProcessLookupError:
            pass
        self.popen.wait(timeout)
        self.reader.join(timeout)
        return code


def start_scheduler(*options: str) -> Process:
    binary = os.environ.get("GDASK_BIN", ROOT / "bin" / "gdask")
    env = {"GDASK_PYTHON": os.environ.get("GDASK_PYTHON", sys.executable)}
    p = Process("gdask scheduler", binary, "scheduler", "--host", "127.0.0.1", "--port", "0", *options, **env)
    p.address = p.wait_for(r"tcp://127\.0\.0\.1:\d+")
    return p


def start_worker(address: str, name: str, *options: str) -> Process:
    return Process(
        f"dask worker {name}", sys.executable, "-m", "distributed.cli.dask_worker", address,
        "--name", name, "--nthreads", "1", "--no-dashboard", "--host", "127.0.0.1", *options,
    )


class Cluster:
    """A scheduler, a worker without and a worker with a nanny."""

    def __init__(self):
        self.scheduler = start_scheduler()
        self.address = self.scheduler.address
        self.workers = [
            start_worker(self.address, "bare", "--no-nanny"),
            start_worker(self.address, "nursed", "--nanny"),
        ]

    def client(self) -> Client:
        client = Client(self.address, timeout=START, set_as_default=True)
        client.wait_for_workers(2, timeout=START)
        return client

    def close(self) -> dict[str, int | None]:
        codes = {p.name: p.stop() for p in (*self.workers, self.scheduler)}
        return codes

    def report(self) -> str:
        return "\n".join(f"---- {p.name}\n{p.text()}" for p in (self.scheduler, *self.workers))


@pytest.fixture(scope="session")
def cluster():
    c = Cluster()
    yield c
    c.close()


@pytest.fixture
def client(cluster):
    c = cluster.client()
    yield c
    c.close(timeout=START)


@pytest.fixture(autouse=True)
def limit():
    """End a test that hangs, with a traceback of where."""

    def expire(*_):
        raise TimeoutError(f"the test took more than {TEST} s")

    previous = signal.signal(signal.SIGALRM, expire)
    signal.alarm(TEST)
    yield
    signal.alarm(0)
    signal.signal(signal.SIGALRM, previous)


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item, call):
    """Show what the processes printed beside a failure."""
    outcome = yield
    report = outcome.get_result()
    c = item.funcargs.get("cluster")
    if report.failed and c:
        report.sections.append(("processes", c.report()[-20000:]))


def until(condition, timeout: float = START, what: str = "the condition"):
    """Poll until condition() is true."""
    deadline = time.monotonic() + timeout
    while not (result := condition()):
        assert time.monotonic() < deadline, f"{what} did not come true within {timeout} s"
        time.sleep(0.05)
    return result
