"""Queues, locks and their like, events and shared state: Dask's own classes
against the gdask scheduler, in the client and in tasks."""

import logging
import os
import pathlib
import signal
import time
import warnings

import pytest
from distributed import Client, Event, Lock, MultiLock, Queue, Semaphore, Variable

import coordjobs
from conftest import ROOT, START, Process, start_scheduler, start_worker, until

LIMIT = 60  # seconds for one wait


def test_queue_of_values(client):
    q = Queue("values")
    assert q.qsize() == 0
    values = [1, "two", 3.5, None, True, b"bytes", {"a": {"b": [1, 2]}}, -(2**40)]
    for v in values:
        q.put(v)
    assert q.qsize() == len(values)
    got = [q.get(timeout=LIMIT) for _ in values]
    assert got[:6] == values[:6]
    assert got[6]["a"]["b"] == (1, 2)  # how Python's client reads a list
    assert got[7] == -(2**40)
    with pytest.raises(TimeoutError):
        q.get(timeout=0.05)
    for i in range(5):
        q.put(i)
    assert q.get(batch=2) == [0, 1]
    assert q.get(batch=True) == [2, 3, 4]
    assert q.get(batch=True) == []
    q.close()


def test_queue_with_a_limit(client):
    q = Queue("limited", maxsize=2)
    q.put(1)
    q.put(2)
    with pytest.raises(TimeoutError):
        q.put(3, timeout="50ms")
    assert q.qsize() == 2
    waiting = client.submit(coordjobs.put, "limited", 3, pure=False)
    assert [q.get(timeout=LIMIT) for _ in range(3)] == [1, 2, 3]
    waiting.result(timeout=LIMIT)
    for maxsize in (0, -1):
        unlimited = Queue(f"unlimited{maxsize}", maxsize=maxsize)
        for i in range(100):
            unlimited.put(i, timeout=LIMIT)
        unlimited.close()
    q.close()


def test_queue_between_tasks(client):
    got = client.submit(coordjobs.take, "between", pure=False)
    client.submit(coordjobs.put, "between", {"x": 1}, pure=False).result(timeout=LIMIT)
    assert got.result(timeout=LIMIT) == {"x": 1}


def test_queue_of_futures(client, cluster):
    q = Queue("futures")
    f = client.submit(pow, 3, 2, key="queued-result")
    q.put(f)
    del f
    f = q.get(timeout=LIMIT)
    assert f.key == "queued-result" and f.result(timeout=LIMIT) == 9
    client.submit(coordjobs.put_future, "futures", 5, pure=False).result(timeout=LIMIT)
    with Client(cluster.address, set_as_default=False, timeout=START) as other:
        assert Queue("futures", client=other).get(timeout=LIMIT).result(timeout=LIMIT) == 25
    q.put(client.submit(divmod, 1, 0))
    with pytest.raises(ZeroDivisionError):
        q.get(timeout=LIMIT).result(timeout=LIMIT)
    q.close()


def test_variable(client):
    v = Variable("v")
    with pytest.raises(TimeoutError):
        v.get(timeout=0.05)
    waiting = client.submit(coordjobs.get_variable, "v", pure=False)
    v.set(1)
    assert waiting.result(timeout=LIMIT) == 1
    assert v.get() == 1
    client.submit(coordjobs.set_variable, "v", [1, "a"], pure=False).result(timeout=LIMIT)
    assert list(v.get()) == [1, "a"]
    v.set(client.submit(pow, 2, 5, key="of-variable"))
    time.sleep(0.1)  # the client has let go of its own
    assert v.get().result(timeout=LIMIT) == 32
    f = client.submit(divmod, 2, 0)
    v.set(f)
    with pytest.raises(ZeroDivisionError):
        v.get().result(timeout=LIMIT)
    v.delete()  # by the client's stream, which may come after a request
    until(lambda: not is_set(v), what="the end of the variable")


def is_set(variable):
    try:
        variable.get(timeout=0.05)
    except TimeoutError:
        return False
    return True


def test_event(client):
    e = Event("e")
    assert not e.is_set() and not e.wait(timeout=0.05)
    waiting = client.submit(coordjobs.wait_for, "e", pure=False)
    e.set()
    assert waiting.result(timeout=LIMIT) and e.is_set() and e.wait(timeout=LIMIT)
    e.clear()
    assert not e.is_set()


def test_lock_in_the_client(client):
    a, b = Lock("l"), Lock("l")
    assert a.acquire(timeout=LIMIT) and a.locked()
    assert not b.acquire(blocking=False)
    assert not b.acquire(timeout="50ms")
    assert a.release()
    assert b.acquire(timeout=LIMIT)
    b.release()
    with pytest.raises(RuntimeError):
        b.release()
    assert not a.locked()


def test_lock_in_tasks(client, tmp_path):
    path = tmp_path / "n"
    path.write_text("0")
    lock = Lock("counter")
    client.gather([client.submit(coordjobs.count, lock, path, pure=False) for _ in range(40)])
    assert path.read_text() == "40"


def test_semaphore(client, tmp_path):
    s = Semaphore(max_leases=2, name="s")
    assert s.acquire(timeout=LIMIT) and s.acquire(timeout=LIMIT)
    assert not s.acquire(timeout=0.05)
    assert s.get_value() == 2
    with pytest.raises(ValueError, match="Inconsistent max leases"):
        Semaphore(max_leases=3, name="s").acquire()
    s.release()
    assert s.get_value() == 1
    s.release()
    with pytest.raises(RuntimeError, match="Released too often"):
        s.release()
    tasks = [client.submit(coordjobs.most_at_once, "inside", 1, tmp_path, pure=False) for _ in range(20)]
    assert max(client.gather(tasks)) == 1
    s.close()
    with pytest.raises(RuntimeError, match="not known"):
        s.acquire(timeout=1)


def test_multi_lock(client, tmp_path):
    path = tmp_path / "n"
    path.write_text("0")
    pairs = [["x", "y"], ["y", "z"], ["z", "x"]]
    tasks = [client.submit(coordjobs.count_two, [*pairs[i % 3], "all"], path, pure=False) for i in range(30)]
    client.gather(tasks)
    assert path.read_text() == "30"
    a, b = MultiLock(["x", "y"]), MultiLock(["y", "z"])
    assert a.acquire()
    assert not b.acquire(timeout=0.05)
    assert b.acquire(num_locks=1)
    a.release()
    b.release()
    with pytest.raises(ValueError):
        b.release()


def test_a_killed_worker_gives_its_lock_on(tmp_path, monkeypatch):
    monkeypatch.setenv("DASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_TIMEOUT", "5s")
    monkeypatch.setenv("GDASK_DISTRIBUTED__SCHEDULER__LOCKS__LEASE_VALIDATION_INTERVAL", "200ms")
    processes = [start_scheduler()]
    address = processes[0].address
    try:
        victim = start_worker(address, "victim", "--no-nanny")
        processes.append(victim)
        with Client(address, timeout=START, set_as_default=True) as client:
            client.wait_for_workers(1, timeout=START)
            task = client.submit(coordjobs.hold, "held", tmp_path / "held")
            until((tmp_path / "held").exists)
            lock = Lock("held")
            assert not lock.acquire(timeout="6s")  # longer than the lease: it is refreshed
            task.cancel()
            victim.signal(signal.SIGKILL)
            assert lock.acquire(timeout=LIMIT)
            lock.release()
    finally:
        for p in reversed(processes):
            p.stop()


def test_datasets(client, cluster):
    with Client(cluster.address, set_as_default=False, timeout=START) as publisher:
        futures = publisher.map(coordjobs.pow2, range(3))
        publisher.publish_dataset(squares=futures)
        publisher.publish_dataset(17, name="plain")
        with pytest.raises(KeyError):
            publisher.publish_dataset(squares=futures)
        publisher.publish_dataset(squares=futures[:2], override=True)
        assert publisher.list_datasets() == ("plain", "squares")
    assert client.get_dataset("plain") == 17
    assert client.gather(client.get_dataset("squares")) == [0, 1]
    with pytest.raises(KeyError):
        client.get_dataset("nothing")
    assert client.get_dataset("nothing", default=5) == 5
    client.unpublish_dataset(["squares", "plain"])
    assert client.list_datasets() == ()


def test_metadata(client):
    client.set_metadata(["a", "b"], 1)
    client.set_metadata(["a", "c"], {"d": 2})
    assert client.get_metadata(["a", "c", "d"]) == 2
    assert client.get_metadata("a") == {"b": 1, "c": {"d": 2}}
    with pytest.raises(KeyError):
        client.get_metadata("none")
    assert client.get_metadata("none", default=3) == 3


def test_topics(client):
    got = []
    client.subscribe_topic("topic", got.append)

    def heard():  # the subscription goes by another way than the events
        client.log_event("topic", {"n": 1})
        return got

    until(heard, what="an event")
    assert got[0][1] == {"n": 1}
    client.submit(coordjobs.log_event, "topic", "from a task").result(timeout=LIMIT)
    until(lambda: got[-1][1] == "from a task", what="the event of a task")
    assert client.get_events("topic")[-1][1] == "from a task"
    client.unsubscribe_topic("topic")
    assert "topic" in client.get_events()


def test_forwarded_logs(client, caplog):
    client.forward_logging("far", level=logging.ERROR)
    try:
        client.submit(coordjobs.log, "far.away", "hello from afar").result(timeout=LIMIT)
        until(lambda: any(r.getMessage() == "hello from afar" for r in caplog.records), what="the record")
        record = next(r for r in caplog.records if r.getMessage() == "hello from afar")
        assert record.name == "far.away" and record.process != os.getpid()
    finally:
        client.unforward_logging("far")


def test_print_and_warn(client, capsys):
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        client.submit(coordjobs.say, "hello", pure=False).result(timeout=LIMIT)
        until(lambda: any("careful: hello" in str(w.message) for w in list(caught)), what="the warning")
        until(lambda: "hello|42" in capsys.readouterr().out, what="the line")


def test_a_go_program_takes_part(client, cluster):
    numbers, squares, done = Queue("numbers"), Queue("squares"), Variable("done")
    done.set(0)
    binary = pathlib.Path(os.environ.get("GDASK_BIN", ROOT / "bin" / "gdask")).parent / "coordinate"
    peers = [Process(f"go program {i}", binary, cluster.address) for i in range(2)]
    try:
        for n in range(-5, 20):
            numbers.put(n)
        assert sorted(squares.get(timeout=LIMIT) for _ in range(25)) == sorted(n * n for n in range(-5, 20))
        until(lambda: done.get() == 25, what="the count")
        assert not Lock("counter").locked()
        Event("enough").set()
        for p in peers:
            assert p.popen.wait(LIMIT) == 0, p.text()
    finally:
        for p in peers:
            p.stop()
        Event("enough").clear()
