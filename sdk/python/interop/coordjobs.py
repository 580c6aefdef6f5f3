"""Functions of tasks that coordinate; workers import them."""

import logging
import os
import time

import distributed
from distributed import Event, Lock, MultiLock, Queue, Semaphore, Variable, get_client


def put(name, value):
    Queue(name).put(value)


def put_future(name, x):
    with_client = get_client()
    future = with_client.submit(pow, x, 2, key=f"square-{name}-{x}")
    Queue(name).put(future)


def take(name, timeout="60 s"):
    return Queue(name).get(timeout=timeout)


def take_future(name):
    return Queue(name).get(timeout="60 s").result(timeout=60)


def set_variable(name, value):
    Variable(name).set(value)


def get_variable(name):
    return Variable(name).get(timeout="60 s")


def wait_for(name):
    return Event(name).wait(timeout="60 s")


def count(lock, path):
    """Add one to a number in a file, which goes wrong when two do so at once."""
    with lock:
        n = int(path.read_text())
        time.sleep(0.01)
        path.write_text(str(n + 1))


def count_two(names, path):
    count(MultiLock(names), path)


def most_at_once(name, limit, directory):
    """How many tasks were inside together."""
    with Semaphore(max_leases=limit, name=name):
        mine = directory / f"{os.getpid()}-{time.time_ns()}"
        mine.touch()
        time.sleep(0.05)
        n = len(list(directory.iterdir()))
        mine.unlink()
    return n


def hold(name, started):
    """Take a lock and keep it."""
    Lock(name).acquire()
    started.touch()
    time.sleep(3600)


def say(text):
    distributed.print(text, 42, sep="|")
    distributed.warn(f"careful: {text}")


def log(name, text):
    logging.getLogger(name).error(text)


def pow2(x):
    return x * x


def log_event(topic, msg):
    distributed.get_worker().log_event(topic, msg)
