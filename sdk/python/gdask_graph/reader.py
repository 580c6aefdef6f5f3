"""Reading a graph: from the fields of an update-graph message to tasks.

Only public pieces of dask and distributed are used, which have stayed the same from
2025.4 on; the scheduler's private helpers have not.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import dask.order
import msgpack
from dask._expr import LLGExpr
from dask._task_spec import convert_legacy_graph
from distributed.protocol import deserialize
from distributed.protocol.core import dumps, loads
from distributed.protocol.pickle import dumps as pickle_dumps
from distributed.utils import ensure_memoryview

from gdask_graph.functions import FunctionCache


@dataclass
class Task:
    """One task, as the contract has it."""

    key: bytes
    dependencies: list[bytes]
    run_spec: list
    order: int = 0
    priority: float = 0
    retries: int = 0
    workers: list[str] = field(default_factory=list)
    allow_other_workers: bool = False
    resources: dict[str, float] = field(default_factory=dict)
    actor: bool = False
    annotations: list = field(default_factory=list)


def read(frames: list) -> list[Task]:
    """Return all tasks that the keys of an update-graph message need."""
    # What is serialized for the scheduler is pickled and read here; the graph
    # itself is kept apart so that its own error message can be made.
    msg = loads(frames, deserialize=False)
    try:
        expr = deserialize(msg["expr_ser"].header, msg["expr_ser"].frames)
    except Exception as e:
        raise RuntimeError(
            "Error during deserialization of the task graph. This frequently occurs if "
            "the scheduler's graph reader and the client have different environments: "
            "start the scheduler with GDASK_PYTHON set to the client's interpreter."
        ) from e
    keys = set(msg["keys"])
    if isinstance(expr, Mapping):  # what a client sends that recreates a task
        graph, annotations = convert_legacy_graph(expr), {}
    else:
        graph = convert_legacy_graph(expr.__dask_graph__())
        annotations = merge_annotations(expr.__dask_annotations__())
    if isinstance(expr, (LLGExpr, Mapping)):
        graph = cull(graph, keys)
    order = msg.get("internal_priority") or dask.order.order(dsk=graph)
    actors = msg.get("actors") or ()
    actors = keys if actors is True else set(actors)
    return Builder(graph, order, annotations, msg.get("annotations") or {}, actors).tasks()


def merge_annotations(by_kind: Mapping) -> dict[str, dict]:
    """{annotation: {key: value}} with the values of all layers."""
    merged: dict[str, dict] = {}
    for kind, values in by_kind.items():
        merged.setdefault(kind, {}).update(values)
    return merged


def cull(graph: Mapping, keys: Iterable) -> dict:
    """The part of graph that keys need. Other expressions cull themselves."""
    found: dict = {}
    todo = list(keys)
    while todo:
        k = todo.pop()
        if k in found or k not in graph:
            continue
        found[k] = graph[k]
        todo.extend(graph[k].dependencies)
    return found


class Builder:
    """Makes the tasks of one graph."""

    def __init__(self, graph, order, by_kind, general, actors):
        self.graph, self.order = graph, order
        self.by_kind, self.general = by_kind, general
        self.actors = actors
        self.packed: dict = {}
        self.functions = FunctionCache()

    def tasks(self) -> list[Task]:
        return [self.task(key, spec) for key, spec in self.graph.items()]

    def pack_key(self, key) -> bytes:
        packed = self.packed.get(key)
        if packed is None:
            packed = self.packed[key] = msgpack.packb(key, use_bin_type=True)
        return packed

    def task(self, key, spec) -> Task:
        task = Task(
            key=self.pack_key(key),
            dependencies=[self.pack_key(d) for d in spec.dependencies],
            run_spec=self.run_spec(spec),
            order=int(self.order.get(key, 0)),
            actor=key in self.actors,
        )
        if self.by_kind or self.general:
            if annotations := self.evaluate(key):
                apply_annotations(task, annotations)
        return task

    def evaluate(self, key) -> dict[str, Any]:
        """The annotations of one key: those of its layer win over the general ones."""
        found = {k: v(key) if callable(v) else v for k, v in self.general.items()}
        for kind, values in self.by_kind.items():
            if (value := values.get(key)) is not None:
                found[kind] = value
        return found

    def run_spec(self, spec) -> list:
        """A pickled part of a comm message: header, then its out-of-band buffers."""
        buffers: list = []
        pickled = self.functions.dumps(spec, buffers)
        if pickled is None:
            buffers.clear()
            pickled = pickle_dumps(spec, buffer_callback=lambda b: buffers.append(ensure_memoryview(b)))
        header = {
            "pickled-obj": pickled,
            "compression": [None] * len(buffers),
            "num-sub-frames": len(buffers),
        }
        return [msgpack.packb(header, use_bin_type=True), *buffers]


def apply_annotations(task: Task, annotations: dict[str, Any]) -> None:
    """Give a task what the scheduler reads, and the whole for the worker."""
    for kind, value in annotations.items():
        if kind in ("workers", "restrictions"):
            one = not isinstance(value, (list, tuple, set, frozenset))
            task.workers = [str(w) for w in ([value] if one else value)]
        elif kind in ("allow_other_workers", "loose_restrictions"):
            task.allow_other_workers = bool(value)
        elif kind == "resources":
            task.resources = {str(k): number(kind, v) for k, v in value.items()}
        elif kind == "priority":
            task.priority = number(kind, value)
        elif kind == "retries":
            task.retries = int(value)
    frames = dumps(annotations)
    if len(frames) > 1:
        frames[0] = msgpack.packb(rebase(msgpack.unpackb(frames[0], use_list=False, strict_map_key=False)))
    task.annotations = frames


def rebase(value):
    """Count placeholders from the first out-of-band frame, not from the message."""
    if isinstance(value, dict):
        if len(value) == 1:
            [(k, v)] = value.items()
            if k in ("__Serialized__", "__Pickled__"):
                return {k: v - 1}
        return {k: rebase(v) for k, v in value.items()}
    if isinstance(value, tuple):
        return tuple(map(rebase, value))
    return value


def number(kind: str, value) -> float:
    result = float(value)
    if not math.isfinite(result):
        raise ValueError(f"annotation {kind}: {value!r} is no finite number")
    return result
