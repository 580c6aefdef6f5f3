"""The few protocol buffer messages of the plugin contract, written by hand.

Generated code would tie the reader to one range of protobuf versions, and it has to
live in whatever environment the user's own code needs. The messages are described
in gdask/plugin/v1/plugin.proto and gdask/graph/v1/graph.proto.
"""

from __future__ import annotations

import struct
from collections.abc import Iterable, Iterator


def varint(n: int) -> bytes:
    n &= (1 << 64) - 1  # negative numbers travel as ten bytes
    out = bytearray()
    while n > 0x7F:
        out.append(n & 0x7F | 0x80)
        n >>= 7
    out.append(n)
    return bytes(out)


def read_varint(data: memoryview, at: int) -> tuple[int, int]:
    result = shift = 0
    while True:
        if at >= len(data) or shift > 63:
            raise ValueError(f"varint at byte {at} does not end")
        b = data[at]
        at += 1
        result |= (b & 0x7F) << shift
        if b < 0x80:
            return result, at
        shift += 7


def fields(message: bytes) -> Iterator[tuple[int, int | memoryview]]:
    """Yield (number, value) for each field; bytes and texts come as views."""
    data, at = memoryview(message), 0
    while at < len(data):
        tag, at = read_varint(data, at)
        number, kind = tag >> 3, tag & 7
        if kind == 0:
            value, at = read_varint(data, at)
            yield number, value
            continue
        if kind == 2:
            size, at = read_varint(data, at)
        elif kind in (1, 5):
            size = 8 if kind == 1 else 4
        else:
            raise ValueError(f"field {number} has the unknown wire type {kind}")
        if at + size > len(data):
            raise ValueError(f"field {number} has {size} bytes, {len(data) - at} are left")
        yield number, data[at : at + size]
        at += size


class Message:
    """A message being written."""

    def __init__(self) -> None:
        self.parts: list[bytes] = []

    def bytes(self, number: int, value) -> Message:
        """Write a bytes or message field, also when it is empty."""
        self.parts += (varint(number << 3 | 2), varint(len(value)), value)
        return self

    def all_bytes(self, number: int, values: Iterable) -> Message:
        for v in values:
            self.bytes(number, v)
        return self

    def text(self, number: int, value: str) -> Message:
        return self.bytes(number, value.encode("utf-8", "surrogateescape")) if value else self

    def integer(self, number: int, value: int) -> Message:
        if value:
            self.parts += (varint(number << 3), varint(value))
        return self

    def double(self, number: int, value: float) -> Message:
        if value:
            self.parts += (varint(number << 3 | 1), struct.pack("<d", value))
        return self

    def encode(self) -> bytes:
        return b"".join(self.parts)


def read_request(message: bytes) -> list[memoryview]:
    """ReadRequest to its frames."""
    return [value for number, value in fields(message) if number == 1]


def task(t) -> bytes:
    """A reader.Task to the message Task."""
    m = Message().bytes(1, t.key).all_bytes(2, t.dependencies).all_bytes(3, t.run_spec)
    m.integer(4, t.order).double(5, t.priority).integer(6, t.retries)
    for worker in t.workers:
        m.text(7, worker)
    m.integer(8, int(t.allow_other_workers))
    for name, amount in t.resources.items():
        m.bytes(9, Message().text(1, name).double(2, amount).encode())
    return m.integer(10, int(t.actor)).all_bytes(11, t.annotations).encode()


def read_response(tasks: Iterable) -> bytes:
    return Message().all_bytes(1, map(task, tasks)).encode()


def read_error(text: str, exception: bytes, traceback: bytes, traceback_text: str) -> bytes:
    error = Message().text(1, text).bytes(2, exception).bytes(3, traceback)
    return Message().bytes(2, error.text(4, traceback_text).encode()).encode()
