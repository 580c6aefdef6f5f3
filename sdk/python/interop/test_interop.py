"""What a Dask user does every day, against the gdask scheduler."""

import os
import signal
import traceback

import dask
import dask.array
import numpy as np
import psutil
import pytest
from dask import delayed
from distributed import Client, as_completed, wait

import jobs
from conftest import START, start_scheduler, start_worker, until

LIMIT = 60  # seconds for one wait


def workers_named(client):
    info = client.scheduler_info(n_workers=-1)["workers"]
    return {w["name"]: (address, w) for address, w in info.items()}


def test_scheduler_info(client, cluster):
    info = client.scheduler_info(n_workers=-1)
    assert info["type"] == "Scheduler"
    assert info["address"] == cluster.address
    workers = workers_named(client)
    assert set(workers) == {"bare", "nursed"}
    for address, w in workers.values():
        assert address.startswith("tcp://127.0.0.1:")
        assert w["nthreads"] == 1 and w["memory_limit"] > 0 and w["status"] == "running"
    assert workers["nursed"][1]["nanny"] and not workers["bare"][1]["nanny"]
    assert client.nthreads() == {address: 1 for address, _ in workers.values()}


def test_submit(client):
    assert client.submit(jobs.inc, 1).result(timeout=LIMIT) == 2
    local = client.submit(lambda x: x * 3, 5)  # pickled by value
    assert local.result(timeout=LIMIT) == 15


def test_a_future_is_an_argument(client):
    x = client.submit(jobs.inc, 10, pure=False)
    y = client.submit(jobs.inc, x, pure=False)
    z = client.submit(lambda *xs: sum(xs), x, [y, 100][0], pure=False)
    assert z.result(timeout=LIMIT) == 11 + 12


def test_map_of_1000(client):
    futures = client.map(jobs.inc, range(1000))
    assert client.gather(futures) == list(range(1, 1001))
    holders = client.who_has(futures)
    assert {w for ws in holders.values() for w in ws} == {a for a, _ in workers_named(client).values()}


def test_results_move_between_workers(client):
    (bare, _), (nursed, _) = (workers_named(client)[n] for n in ("bare", "nursed"))
    a = client.submit(np.arange, 1_000_000, workers=[bare], pure=False)
    b = client.submit(np.ones, 1_000_000, workers=[nursed], pure=False)
    c = client.submit(lambda a, b: float((a + b).sum()), a, b, pure=False)
    assert c.result(timeout=LIMIT) == np.arange(1_000_000).sum() + 1_000_000
    assert list(client.who_has([a])[a.key]) != list(client.who_has([b])[b.key])


def test_big_results(client):
    x = client.submit(np.random.default_rng(1).random, 5_000_000, pure=False)
    array = x.result(timeout=LIMIT)
    assert array.nbytes == 40_000_000
    assert client.submit(np.sum, x).result(timeout=LIMIT) == array.sum()


def test_big_arguments(client):
    array = np.arange(2_000_000)
    with pytest.warns(UserWarning, match="large graph"):
        x = client.submit(np.sum, array, pure=False)
    assert x.result(timeout=LIMIT) == array.sum()


@pytest.mark.parametrize("direct", [False, True])
@pytest.mark.parametrize("broadcast", [False, True])
def test_scatter(client, direct, broadcast):
    data = {"a": np.arange(10), "b": [1, {"c": 2}]}
    futures = client.scatter(data, direct=direct, broadcast=broadcast)
    assert set(futures) == {"a", "b"}
    assert futures["b"].result(timeout=LIMIT) == [1, {"c": 2}]
    total = client.submit(lambda a, b: int(a.sum()) + len(b), futures["a"], futures["b"], pure=False)
    assert total.result(timeout=LIMIT) == 47
    if broadcast:
        assert len(client.who_has(futures["a"])["a"]) == 2


def test_delayed(client):
    leaves = [delayed(jobs.inc)(i) for i in range(64)]
    level = leaves
    while len(level) > 1:
        level = [delayed(lambda a, b: a + b)(a, b) for a, b in zip(level[::2], level[1::2])]
    assert level[0].compute() == sum(range(1, 65))


def test_dask_array(client):
    da = dask.array
    x = da.random.default_rng(1).random((2000, 2000), chunks=(500, 500))
    total = (x + x.T).sum(axis=0).mean().persist()
    assert all(isinstance(k, tuple) for k in total.__dask_keys__())
    wait(total, timeout=LIMIT)
    assert 1900 < float(total.compute()) < 2100
    ones = da.ones((300, 300), chunks=(100, 100))
    assert float((ones @ ones).sum().compute()) == 300.0**3


def test_dask_bag(client):
    bag = pytest.importorskip("dask.bag").from_sequence(range(1000), npartitions=10)
    assert bag.map(jobs.inc).filter(lambda x: x % 2).sum().compute() == sum(range(1, 1001, 2))


def test_errors_arrive_as_they_are(client):
    f = client.submit(jobs.middle, 1, 0, pure=False)
    with pytest.raises(ZeroDivisionError, match="division by zero") as info:
        f.result(timeout=LIMIT)
    frames = [frame.name for frame in traceback.extract_tb(info.value.__traceback__)]
    assert frames[-2:] == ["middle", "divide"]
    assert [frame.name for frame in traceback.extract_tb(f.traceback(timeout=LIMIT))][-1] == "divide"


def test_errors_of_own_classes(client):
    f = client.submit(jobs.odd, 7, pure=False)
    error = f.exception(timeout=LIMIT)
    assert type(error) is jobs.OddError and error.code == 7


def test_errors_reach_dependents(client):
    bad = client.submit(jobs.divide, 1, 0, pure=False)
    after = client.submit(jobs.inc, client.submit(jobs.inc, bad))
    with pytest.raises(ZeroDivisionError):
        after.result(timeout=LIMIT)
    assert after.status == "error"


def test_retries(client, tmp_path):
    def flaky(path):
        with open(path, "a+") as f:
            f.write("x")
            f.seek(0)
            if len(f.read()) < 3:
                raise OSError("again")
        return "fine"

    assert client.submit(flaky, str(tmp_path / "n"), retries=3).result(timeout=LIMIT) == "fine"


def test_an_unreadable_graph_is_an_error_of_its_futures(client):
    class Unreadable:
        def __reduce__(self):
            return jobs.divide, (1, 0)

    f = client.submit(jobs.inc, Unreadable(), pure=False)
    with pytest.raises(Exception, match="division by zero|deserializ"):
        f.result(timeout=LIMIT)
    assert client.submit(jobs.inc, 1, pure=False).result(timeout=LIMIT) == 2


def test_as_completed(client):
    futures = client.map(jobs.slow_inc, range(20), pure=False)
    assert sorted(f.result() for f in as_completed(futures, timeout=LIMIT)) == list(range(1, 21))


def test_cancel_and_release(client):
    futures = client.map(jobs.slow_inc, range(50), delay=0.2, pure=False)
    client.cancel(futures)
    assert all(f.cancelled() for f in futures)
    del futures
    f = client.submit(jobs.inc, 41, pure=False)
    assert f.result(timeout=LIMIT) == 42
    key = f.key
    del f
    until(lambda: not client.who_has().get(key), LIMIT, "the release of a result")


def test_priorities_and_restrictions(client):
    address, _ = workers_named(client)["nursed"]
    with dask.annotate(priority=5, retries=1):
        f = client.submit(jobs.pid, workers="nursed", pure=False)
    assert f.result(timeout=LIMIT) == workers_named(client)["nursed"][1].get("pid", f.result())
    assert list(client.who_has([f])[f.key]) == [address]


def test_keys_of_every_type(client):
    graph = {"s": 1, ("t", 0, 1.5): (jobs.inc, "s"), ("t", ("n", -3)): (jobs.inc, ("t", 0, 1.5))}
    assert list(client.get(graph, [("t", ("n", -3)), ("t", 0, 1.5)])) == [3, 2]


def test_two_clients_share_results(client, cluster):
    f = client.submit(jobs.inc, 99, key="shared")
    assert f.result(timeout=LIMIT) == 100
    with Client(cluster.address, timeout=START, set_as_default=False) as other:
        assert other.submit(jobs.inc, 99, key="shared").result(timeout=LIMIT) == 100
    assert f.result(timeout=LIMIT) == 100


def test_run_on_workers(client):
    pids = client.run(os.getpid)
    assert len(set(pids.values())) == 2


def test_worker_plugins(client, cluster):
    client.register_plugin(jobs.Marker())
    assert set(client.run(jobs.mark).values()) == {"set up"}
    extra = start_worker(cluster.address, "late", "--no-nanny")
    try:
        until(lambda: "late" in workers_named(client), START, "the third worker")
        address, _ = workers_named(client)["late"]
        assert client.run(jobs.mark, workers=[address]) == {address: "set up"}
    finally:
        extra.stop()
    until(lambda: "late" not in workers_named(client), LIMIT, "the end of the third worker")
    client.unregister_worker_plugin("marker")
    assert set(client.run(jobs.mark).values()) == {"torn down"}
    with pytest.raises(jobs.OddError):
        client.register_plugin(jobs.Broken())
    client.unregister_worker_plugin("broken")
    with pytest.raises(ValueError, match="broken"):
        client.unregister_worker_plugin("broken")


def test_nanny_plugins(client):
    client.register_plugin(jobs.NannyMarker())
    assert set(client.run(jobs.mark, nanny=True).values()) == {"set up"}


def test_versions(client):
    versions = client.get_versions()
    assert set(versions) == {"scheduler", "workers", "client"}
    assert len(versions["workers"]) == 2


def test_a_killed_worker_is_made_good(client, cluster):
    """The nanny's worker is killed in the middle: its results are made again."""
    held = client.map(jobs.inc, range(200), pure=False)
    wait(held, timeout=LIMIT)
    work = client.map(jobs.slow_inc, held, delay=0.02, pure=False)
    total = client.submit(sum, work, pure=False)
    until(lambda: sum(f.done() for f in work) >= 20, LIMIT, "the first results")
    address, _ = workers_named(client)["nursed"]
    os.kill(client.run(os.getpid, workers=[address])[address], signal.SIGKILL)
    assert total.result(timeout=LIMIT) == sum(range(2, 202))
    client.wait_for_workers(2, timeout=START)  # the nanny brought a new one
    assert client.submit(jobs.inc, 1, pure=False).result(timeout=LIMIT) == 2


def test_a_lost_bare_worker_is_forgotten(client, cluster):
    extra = start_worker(cluster.address, "extra", "--no-nanny")
    try:
        until(lambda: "extra" in workers_named(client), START, "the third worker")
        f = client.submit(jobs.inc, 5, workers="extra", allow_other_workers=True, pure=False)
        assert f.result(timeout=LIMIT) == 6
        extra.signal(signal.SIGKILL)
        until(lambda: "extra" not in workers_named(client), LIMIT, "the loss of the third worker")
        assert client.submit(jobs.inc, f, pure=False).result(timeout=LIMIT) == 7
    finally:
        extra.stop()


def test_a_task_that_kills_workers_is_blamed(cluster):
    """KilledWorker arrives as its class, from the scheduler's own hand."""
    from distributed import KilledWorker

    s = start_scheduler()
    w = start_worker(s.address, "victim", "--nanny")
    try:
        with Client(s.address, timeout=START, set_as_default=False) as c:
            c.wait_for_workers(1, timeout=START)
            f = c.submit(os._exit, 1, pure=False)
            with pytest.raises(KilledWorker):
                f.result(timeout=100)
    finally:
        w.stop()
        s.stop()


def children(pid):
    """Ids of the children of a process."""
    return [p.pid for p in psutil.Process(pid).children(recursive=True)]


def alive(pid):
    return psutil.pid_exists(pid) and psutil.Process(pid).status() != psutil.STATUS_ZOMBIE


def test_clean_close():
    """Everything ends by itself with code 0, and says nothing alarming."""
    s = start_scheduler()
    w = start_worker(s.address, "w", "--no-nanny")
    with Client(s.address, timeout=START, set_as_default=False) as c:
        c.wait_for_workers(1, timeout=START)
        assert c.submit(jobs.inc, 1).result(timeout=LIMIT) == 2
        readers = children(s.popen.pid)
        assert readers, "no graph reader ran"
    assert s.stop() == 0, s.text()
    # The scheduler told the worker to close; a signal now would cut that short.
    assert w.popen.wait(timeout=LIMIT) == 0, w.text()
    for p in (s, w):
        alarming = [x for x in p.lines if "Traceback" in x or "panic" in x or "[ERROR]" in x or " ERROR " in x]
        assert not alarming, p.text()
    until(lambda: not any(map(alive, readers)), LIMIT, "the end of the graph reader")
