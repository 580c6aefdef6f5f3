"""Copies of results, and workers that leave, with unmodified Dask clients and workers."""

import operator
import pickle

import pytest
from distributed import Client, wait

import jobs
from conftest import START, start_scheduler, start_worker, until

LIMIT = 60  # seconds for one wait


CONFIG = """
distributed:
  worker:
    memory:
      rebalance: {measure: managed, sender-min: 0, sender-recipient-gap: 0}
"""


@pytest.fixture(scope="module")
def trio(tmp_path_factory):
    """A scheduler that moves data at any imbalance, and three workers."""
    path = tmp_path_factory.mktemp("trio") / "gdask.yaml"
    path.write_text(CONFIG)
    processes = [start_scheduler("--config", path)]
    address = processes[0].address
    processes += [start_worker(address, str(i), "--no-nanny") for i in range(3)]
    yield address
    for p in reversed(processes):
        p.stop()


@pytest.fixture
def client(trio):
    with Client(trio, timeout=START) as c:
        c.wait_for_workers(3, timeout=START)
        yield c


def holders(client, future):
    return client.who_has(future)[future.key]


def test_replicate_sticks_until_fewer_are_asked_for(client):
    x = client.submit(jobs.inc, 1, pure=False)
    client.replicate(x)
    assert len(holders(client, x)) == 3
    client.amm.run_once()
    assert len(holders(client, x)) == 3
    client.replicate(x, n=2)
    assert len(holders(client, x)) == 2
    client.amm.run_once()
    assert len(holders(client, x)) == 2
    client.replicate(x, n=1)
    assert len(holders(client, x)) == 1
    target = next(a for a in client.nthreads() if a not in holders(client, x))
    client.replicate(x, n=1, workers=[target])
    assert target in holders(client, x)
    with pytest.raises(ValueError):
        client.replicate(x, n=0)
    assert x.result(timeout=LIMIT) == 2


def test_broadcast_sticks(client):
    x = client.scatter([1, 2, 3], broadcast=True)
    y = client.scatter({"some": 5}, broadcast=2)["some"]
    for _ in range(3):
        client.amm.run_once()
    assert len(holders(client, x[0] if isinstance(x, list) else x)) == 3
    assert len(holders(client, y)) >= 2
    assert client.submit(sum, x).result(timeout=LIMIT) == 6


def test_the_memory_manager_is_controlled_and_drops_what_nobody_asked_for(client):
    assert client.amm.running() is True
    client.amm.stop()
    assert client.amm.running() is False
    a, b, _ = client.nthreads()
    x = client.submit(jobs.inc, 1, workers=[a], pure=False)
    wait(x, timeout=LIMIT)
    y = client.submit(jobs.inc, x, workers=[b], pure=False)  # b fetches a copy
    wait(y, timeout=LIMIT)
    until(lambda: len(holders(client, x)) == 2, what="two copies")
    client.amm.run_once()
    assert len(holders(client, x)) == 1
    client.amm.start()
    assert client.amm.running() is True
    assert x.result(timeout=LIMIT) == 2


def test_rebalance(client):
    a, *_ = client.nthreads()
    xs = client.scatter({f"piece-{i}": bytes(100_000) for i in range(9)}, workers=[a])
    client.rebalance(list(xs.values()))
    counts = {w: len([k for k in keys if str(k).startswith("piece")]) for w, keys in client.has_what().items()}
    assert counts == dict.fromkeys(counts, 3)
    assert len(client.gather(list(xs.values()))) == 9
    client.rebalance()
    result = client.sync(client.scheduler.rebalance, keys=["nothing"])
    assert result["status"] == "partial-fail" and list(result["keys"]) == ["nothing"]


def test_inspection(client):
    x = client.submit(jobs.inc, 1, key="inspect-me")
    wait(x, timeout=LIMIT)
    (holder,) = holders(client, x)
    assert "inspect-me" in client.has_what()[holder]
    assert client.has_what([holder]).keys() == {holder}
    assert client.ncores() == client.nthreads() == dict.fromkeys(client.has_what(), 1)
    assert client.nbytes(keys=["inspect-me"], summary=False)["inspect-me"] > 0
    assert client.nbytes()["inspect-me"] > 0
    assert set(client.processing()) == set(client.nthreads())


def test_what_a_cluster_manager_asks(client):
    ask = lambda op, **fields: client.sync(getattr(client.scheduler, op), **fields)
    assert ask("adaptive_target", target_duration="5 s") >= 0
    idle = ask("workers_to_close", n=2, attribute="name")
    assert len(idle) == 2 and {str(n) for n in idle} < {"0", "1", "2"}
    by_host = pickle.dumps(operator.attrgetter("host"))
    assert not ask("workers_to_close", n=2, key=by_host)  # all share one host
    assert len(ask("workers_to_close", n=3, key=by_host)) == 3
    with pytest.raises(Exception, match="attrgetter"):
        ask("workers_to_close", n=2, key=pickle.dumps(len))


def test_retired_workers_leave_their_data_behind(client):  # the last: a worker goes
    made = client.map(jobs.inc, range(30), pure=False)
    sent = client.scatter(list(range(12)), hash=False)
    wait(made, timeout=LIMIT)
    gone, other, _ = client.nthreads()
    info = client.retire_workers([gone], close_workers=True)
    assert list(info) == [gone]
    until(lambda: gone not in client.nthreads(), what="the end of the worker")
    assert client.gather(made) == [i + 1 for i in range(30)]
    assert client.gather(sent) == list(range(12))
    both = list(client.nthreads())
    assert client.retire_workers(both) == {}  # their data has nowhere to go
    assert client.submit(jobs.inc, 5, pure=False).result(timeout=LIMIT) == 6
    assert client.gather(sent) == list(range(12))
