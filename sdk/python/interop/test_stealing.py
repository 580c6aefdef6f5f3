"""Work stealing between unmodified Dask workers."""

import numpy as np
from distributed import Client

import jobs
from conftest import START, start_scheduler, start_worker

LIMIT = 60  # seconds for one wait


def test_an_idle_worker_gets_what_a_busy_one_has_not_begun(tmp_path):
    processes = [start_scheduler("--worker-saturation", "inf")]
    address = processes[0].address
    try:
        processes.append(start_worker(address, "victim", "--no-nanny"))
        with Client(address, timeout=START) as client:
            client.wait_for_workers(1, timeout=START)
            first = client.submit(jobs.until_there, tmp_path / "go", priority=10)
            data = client.scatter(np.ones(1000))
            rest = [client.submit(jobs.slow_pid, i, data if i % 2 else None, pure=False) for i in range(6)]
            processes.append(start_worker(address, "thief", "--no-nanny"))
            pids = client.gather(rest)  # the victim cannot make these
            assert len(set(pids)) == 1
            assert first.status == "pending"
            (tmp_path / "go").touch()
            assert first.result(timeout=LIMIT) != pids[0]
    finally:
        for p in reversed(processes):
            p.stop()
