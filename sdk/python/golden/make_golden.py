"""Golden vectors of the Dask wire protocol, made by distributed itself.

Without arguments, writes one file per message into sdk/wire/testdata/golden: the
exact bytes that a TCP comm of distributed writes. With ``--check DIR``, reads what
gdask's Go tests wrote after decoding those files (``GDASK_GOLDEN_OUT=DIR go test
./sdk/wire -run Golden``) and compares the values with the originals.
"""

from __future__ import annotations

import argparse
import operator
import pathlib
import struct
import sys
from typing import Any

import numpy as np
from dask._task_spec import Task
from dask.typing import no_default
from distributed.comm.tcp import _add_frames_header
from distributed.core import Status
from distributed.protocol import Serialize, dumps, loads
from distributed.protocol.pickle import dumps as pickle_dumps
from distributed.protocol.serialize import ToPickle
from distributed.protocol.utils import unpack_frames

HERE = pathlib.Path(__file__).resolve().parent
DEFAULT_OUT = HERE.parents[1] / "wire" / "testdata" / "golden"

# Every form that a key can have, and the integers at which msgpack's form changes.
KEYS = [
    "x",
    "x" * 31,
    "x" * 32,
    "x" * 300,
    "äöü",
    b"y",
    b"y" * 256,
    0,
    127,
    128,
    255,
    256,
    65535,
    65536,
    2**32,
    2**63,
    -1,
    -32,
    -33,
    -129,
    -32769,
    -(2**31) - 1,
    1.5,
    ("x", 0),
    ("a", ("b", -1, 2.5), b"z"),
    ("only",),
]


def array(n: int) -> np.ndarray:
    return np.arange(n, dtype="i8")


def handshake() -> Any:
    return {"compression": None, "python": (3, 11, 7), "pickle-protocol": 5}


def compute_task(key: Any, payload: Any) -> dict:
    return {
        "op": "compute-task",
        "key": key,
        "run_id": 7,
        "priority": (0, 1, 2.5),
        "stimulus_id": "compute-task-1",
        "who_has": {("d", 1): ("tcp://127.0.0.1:1", "tcp://127.0.0.1:2")},
        "nbytes": {("d", 1): 80},
        "run_spec": ToPickle(Task(key, operator.add, payload, 1)),
        "resource_restrictions": {"GPU": 1},
        "actor": False,
        "annotations": {"retries": 2},
        "span_id": None,
    }


def task_finished() -> dict:
    return {
        "op": "task-finished",
        "key": ("x", 0),
        "run_id": 7,
        "nbytes": 28,
        "type": pickle_dumps(int),
        "typename": "int",
        "metadata": {},
        "thread": 140_000_000_000_000,
        "startstops": ({"action": "compute", "start": 1.5, "stop": 2, "source": "tcp://127.0.0.1:1"},),
        "status": "OK",
        "stimulus_id": "task-finished-1",
    }


def task_erred() -> dict:
    return {
        "op": "task-erred",
        "key": "bad",
        "run_id": 8,
        "exception": Serialize(ValueError("no")),
        "traceback": None,
        "exception_text": "ValueError('no')",
        "traceback_text": "",
        "thread": 1,
        "startstops": (),
        "status": "error",
        "stimulus_id": "task-erred-1",
    }


def update_graph() -> dict:
    return {
        "op": "update-graph",
        "expr_ser": Serialize({"any": "expression"}),
        "keys": {("x", 0)},
        "internal_priority": None,
        "submitting_task": None,
        "fifo_timeout": "100 ms",
        "actors": False,
        "code": ToPickle(()),
        "annotations": ToPickle({"priority": 1}),
        "span_metadata": ToPickle({"collections": []}),
    }


def register_worker() -> dict:
    return {
        "op": "register-worker",
        "reply": False,
        "address": "tcp://127.0.0.1:1234",
        "status": "init",
        "nthreads": 2,
        "name": 3,
        "now": 1_700_000_000.25,
        "resources": {},
        "memory_limit": None,
        "local_directory": "/tmp/dask",
        "services": {},
        "nanny": None,
        "pid": 77,
        "versions": {"host": {"python": "3.11.7.final.0"}},
        "metrics": {
            "task_counts": {"executing": 1, "memory": 4},
            "bandwidth": {"total": 100000000, "workers": {}, "types": {}},
            "digests_total_since_heartbeat": {("execute", "inc", "thread-cpu", "seconds"): 0.5},
            "managed_bytes": 9,
            "spilled_bytes": {"memory": 0, "disk": 0},
            "cpu": 3,
            "memory": 12345678,
        },
        "extra": {},
        "stimulus_id": "worker-connect-1",
        "server_id": "Worker-1",
    }


def vectors() -> dict[str, Any]:
    return {
        "handshake": handshake(),
        "ok": "OK",
        "nil": None,
        "keys": [{"op": "client-desires-keys", "keys": KEYS, "client": "c"}],
        "client-opening": {"op": "register-client", "client": "c", "reply": False, "versions": {"a": (1, 2)}},
        "client-batch": [
            {"op": "heartbeat-client"},
            update_graph(),
            {"op": "client-releases-keys", "keys": ["x", ("y", 1)], "client": "c"},
            {"op": "cancel-keys", "keys": ["x"], "force": True, "reason": None, "msg": None},
        ],
        "op-last": [{"keys": ("k",), "stimulus_id": "s", "op": "free-keys"}],
        "compute-task": [compute_task("plain", 1)],
        "compute-task-buffers": [compute_task(("big", 0), array(9_000)), compute_task("small", array(4))],
        "task-finished": [task_finished()],
        "task-erred": [task_erred()],
        "register-worker": register_worker(),
        "identity": {"op": "identity", "n_workers": -1, "close": True},
        "get-data": {"op": "get_data", "keys": {"k"}, "who": None},
        "data": {"status": "OK", "data": {"k": Serialize(array(9_000)), ("j", 1): Serialize("text")}},
        "busy": {"status": "busy"},
        "nested": {
            "list": [Serialize(array(3)), {"deep": (Serialize(array(9_000)), 3)}],
            "pickled": ToPickle({"n": array(9)}),
            "set": {1},
            "enum": no_default,
            "status": Status.running,
            5: {("t", 1): None},
        },
    }


def encode(message: Any) -> bytes:
    frames, _, _ = _add_frames_header(dumps(message))
    return b"".join(bytes(memoryview(f).cast("B")) for f in frames if len(f))


def decode(raw: bytes) -> Any:
    """Reads one message with its frames where they stand, inside the region or after it."""
    (region,) = struct.unpack_from("<Q", raw)
    frames, rest = unpack_frames(memoryview(bytearray(raw[8 : 8 + region])), partial=True)
    at = 8 + region
    for n in rest:
        frames.append(memoryview(bytearray(raw[at : at + n])))
        at += n
    if at != len(raw):
        raise ValueError(f"{len(raw) - at} bytes behind the last frame")
    return loads(frames)


def same(a: Any, b: Any) -> bool:
    """Equality that knows arrays, and takes lists for tuples and for sets."""
    if isinstance(a, np.ndarray) or isinstance(b, np.ndarray):
        return isinstance(a, np.ndarray) and isinstance(b, np.ndarray) and bool(np.array_equal(a, b))
    if isinstance(a, Task) and isinstance(b, Task):
        return a.key == b.key and a.func == b.func and same(a.args, b.args)
    if isinstance(a, BaseException):
        return type(a) is type(b) and a.args == b.args
    if isinstance(a, dict) and isinstance(b, dict):
        return a.keys() == b.keys() and all(same(v, b[k]) for k, v in a.items())
    if isinstance(a, set):
        return a == set(b)
    if isinstance(a, (list, tuple)) and isinstance(b, (list, tuple)):
        return len(a) == len(b) and all(same(x, y) for x, y in zip(a, b))
    return bool(a == b) and isinstance(a, bool) == isinstance(b, bool)


def lenient(name: str, value: Any) -> Any:
    """What gdask may say differently: None where it has text, a number for a duration."""
    if name == "client-batch":
        value[1]["fifo_timeout"] = 0.1
        value[3]["reason"] = value[3]["msg"] = ""
    elif name == "get-data":
        value["who"] = ""
    elif name == "register-worker":
        value["memory_limit"] = 0
    elif name == "task-erred":
        for field in ("exception_text", "traceback_text", "run_id"):
            if not value[0][field]:
                del value[0][field]
    return value


def write(out: pathlib.Path) -> None:
    out.mkdir(parents=True, exist_ok=True)
    for name, message in vectors().items():
        (out / f"{name}.bin").write_bytes(encode(message))
    print(f"wrote {len(vectors())} vectors to {out}")


def check(directory: pathlib.Path) -> int:
    failed = 0
    for name, message in vectors().items():
        path = directory / f"{name}.bin"
        want = lenient(name, decode(encode(message)))
        try:
            got = decode(path.read_bytes())
        except Exception as e:
            print(f"FAIL {name}: {type(e).__name__}: {e}")
            failed += 1
            continue
        if not same(want, got):
            print(f"FAIL {name}:\n  want {want!r}\n  got  {got!r}")
            failed += 1
    print(f"{len(vectors()) - failed} of {len(vectors())} vectors came back as they were sent")
    return 1 if failed else 0


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=pathlib.Path, default=DEFAULT_OUT)
    parser.add_argument("--check", type=pathlib.Path, metavar="DIR")
    args = parser.parse_args()
    if args.check:
        return check(args.check)
    write(args.out)
    return 0


if __name__ == "__main__":
    sys.exit(main())
