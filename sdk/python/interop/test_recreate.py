"""Tasks that are run once more in the client, by way of the gdask scheduler."""

import os

import pytest

import jobs

LIMIT = 60  # seconds for one wait


def where(x):
    return os.getpid(), x


def test_recreate_task_locally(client):
    future = client.submit(where, client.submit(jobs.inc, 1))
    pid, value = future.result(timeout=LIMIT)
    assert pid != os.getpid() and value == 2
    assert client.recreate_task_locally(future) == (os.getpid(), 2)


def test_recreate_error_locally(client):
    bad = client.submit(jobs.divide, client.submit(jobs.inc, 1), 0)
    last = client.submit(jobs.inc, bad)
    assert isinstance(last.exception(timeout=LIMIT), ZeroDivisionError)
    with pytest.raises(ZeroDivisionError) as info:
        client.recreate_error_locally(last)
    assert info.traceback[-1].name == "divide"


def test_an_unknown_key_is_an_error(client):
    with pytest.raises(KeyError):
        client.recreate_task_locally("nobody")
