"""dask.annotate and its values, by way of the graph reader."""

import pathlib

import dask
from dask import delayed
from distributed import get_worker

LIMIT = 60  # seconds for one wait


def annotations():
    """What the worker knows of the task that runs this."""
    worker = get_worker()
    return dict(worker.state.tasks[worker.get_current_task()].annotations)


def third_time(path):
    """Fails twice."""
    tries = pathlib.Path(path)
    n = len(tries.read_text()) if tries.exists() else 0
    tries.write_text("x" * (n + 1))
    if n < 2:
        raise OSError("not yet")
    return n + 1


def test_annotations_nest_and_reach_the_worker(client):
    with dask.annotate(colour="red", priority=1), dask.annotate(size=[1, 2], priority=3):
        lazy = delayed(annotations, pure=False)()
        [future] = client.compute([lazy], optimize_graph=False)
    value = future.result(timeout=LIMIT)
    assert value["colour"] == "red" and list(value["size"]) == [1, 2] and value["priority"] == 3


def test_annotations_of_submit(client):
    with dask.annotate(colour="blue", retries=2):
        future = client.submit(annotations, pure=False)
    value = future.result(timeout=LIMIT)
    assert value["colour"] == "blue" and value["retries"] == 2


def test_values_that_are_functions_of_the_key(client):
    addresses = sorted(client.nthreads())
    with dask.annotate(workers=lambda key: addresses[int(key[-1])], tag=lambda key: key.upper()):
        lazy = [delayed(annotations)(dask_key_name=f"note-{i}") for i in range(2)]
        futures = client.compute(lazy, optimize_graph=False)
    assert [v["tag"] for v in client.gather(futures)] == ["NOTE-0", "NOTE-1"]
    holders = client.who_has(futures)
    assert [list(holders[f.key]) for f in futures] == [[a] for a in addresses]


def test_retries(client, tmp_path):
    with dask.annotate(retries=2):
        future = client.submit(third_time, str(tmp_path / "tries"), pure=False)
    assert future.result(timeout=LIMIT) == 3
