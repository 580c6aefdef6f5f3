"""Pickling tasks whose function has to travel by value.

A function of the client's __main__ is pickled with its code, which takes several
times as long as everything else of a task. A graph of many tasks has few functions,
so each is pickled once and its bytes are put into every task that calls it.
"""

from __future__ import annotations

import io
import pickle
import types

import cloudpickle


class FunctionCache:
    """Pickles the tasks of one graph."""

    def __init__(self) -> None:
        # By identity: the functions are kept alive beside their bytes.
        self.known: dict[int, tuple[types.FunctionType, bytes]] = {}

    def dumps(self, spec, buffers: list) -> bytes | None:
        """Pickle spec if it calls a function of __main__, else return None.

        None also means that the ordinary way has to do it: something inside needs
        more than plain pickling.
        """
        if not by_value(getattr(spec, "func", None)):
            return None
        out = io.BytesIO()
        try:
            _Pickler(self, out, buffers).dump(spec)
        except Exception:
            return None
        return out.getvalue()

    def bytes_of(self, func: types.FunctionType) -> bytes:
        known = self.known.get(id(func))
        if known is None:
            known = self.known[id(func)] = (func, cloudpickle.dumps(func))
        return known[1]


def by_value(func) -> bool:
    return isinstance(func, types.FunctionType) and func.__module__ == "__main__"


class _Pickler(pickle.Pickler):
    """Plain pickle, but functions of __main__ go as their stored bytes."""

    def __init__(self, cache: FunctionCache, out: io.BytesIO, buffers: list) -> None:
        super().__init__(out, protocol=5, buffer_callback=lambda b: buffers.append(b.raw()))
        self.cache = cache

    def reducer_override(self, obj):
        if by_value(obj):
            return pickle.loads, (self.cache.bytes_of(obj),)
        if isinstance(obj, type) and obj.__module__ == "__main__":
            raise pickle.PicklingError(f"{obj!r} needs cloudpickle")
        return NotImplemented
