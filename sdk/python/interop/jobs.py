"""Functions that tasks of the suite call; workers import them."""

import os
import time


def inc(x):
    return x + 1


def divide(a, b):
    return a / b


def middle(a, b):
    """A frame between the caller and the error."""
    return divide(a, b)


def slow_inc(x, delay=0.05):
    time.sleep(delay)
    return x + 1


def pid():
    return os.getpid()


class OddError(Exception):
    """An error class that a worker and a client know, and the scheduler does not."""

    def __init__(self, code, text):
        super().__init__(code, text)
        self.code = code


def odd(code):
    raise OddError(code, "odd")
