"""Values of an unmodified Dask client on Go workers that have little memory."""

import os
import urllib.request

import pytest
from distributed import Client

from conftest import ROOT, START, Process, until

LIMIT = 60  # seconds for one wait
MEMORY = "GDASK_DISTRIBUTED__WORKER__MEMORY__"


@pytest.fixture
def small(tmp_path):
    """A cluster of one Go worker, whose values may take 1 MB of memory."""
    binary = os.environ.get("GDASK_BIN", ROOT / "bin" / "gdask")
    p = Process(
        "gdask", binary, "--n-workers=1", "--threads-per-worker=1", "--port=0", "--dashboard-address=none", "--memory-limit=1GB",
        "--worker-dashboard-address=127.0.0.1:0", f"--local-directory={tmp_path}", **{MEMORY + "TARGET": "0.001"},
    )
    p.address = p.wait_for(r"tcp://127\.0\.0\.1:\d+")
    try:
        with Client(p.address, timeout=START) as client:
            client.wait_for_workers(1, timeout=START)
            yield client, tmp_path
    finally:
        p.stop()


def files(directory):
    return list(directory.glob("worker-*/storage/*"))


def test_spilled_values_come_back(small):
    client, directory = small
    values = [os.urandom(400_000) for _ in range(6)] + [{"a": list(range(100_000))}]
    futures = client.scatter(values)
    until(lambda: len(files(directory)) >= 4, what="values on disk")
    assert client.gather(futures) == values
    (worker,) = client.scheduler_info(n_workers=-1)["workers"].values()
    port = worker["services"]["dashboard"]
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics", timeout=LIMIT) as answer:
        text = answer.read().decode()
    assert 'dask_worker_tasks{state="disk"}' in text
    assert 'dask_worker_spill_count_total{activity="disk-write"}' in text
    until(lambda: metrics(client)["spilled_bytes"]["disk"] > 1_500_000, what="a heartbeat that tells of the disk")
    assert metrics(client)["managed_bytes"] > 2_400_000
    del futures
    until(lambda: not files(directory), what="the files to go with the futures")


def metrics(client):
    (worker,) = client.scheduler_info(n_workers=-1)["workers"].values()
    return worker["metrics"]
