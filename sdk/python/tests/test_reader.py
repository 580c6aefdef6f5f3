"""The graph reader on real graphs, in process."""

import operator
import pickle

import dask
import dask._expr
import msgpack
import numpy as np
import pytest
from dask._task_spec import Task, TaskRef
from distributed.protocol import Serialized, serialize, to_serialize
from distributed.protocol.core import dumps, loads
from distributed.protocol.serialize import ToPickle

from gdask_graph import codec, reader


def message(graph, keys, **fields):
    """The frames of an update-graph message as a client sends them."""
    expr = dask._expr.LLGExpr(graph) if isinstance(graph, dict) else graph
    msg = {
        "op": "update-graph",
        "expr_ser": Serialized(*serialize(to_serialize(expr), on_error="raise")),
        "keys": set(keys),
        "internal_priority": None,
        "actors": None,
        "annotations": ToPickle({}),
    }
    annotations = fields.pop("annotations", None)
    if annotations:
        fields["annotations"] = ToPickle(annotations)
    return [bytes(f) for f in dumps(msg | fields)]


def run_spec(task):
    """What a worker makes of the run spec, as part of a message of its own."""
    first = msgpack.packb({"run_spec": {"__Pickled__": 1}})
    return loads([first, *task.run_spec])["run_spec"]


def by_key(tasks):
    return {msgpack.unpackb(t.key, use_list=False): t for t in tasks}


def inc(x):
    return x + 1


def test_a_chain_is_culled_ordered_and_runs():
    graph = {
        "a": Task("a", inc, 1),
        ("b", 0, 1.5): Task(("b", 0, 1.5), operator.add, TaskRef("a"), 10),
        "unwanted": Task("unwanted", inc, 1),
    }
    tasks = by_key(reader.read(message(graph, [("b", 0, 1.5)])))
    assert set(tasks) == {"a", ("b", 0, 1.5)}
    last = tasks[("b", 0, 1.5)]
    assert last.dependencies == [tasks["a"].key]
    assert tasks["a"].order < last.order
    assert run_spec(last)({"a": run_spec(tasks["a"])({})}) == 12


def test_collections_keep_their_tuple_keys():
    da = pytest.importorskip("dask.array")
    x = da.ones((4, 4), chunks=2).sum()
    tasks = by_key(reader.read(message(dask._expr.HLGExpr(x.dask), x.__dask_keys__())))
    assert all(isinstance(k, tuple) for k in x.__dask_keys__())
    assert set(x.__dask_keys__()) <= set(tasks)


def test_big_arrays_are_buffers_apart():
    array = np.arange(1_000_000)
    [task] = reader.read(message({"a": Task("a", np.sum, array)}, ["a"]))
    assert len(task.run_spec) == 2 and len(task.run_spec[1]) == array.nbytes
    assert run_spec(task)() == array.sum()


def test_annotations_are_evaluated():
    graph = {"a": Task("a", inc, 1), "b": Task("b", inc, 2)}
    annotations = {
        "priority": lambda key: {"a": 3, "b": 4}[key],
        "retries": 2,
        "workers": "tcp://127.0.0.1:1",
        "allow_other_workers": True,
        "resources": {"GPU": 1},
        "mine": "x",
    }
    tasks = by_key(reader.read(message(graph, "ab", annotations=annotations, actors=["b"])))
    a, b = tasks["a"], tasks["b"]
    assert (a.priority, b.priority, a.retries) == (3, 4, 2)
    assert a.workers == ["tcp://127.0.0.1:1"] and a.allow_other_workers
    assert a.resources == {"GPU": 1.0}
    assert msgpack.unpackb(a.annotations[0])["mine"] == "x"
    assert (a.actor, b.actor) == (False, True)


def test_annotations_of_a_layer_win():
    with dask.annotate(retries=5):
        x = dask.delayed(inc)(1)
    tasks = reader.read(message(dask._expr.HLGExpr(x.dask), [x.key], annotations={"retries": 1}))
    assert [t.retries for t in tasks if msgpack.unpackb(t.key) == x.key] == [5]


def test_annotations_that_are_no_msgpack_travel_beside():
    graph = {"a": Task("a", inc, 1)}
    [task] = reader.read(message(graph, ["a"], annotations={"odd": complex(1, 2)}))
    assert msgpack.unpackb(task.annotations[0]) == {"odd": {"__Pickled__": 0}}
    assert len(task.annotations) > 1


def test_an_unreadable_graph_is_a_clear_error():
    frames = message({"a": Task("a", inc, 1)}, ["a"])
    frames = [f.replace(b"LLGExpr", b"NoSuchX") for f in frames]
    with pytest.raises(RuntimeError, match="GDASK_PYTHON"):
        reader.read(frames)


def main_function(text="def f(x):\n    return x * 2\n"):
    space = {"__name__": "__main__"}
    exec(text, space)
    return space["f"]


def test_functions_of_main_are_pickled_once():
    f = main_function()
    graph = {f"k{i}": Task(f"k{i}", f, i) for i in range(3)}
    tasks = by_key(reader.read(message(graph, graph)))
    assert [run_spec(tasks[f"k{i}"])() for i in range(3)] == [0, 2, 4]


def test_a_class_of_main_takes_the_ordinary_way():
    import gdask_graph.functions

    class Local:
        __module__ = "__main__"

    spec = Task("k", main_function(), Local())
    assert gdask_graph.functions.FunctionCache().dumps(spec, []) is None


def decode(data):
    out = {}
    for number, value in codec.fields(data):
        out.setdefault(number, []).append(value if isinstance(value, int) else bytes(value))
    return out


def test_the_response_has_the_fields_of_the_contract():
    t = reader.Task(b"k", [b"d1", b"d2"], [b"h", b""], order=-3, priority=1.5, retries=300,
                    workers=["w"], allow_other_workers=True, resources={"GPU": 2.0}, actor=True)
    got = decode(decode(codec.read_response([t]))[1][0])
    assert got[1] == [b"k"] and got[2] == [b"d1", b"d2"] and got[3] == [b"h", b""]
    assert got[4] == [2**64 - 3] and got[6] == [300] and got[7] == [b"w"] and got[8] == [1] and got[10] == [1]
    assert decode(got[9][0])[1] == [b"GPU"]


@pytest.mark.parametrize("bad", [b"\x0a\x05ab", b"\xff" * 11, b"\x0b", b"\x0a"])
def test_broken_messages_are_refused(bad):
    with pytest.raises(ValueError):
        list(codec.fields(bad))


def test_errors_carry_the_true_class():
    from gdask_graph.server import pickled

    try:
        raise KeyError("x")
    except KeyError as e:
        exception, traceback = pickled(e)
    assert isinstance(pickle.loads(exception), KeyError)
    assert traceback
