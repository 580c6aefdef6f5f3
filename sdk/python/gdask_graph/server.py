"""The plugin process: what a gdask host expects of one, over gRPC.

Beside the graph service itself these are health ("plugin"), the base service of
gdask plugins, and the controller and stdio services of the go-plugin protocol.
"""

from __future__ import annotations

import concurrent.futures
import contextlib
import importlib.util
import json
import logging
import os
import pickle
import shutil
import signal
import sys
import tempfile
import threading
import traceback

from gdask_graph import __version__, codec

MISSING = 3  # the exit code for a missing package, told apart from a crash

try:
    import grpc
except ImportError as e:
    print(e, file=sys.stderr)
    sys.exit(MISSING)

# A graph with its literals may be large; other plugins are held to 16 MiB.
MAX_MESSAGE = 256 << 20

KIND, NAME = "graph", "python"
SERVICES = ("gdask.plugin.v1.Plugin", "gdask.graph.v1.Graph")
LEVELS = {"trace": 5, "debug": 10, "info": 20, "warn": 30, "error": 40, "off": 60}

log = logging.getLogger("gdask_graph")


class JSONLines(logging.Formatter):
    """Log lines in the form that the host reads."""

    names = {10: "debug", 20: "info", 30: "warn", 40: "error", 50: "error"}

    def format(self, record: logging.LogRecord) -> str:
        text = record.getMessage()
        if record.exc_info:
            text += "\n" + self.formatException(record.exc_info)
        level = self.names.get(record.levelno, "info")
        return json.dumps({"@level": level, "@module": record.name, "@message": text})


class Plugin:
    """The services and the end of the process."""

    def __init__(self) -> None:
        self.stopping = threading.Event()
        self.orphaned = False

    def stop(self) -> None:
        self.stopping.set()

    # gdask.graph.v1.Graph

    def read(self, request: bytes, context) -> bytes:
        try:
            from gdask_graph import reader, uploads

            uploads.apply()
            return codec.read_response(reader.read(codec.read_request(request)))
        except Exception as e:
            log.info("a graph could not be read: %r", e)
            return codec.read_error(
                f"{type(e).__name__}: {e}", *pickled(e), "".join(traceback.format_exception(e))
            )

    # gdask.plugin.v1.Plugin

    def describe(self, request: bytes, context) -> bytes:
        m = codec.Message().text(1, KIND).text(2, NAME).text(3, __version__)
        for service in SERVICES:
            m.text(5, service)
        return m.encode()

    def validate(self, request: bytes, context) -> bytes:
        if problem := config_problem(request):
            return codec.Message().bytes(2, codec.Message().text(2, problem).encode()).encode()
        return b""

    def configure(self, request: bytes, context) -> bytes:
        if problem := config_problem(request):
            context.abort(grpc.StatusCode.INVALID_ARGUMENT, problem)
        for number, value in codec.fields(request):
            if number == 2:
                log.setLevel(LEVELS.get(bytes(value).decode(), logging.INFO))
        return b""

    def shutdown(self, request: bytes, context) -> bytes:
        context.add_callback(self.stop)  # after the answer was sent
        return b""

    # What go-plugin asks of every plugin.

    def health(self, request: bytes, context) -> bytes:
        names = [bytes(v).decode() for number, v in codec.fields(request) if number == 1]
        if names and names[0] not in ("", "plugin"):
            context.abort(grpc.StatusCode.NOT_FOUND, f"unknown service {names[0]!r}")
        return codec.Message().integer(1, 1).encode()  # SERVING

    def stdio(self, request: bytes, context):
        """Nothing is ever streamed; the stream stays open as long as the process."""
        while context.is_active() and not self.stopping.wait(1):
            pass
        yield from ()

    def handlers(self) -> list:
        unary, stream = grpc.unary_unary_rpc_method_handler, grpc.unary_stream_rpc_method_handler
        table = {
            "gdask.graph.v1.Graph": {"Read": unary(self.read)},
            "gdask.plugin.v1.Plugin": {
                "Describe": unary(self.describe),
                "Validate": unary(self.validate),
                "Configure": unary(self.configure),
                "Shutdown": unary(self.shutdown),
            },
            "grpc.health.v1.Health": {"Check": unary(self.health)},
            "plugin.GRPCController": {"Shutdown": unary(self.shutdown)},
            "plugin.GRPCStdio": {"StreamStdio": stream(self.stdio)},
        }
        return [grpc.method_handlers_generic_handler(name, methods) for name, methods in table.items()]


def config_problem(request: bytes) -> str:
    """Why a configuration is refused; the reader takes none."""
    for number, value in codec.fields(request):
        if number == 1 and len(value):
            try:
                config = json.loads(bytes(value))
            except ValueError as e:
                return f"the configuration is no JSON: {e}"
            if config:
                return f"the graph reader takes no configuration; remove {', '.join(map(repr, config))}"
    return ""


def pickled(error: Exception) -> tuple[bytes, bytes]:
    """The exception and its traceback for the client; at least its text."""
    from distributed.core import error_message

    try:
        msg = error_message(error)
        found = [getattr(msg[k], "data", msg[k]) for k in ("exception", "traceback")]
        return tuple(v if isinstance(v, bytes) else pickle.dumps(v, 4) for v in found)
    except Exception:
        return pickle.dumps(RuntimeError(f"{type(error).__name__}: {error}"), 4), b""


def watch_host(plugin: Plugin) -> None:
    """Stop when the host is gone: its end of the lifeline closes, however it died."""
    number = os.environ.get("GDASK_LIFELINE")
    if number:
        fd = int(number)
        os.set_inheritable(fd, False)
        while True:
            try:
                if not os.read(fd, 64):
                    break
            except InterruptedError:
                continue
            except BlockingIOError:
                import select

                select.select([fd], [], [])
            except OSError:
                break
    else:  # an older host: being given to another parent says the same, later
        parent = os.getppid()
        while os.getppid() == parent and not plugin.stopping.wait(1):
            pass
    plugin.orphaned = True
    plugin.stop()


def socket_path() -> str:
    directory = os.environ.get("PLUGIN_UNIX_SOCKET_DIR") or tempfile.mkdtemp(prefix="gdask-")
    path = os.path.join(directory, f"graph{os.getpid()}")
    limit = 107 if sys.platform == "linux" else 103
    if len(os.fsencode(path)) > limit:
        sys.exit(f"gdask_graph: the socket path {path!r} is longer than {limit} bytes; use a shorter directory")
    return path


def serve(stdout) -> None:
    """Serve until the host asks to stop or is gone. stdout gets the handshake."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JSONLines())
    logging.basicConfig(handlers=[handler], level=logging.WARNING, force=True)
    log.setLevel(logging.INFO)

    plugin = Plugin()
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # the terminal's Ctrl-C is the host's
    signal.signal(signal.SIGTERM, lambda *_: plugin.stop())
    threading.Thread(target=watch_host, args=(plugin,), daemon=True).start()

    pool = concurrent.futures.ThreadPoolExecutor(max_workers=8)
    options = [("grpc.max_receive_message_length", MAX_MESSAGE), ("grpc.max_send_message_length", MAX_MESSAGE)]
    server = grpc.server(pool, handlers=plugin.handlers(), options=options)
    path = socket_path()
    if not server.add_insecure_port("unix:" + path):
        sys.exit(f"gdask_graph: cannot listen on {path!r}")
    server.start()
    os.chmod(path, 0o600)
    print(f"1|1|unix|{path}|grpc", file=stdout, flush=True)

    # Imports take most of a second: done before the first graph comes, and
    # after the host knows that the process is there.
    threading.Thread(target=warm, daemon=True).start()
    while not plugin.stopping.wait(3600):
        pass
    server.stop(grace=1).wait(2)
    if os.path.exists(path):
        os.unlink(path)
    if plugin.orphaned and (directory := os.environ.get("GDASK_RUN_DIR")):
        shutil.rmtree(directory, ignore_errors=True)  # nobody else is left to do so
        run = os.path.dirname(directory)
        with contextlib.suppress(OSError):  # other plugins of the host may still be ending
            os.rmdir(run)
            os.unlink(run + ".pid")
    os._exit(0)  # a graph being read in a thread must not hold the process


def warm() -> None:
    try:
        from gdask_graph import reader  # noqa: F401
    except Exception as e:
        log.warning("importing dask and distributed failed: %r", e)


def main() -> None:
    # Whatever is printed later, by anybody's module, must not meet the
    # handshake: file descriptor 1 becomes standard error.
    saved = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)
    if os.environ.get("GDASK_PLUGIN") != KIND:
        sys.exit("gdask_graph is a plugin of gdask: the scheduler starts it, people do not.")
    for name in ("dask", "distributed"):
        if importlib.util.find_spec(name) is None:
            print(f"No module named {name!r}", file=sys.stderr)
            sys.exit(MISSING)
    serve(saved)
