"""Debugging and operation of a gdask scheduler with Dask's own client."""

import json
import os
import sys
import time

import pytest
from distributed import Client, get_task_stream
from distributed.cluster_dump import DumpArtefact

import jobs
from conftest import START, Process, start_scheduler, start_worker, until

LIMIT = 60  # seconds for one wait


def test_story_of_scheduler_and_workers(client):
    future = client.submit(jobs.inc, 1, key="story-1")
    assert future.result(timeout=LIMIT) == 2
    rows = client.story("story-1")
    where = {row[0] for row in rows}
    assert "scheduler" in where and len(where) == 2
    assert ("waiting", "processing") in {tuple(r[2:4]) for r in rows if r[0] == "scheduler"}
    assert any("executing" in r for r in rows if r[0] != "scheduler")


def shows(stacks):
    """Whether one of the workers' stacks is that of stack-1 in its function."""
    return any("until_there" in line for s in stacks.values() for line in s.get("stack-1", ()))


def test_call_stack_shows_where_a_task_is(client, tmp_path):
    go = tmp_path / "go"
    future = client.submit(jobs.until_there, go, key="stack-1")
    try:
        until(lambda: shows(client.call_stack()), what="the stack")  # the task may have yet to enter its function
        assert shows(client.call_stack(futures=[future]))
    finally:
        go.touch()
    future.result(timeout=LIMIT)
    assert client.call_stack(keys=["stack-1"]) == {}


def test_task_stream(client):
    client.get_task_stream(start=0, stop=0)  # begins the record
    with get_task_stream(client=client) as stream:
        futures = client.map(jobs.inc, range(5), pure=False)
        client.gather(futures)
    assert {d["key"] for d in stream.data} == {f.key for f in futures}
    for d in stream.data:
        (compute,) = [s for s in d["startstops"] if s["action"] == "compute"]
        assert compute["start"] <= compute["stop"]
        assert d["worker"].startswith("tcp://") and d["status"] == "OK" and d["thread"]
    recent = client.get_task_stream(start="1 hour")
    assert len(recent) >= 5
    assert [d["key"] for d in client.get_task_stream(count=2)] == [d["key"] for d in recent[-2:]]


def test_dump_is_read_by_dasks_own_tools(client, tmp_path):
    future = client.submit(jobs.inc, 1, key="dump-1")
    future.result(timeout=LIMIT)
    for form in ("msgpack", "yaml"):
        client.dump_cluster_state(str(tmp_path / "dump"), format=form)
    for name in ("dump.msgpack.gz", "dump.yaml"):
        dump = DumpArtefact.from_url(str(tmp_path / name))
        (task,) = [t for t in dump.scheduler_tasks_in_state("memory") if t["key"] == "dump-1"]
        assert task["prefix"] == "dump" and task["who_has"]
        assert any(t["key"] == "dump-1" for t in dump.worker_tasks_in_state("memory"))
        assert dump.scheduler_story("dump-1")["dump-1"] and dump.worker_story("dump-1")
        assert dump.missing_workers() == []
        assert set(dump["versions"]) == {"scheduler", "workers"}
    DumpArtefact.from_url(str(tmp_path / "dump.msgpack.gz")).to_yamls(root_dir=tmp_path / "tree")
    assert (tmp_path / "tree" / "scheduler" / "tasks.yaml").exists()
    with pytest.raises(PermissionError, match="dump-directory"):
        client.dump_cluster_state("file:///tmp/nowhere")


def test_logs_and_versions(client):
    lines = client.get_scheduler_logs(n=2)
    assert len(lines) == 2 and all(level and text for level, text in lines)
    assert any("scheduler started" in text for _, text in client.get_scheduler_logs())
    logs = client.get_worker_logs()
    assert len(logs) == 2 and all(logs.values())
    versions = client.get_versions(check=False)
    assert set(versions) == {"scheduler", "workers", "client"} and len(versions["workers"]) == 2


def test_scheduler_files(client, tmp_path):
    path = tmp_path / "scheduler.json"
    scheduler = start_scheduler("--scheduler-file", path)
    worker = None
    try:
        worker = start_worker(scheduler.address, "filed", "--no-nanny")
        with Client(scheduler_file=str(path), timeout=START, set_as_default=False) as other:
            assert other.scheduler.address == scheduler.address
            assert other.submit(jobs.inc, 1).result(timeout=LIMIT) == 2
            with pytest.raises(ValueError):
                other.write_scheduler_file(str(tmp_path / "second.json"))
    finally:
        for p in filter(None, (worker, scheduler)):
            p.stop()
    written = tmp_path / "written.json"
    client.write_scheduler_file(str(written))
    assert json.loads(written.read_text())["address"] == client.scheduler.address


def test_performance_report(client):
    client.get_task_stream(start=0, stop=0)
    start = time.time()
    client.gather(client.map(jobs.inc, range(3), pure=False))
    html = client.sync(client.scheduler.performance_report, start=start - 1, last_count=0, code="<the code>", mode=None)
    assert "<rect" in html and "&lt;the code&gt;" in html and "src=" not in html


def test_everything_works_with_a_go_worker_in_the_cluster(tmp_path):
    processes = [start_scheduler()]
    address = processes[0].address
    try:
        processes.append(start_worker(address, "snake", "--no-nanny"))
        binary = os.environ.get("GDASK_BIN", "gdask")
        processes.append(Process("gdask worker", binary, "worker", address, "--name", "gopher", "--worker-class", "threadpool"))
        with Client(address, timeout=START, set_as_default=False) as client:
            client.wait_for_workers(2, timeout=START)
            workers = client.scheduler_info()["workers"]
            (gopher,) = [a for a, w in workers.items() if w["name"] == "gopher"]
            assert client.submit(jobs.inc, 1, key="mixed-1").result(timeout=LIMIT) == 2
            assert {row[0] for row in client.story("mixed-1")} >= {"scheduler"}
            assert client.call_stack() == {}
            versions = client.get_versions()
            assert versions["workers"][gopher]["packages"]["go"].startswith("go1")
            assert client.get_worker_logs(workers=[gopher])[gopher]
            client.dump_cluster_state(str(tmp_path / "mixed"))
            dump = DumpArtefact.from_url(str(tmp_path / "mixed.msgpack.gz"))
            assert dump["workers"][gopher]["name"] == "gopher" and dump.missing_workers() == []
    finally:
        for p in reversed(processes):
            p.stop()


def test_upload_file_reaches_workers_and_the_reader_of_graphs(client, tmp_path):
    module = tmp_path / "uploaded_to_gdask.py"
    module.write_text("def answer(x): return x + 40\n")
    client.upload_file(str(module))
    sys.path.insert(0, str(tmp_path))
    try:
        import uploaded_to_gdask

        # By reference: whoever reads the graph must be able to import the module.
        assert client.gather(client.map(uploaded_to_gdask.answer, range(4), pure=False)) == [40, 41, 42, 43]
    finally:
        sys.path.remove(str(tmp_path))
