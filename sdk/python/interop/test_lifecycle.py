"""The life of workers: restarts, code that runs inside of them, and their plugins."""

import os
import signal
import sys

import pytest
from distributed import Client
from distributed.diagnostics.plugin import SchedulerPlugin
from distributed.scheduler import NoValidWorkerError, NoWorkerError

import jobs
from conftest import ROOT, START, Process, start_scheduler, start_worker, until

LIMIT = 60  # seconds for one wait
BINARY = os.environ.get("GDASK_BIN", ROOT / "bin" / "gdask")


def start_go_worker(address: str, name: str, *options: str) -> Process:
    return Process(f"gdask worker {name}", BINARY, "worker", address, "--name", name, "--nthreads", "1", *options)


def info(client):
    return client.scheduler_info(n_workers=-1)["workers"]


def addresses(client):
    return {w["name"]: address for address, w in info(client).items()}


@pytest.fixture(scope="module")
def mixed():
    """Workers of Python and of Go, each with a nanny."""
    s = start_scheduler()
    workers = [start_worker(s.address, "python", "--nanny"), start_go_worker(s.address, "golang")]
    client = Client(s.address, timeout=START, set_as_default=False)
    client.wait_for_workers(2, timeout=START)
    yield client
    client.close(timeout=START)
    codes = {p.name: p.stop() for p in (*workers, s)}
    assert codes[workers[1].name] == 0 and codes[s.name] == 0, codes


@pytest.fixture
def old(mixed):
    until(lambda: len(info(mixed)) == 2, what="two workers")
    return addresses(mixed)


def test_both_kinds_have_a_nanny(mixed, old):
    for w in info(mixed).values():
        assert w["nanny"].startswith("tcp://127.0.0.1:")


def test_restart(mixed, old):
    future = mixed.submit(jobs.inc, 1, workers=[old["python"]])
    assert future.result(timeout=LIMIT) == 2
    mixed.restart(timeout=LIMIT)
    assert future.cancelled()
    new = addresses(mixed)
    assert set(new) == set(old) and not set(new.values()) & set(old.values())
    assert mixed.submit(jobs.inc, 2, workers=[new["python"]]).result(timeout=LIMIT) == 3


def test_restart_workers_by_name_and_address(mixed, old):
    got = mixed.restart_workers([old["python"]], timeout=LIMIT)
    assert got == {old["python"]: "OK"}
    assert addresses(mixed)["golang"] == old["golang"]
    assert mixed.restart_workers(["golang"], timeout=LIMIT) == {"golang": "OK"}
    new = addresses(mixed)
    assert new["golang"] != old["golang"] and new["python"] != old["python"]


def test_a_frozen_go_worker_is_killed_for_its_restart(mixed, old):
    pid = mixed.scheduler.broadcast  # the wire's own operation, as Client.run uses it
    answer = mixed.sync(pid, msg={"op": "identity"}, workers=[old["golang"]])
    os.kill(answer[old["golang"]]["pid"], signal.SIGSTOP)
    assert mixed.restart_workers(["golang"], timeout=LIMIT) == {"golang": "OK"}
    assert addresses(mixed)["golang"] != old["golang"]


def test_run(mixed, old):
    python = [old["python"]]
    assert mixed.run(jobs.inc, 1, workers=python) == {old["python"]: 2}
    assert list(mixed.run(jobs.pid, workers=python, nanny=True).values()) != list(mixed.run(jobs.pid, workers=python).values())
    with pytest.raises(ZeroDivisionError):
        mixed.run(jobs.divide, 1, 0, workers=python)
    (error,) = mixed.run(jobs.divide, 1, 0, workers=python, on_error="return").values()
    assert isinstance(error, ZeroDivisionError)
    assert mixed.run(jobs.divide, 1, 0, workers=python, on_error="ignore") == {}
    with pytest.raises(Exception, match="runs registered functions only"):
        mixed.run(jobs.pid, workers=[old["golang"]])


def test_run_on_scheduler_says_why_not(mixed, old):
    with pytest.raises(NotImplementedError, match="this scheduler is a Go process"):
        mixed.run_on_scheduler(jobs.pid)


class Noop(SchedulerPlugin):
    name = "noop"


def test_plugins_are_for_their_own_kind_of_worker(mixed, old):
    mixed.register_plugin(jobs.Marker())  # the Go worker is not asked
    assert mixed.run(jobs.mark, workers=[old["python"]]) == {old["python"]: "set up"}
    with pytest.raises(jobs.OddError):
        mixed.register_plugin(jobs.Broken())
    mixed.unregister_worker_plugin("broken")
    mixed.register_plugin(jobs.NannyMarker())
    assert mixed.run(jobs.mark, workers=[old["python"]], nanny=True) == {old["python"]: "set up"}
    mixed.restart_workers(["python"], timeout=LIMIT)
    until(lambda: len(info(mixed)) == 2, what="two workers")
    address = addresses(mixed)["python"]
    assert mixed.run(jobs.mark, workers=[address]) == {address: "set up"}  # also in the new one
    mixed.unregister_worker_plugin("marker")
    with pytest.raises(ValueError, match="marker"):
        mixed.unregister_worker_plugin("marker")
    with pytest.raises(NotImplementedError, match="plugins of its own binary"):
        mixed.register_plugin(Noop())


def test_logs_of_nannies(mixed, old):
    mixed.restart_workers(["golang"], timeout=LIMIT)
    until(lambda: len(info(mixed)) == 2, what="two workers")
    address = addresses(mixed)["golang"]
    lines = mixed.get_worker_logs(nanny=True, workers=[address])[address]
    assert any("asked to kill" in text for _, text in lines)


def test_workers_without_a_nanny_are_removed():
    s = start_scheduler()
    w = start_worker(s.address, "bare", "--no-nanny")
    try:
        with Client(s.address, timeout=START, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=START)
            with pytest.raises(ValueError, match="requires a nanny"):
                client.restart_workers(["bare"], timeout=LIMIT)
            with pytest.raises(TimeoutError, match="without a nanny"):
                client.restart(timeout="500 ms")
            assert info(client) == {}
        w.popen.wait(LIMIT)
    finally:
        w.stop()
        s.stop()


def test_duplicate_names_are_refused():
    s = start_scheduler()
    first = start_worker(s.address, "same", "--no-nanny")
    try:
        first.wait_for("Registered to")
        second = start_worker(s.address, "same", "--no-nanny", "--death-timeout", "20")
        second.wait_for("name taken, same")
        second.popen.wait(LIMIT)
        third = start_go_worker(s.address, "same")
        third.wait_for("name taken, same")
        assert third.popen.wait(LIMIT) == 1
    finally:
        first.stop()
        s.stop()


def test_duplicate_addresses_are_refused():
    s = start_scheduler()
    first = start_worker(s.address, "first", "--no-nanny")
    try:
        first.wait_for("Registered to")
        with Client(s.address, timeout=START, set_as_default=False) as client:
            client.wait_for_workers(1, timeout=START)
            (address,) = info(client)
            second = Process("dask worker second", sys.executable, "-m", "distributed.cli.dask_worker", s.address, "--name", "second",
                             "--no-nanny", "--no-dashboard", "--listen-address", "tcp://127.0.0.1:0", "--contact-address", address)
            second.wait_for("ValueError: Unexpected response from register")
            second.popen.wait(LIMIT)
            assert list(info(client)) == [address]
            assert client.submit(jobs.inc, 1).result(timeout=LIMIT) == 2
    finally:
        first.stop()
        s.stop()


def test_tasks_that_no_worker_can_run_in_time():
    s = start_scheduler("--config", os.fspath(ROOT / "sdk/python/interop/no_workers.yaml"))
    try:
        with Client(s.address, timeout=START, set_as_default=False) as client:
            with pytest.raises(NoWorkerError) as plain:
                client.submit(jobs.inc, 1, key="plain").result(timeout=LIMIT)
            assert plain.value.task == "plain" and plain.value.timeout == 0.5
            with pytest.raises(NoValidWorkerError) as picky:
                client.submit(jobs.inc, 1, key="picky", resources={"GPU": 2}, workers=["box"]).result(timeout=LIMIT)
            assert picky.value.resource_restrictions == {"GPU": 2} and "box" in str(picky.value)
    finally:
        s.stop()
