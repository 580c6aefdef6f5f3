"""Actors of unmodified Dask clients and workers, by way of the gdask scheduler."""

import signal

import pytest
from distributed import Actor, Client, get_client, wait

from conftest import START, start_scheduler, start_worker, until

LIMIT = 60  # seconds for one wait


class Counter:
    """An actor; workers import it."""

    n = 0

    def increment(self, by=1):
        self.n += by
        return self.n

    def fail(self):
        raise ValueError("cannot count")

    def forever(self):
        import time

        time.sleep(3600)


def use(counter, by):
    return counter.increment(by).result(timeout=LIMIT)


def make(start):
    counter = get_client().submit(Counter, actor=True).result(timeout=LIMIT)
    return counter.increment(start).result(timeout=LIMIT)


def test_an_actor_keeps_its_state(client):
    future = client.submit(Counter, actor=True)
    counter = future.result(timeout=LIMIT)
    assert isinstance(counter, Actor) and counter.key == future.key
    assert [counter.increment().result(timeout=LIMIT) for _ in range(3)] == [1, 2, 3]
    assert counter.n == 3
    with pytest.raises(ValueError, match="cannot count"):
        counter.fail().result(timeout=LIMIT)


def test_actors_by_way_of_the_scheduler(cluster):
    with Client(cluster.address, timeout=START, direct_to_workers=False) as client:
        counter = client.submit(Counter, actor=True).result(timeout=LIMIT)
        assert counter.increment(5).result(timeout=LIMIT) == 5
        assert counter.n == 5


def test_actors_spread(client):
    futures = client.map(lambda _: Counter(), range(4), actor=True)
    wait(futures, timeout=LIMIT)
    holders = client.who_has(futures)
    assert len({w for ws in holders.values() for w in ws}) == 2


def test_tasks_use_actors_from_any_worker(client):
    future = client.submit(Counter, actor=True)
    counter = future.result(timeout=LIMIT)
    tasks = [client.submit(use, future, 1, workers=[w], pure=False) for w in client.nthreads()]
    tasks += [client.submit(use, counter, 1, workers=[w], pure=False) for w in client.nthreads()]
    assert sorted(client.gather(tasks)) == [1, 2, 3, 4]
    assert client.submit(make, 7, pure=False).result(timeout=LIMIT) == 7


def test_a_lost_actor_is_an_error():
    scheduler = start_scheduler()
    worker = start_worker(scheduler.address, "home", "--no-nanny")
    try:
        with Client(scheduler.address, timeout=START) as client:
            client.wait_for_workers(1, timeout=START)
            future = client.submit(Counter, actor=True)
            counter = future.result(timeout=LIMIT)
            other = start_worker(scheduler.address, "other", "--no-nanny")
            try:
                client.wait_for_workers(2, timeout=START)
                away = [w for w, i in client.scheduler_info(n_workers=-1)["workers"].items() if i["name"] == "other"]
                assert client.submit(use, future, 1, workers=away).result(timeout=LIMIT) == 1
                call = counter.forever()
                worker.signal(signal.SIGKILL)
                until(lambda: future.status == "error", LIMIT, "the future's failure")
                with pytest.raises(RuntimeError, match="Worker holding Actor was lost"):
                    future.result(timeout=LIMIT)
                with pytest.raises(RuntimeError, match="Worker holding Actor was lost"):
                    counter.increment()
                with pytest.raises(OSError, match="Unable to contact Actor's worker"):
                    call.result(timeout=LIMIT)
            finally:
                other.stop()
    finally:
        worker.stop()
        scheduler.stop()


def test_a_worker_with_an_actor_is_not_retired(client):
    future = client.submit(Counter, actor=True)
    counter = future.result(timeout=LIMIT)
    [home] = client.who_has([future])[future.key]
    assert client.retire_workers([home]) == {}
    assert counter.increment().result(timeout=LIMIT) == 1
