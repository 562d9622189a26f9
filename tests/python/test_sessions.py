"""Sessions from Python: structures of fetches, errors, threads, timeouts, cancellation, Ctrl-C, and their price."""

import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest

from tenon import _thin
from tenon._thin import errors

ROOT = Path(__file__).resolve().parents[2]


def endless(graph):
    """A loop that never ends by itself: its exit."""
    enter = graph.op("Enter", graph.constant(0), frame_name="endless")
    merge = graph.op("Merge", [enter, enter])[0]
    true = graph.op("Enter", graph.constant(True), frame_name="endless", is_constant=True)
    one = graph.op("Enter", graph.constant(0), frame_name="endless", is_constant=True)
    switch = graph.op("Switch", merge, graph.op("LoopCond", true))
    back = graph.op("NextIteration", graph.op("AddV2", switch[1], one))
    graph.set_back_edge(merge.ref[0], 1, back.ref)
    return graph.op("Exit", switch[0])


def test_structures():
    g = _thin.Graph()
    a, b = g.constant(1.0), g.constant([2, 3])
    op = g.op("NoOp", name="nothing")
    with _thin.Session(g) as s:
        assert s.run(a) == 1 and isinstance(s.run(a), np.float32)
        assert s.run([a, op]) == [1, None] and s.run((a,)) == (1,)
        got = s.run({"x": [a, {"y": b}], "z": op})
        assert got["x"][1]["y"].tolist() == [2, 3] and got["z"] is None
        assert s.run("Const:0") == 1 and s.run("nothing") is None and s.run(["Const"]) == [1]
        assert s.run([]) == []
        assert s.run((a, b), {a: 5.0})[0] == 5 and s.run(a, {a: 7, b: [1, 1]}) == 7
        x, y = g.placeholder("float32", [2]), g.placeholder("float32", [2])
        step = s.make_callable([g.op("Sub", x, y)], [x, y])
        assert step([3, 4], [1, 1])[0].tolist() == [2, 3]
        with pytest.raises(TypeError):
            step([1, 2])
        with pytest.raises(TypeError):
            s.run(3)
        with pytest.raises(errors.NotFoundError):
            s.run("missing:0")


def test_the_graph_grows():
    g = _thin.Graph()
    a = g.constant(1.0)
    with _thin.Session(g) as s:
        assert s.run(a) == 1
        assert s.run(g.op("AddV2", a, a)) == 2


def test_errors():
    g = _thin.Graph()
    x = g.placeholder("float32", [2], name="x")
    v = g.op("VariableV2", shape=[2], dtype="float32", name="weights")
    y = g.op("AddV2", v, x)
    with _thin.Session(g) as s:
        with pytest.raises(errors.InvalidArgumentError, match="x"):
            s.run(x)
        with pytest.raises(errors.FailedPreconditionError, match="weights"):
            s.run(y, {x: [1, 2]})
        with pytest.raises(errors.InvalidArgumentError):
            s.run(x, {x: [1, 2, 3]})
        with pytest.raises(errors.InvalidArgumentError):
            s.run(_thin.Graph().constant(1.0))
    with pytest.raises(errors.CancelledError):
        s.run(x, {x: [1, 2]})
    with pytest.raises(TypeError):
        _thin.Session(3)


def test_timeout_and_cancellation():
    g = _thin.Graph()
    fetch = endless(g)
    with _thin.Session(g) as s:
        start = time.monotonic()
        with pytest.raises(errors.DeadlineExceededError):
            s.run(fetch, timeout_ms=50)
        token = _thin.Cancellation()
        threading.Timer(0.05, token.cancel).start()
        with pytest.raises(errors.CancelledError):
            s.run(fetch, cancellation=token)
        threading.Timer(0.05, s.close).start()
        with pytest.raises(errors.CancelledError):
            s.run(fetch)
        assert time.monotonic() - start < 60


def test_threads_run_at_once():
    g = _thin.Graph()
    x = g.placeholder("float32", [None])
    y = g.op("Mul", g.op("AddV2", x, 1.0), 2.0)
    failures = []
    with _thin.Session(g) as s:

        def work(k):
            for i in range(200):
                size = 1 + (i + k) % 7
                if s.run(y, {x: np.full(size, k, "f")}).tolist() != [2.0 * (k + 1)] * size:
                    failures.append((k, i))

        threads = [threading.Thread(target=work, args=(k,)) for k in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    assert not failures


def test_the_lock_is_free_while_a_step_runs():
    g = _thin.Graph()
    fetch = endless(g)
    with _thin.Session(g) as s:
        ended, stop = [], _thin.Cancellation()

        def work():
            with pytest.raises(errors.CancelledError):
                s.run(fetch, cancellation=stop, timeout_ms=60000)
            ended.append(True)

        thread = threading.Thread(target=work)
        thread.start()
        for _ in range(100):
            time.sleep(0.001)
        assert thread.is_alive()
        stop.cancel()
        thread.join()
        assert ended


INTERRUPTED = """
import os, signal, sys, threading, time
sys.path[:0] = [{tests!r}, {python!r}]
signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may have started the tests without
from tenon import _thin
from test_sessions import endless
g = _thin.Graph()
fetch = endless(g)
s = _thin.Session(g)
{handler}
threading.Timer(0.3, lambda: os.kill(os.getpid(), signal.SIGINT)).start()
start = time.monotonic()
try:
    s.run(fetch, timeout_ms={limit})
except KeyboardInterrupt:
    print("interrupted")
except _thin.errors.DeadlineExceededError:
    print("ended by itself")
c = g.constant(3)
print(s.run(c), time.monotonic() - start < {limit} / 2000)
"""


@pytest.mark.parametrize("handler,limit,printed", [
    ("", 40000, "interrupted\n3 True"),
    ("signal.signal(signal.SIGINT, lambda *_: None)", 2000, "ended by itself\n3 False"),
])  # fmt: skip
def test_ctrl_c(handler, limit, printed):
    """Ctrl-C stops the step, unless the program has a handler of its own; the session lives on."""
    folders = {"tests": str(Path(__file__).parent), "python": str(ROOT / "python")}
    code = INTERRUPTED.format(**folders, handler=handler, limit=limit)
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60)
    assert done.stdout.strip() == printed, done.stderr


def test_metadata():
    g = _thin.Graph()
    y = g.op("MatMul", np.ones((20, 20), "f"), np.ones((20, 20), "f"), name="product")
    trace = _thin.RunMetadata()
    with _thin.Session(g, disabled_passes="all") as s:
        s.run(y, trace=trace)
    assert b"product" in trace.step_stats and "product" in trace.chrome_trace


def run_python(code, **env):
    path = os.pathsep.join([str(ROOT / "python"), os.environ.get("PYTHONPATH", "")])
    env = {**os.environ, "PYTHONPATH": path, **env}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, timeout=60, env=env)
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def test_import_leaves_numpy_out():
    assert run_python("import sys, tenon; print('numpy' in sys.modules)") == "False"


def test_idle_threads_sleep():
    code = """
import time, numpy as np
from tenon import _thin
g = _thin.Graph()
x = g.placeholder("float32")
y = g.op("MatMul", x, x)
s = _thin.Session(g, intra_op_threads=2)
s.run(y, {x: np.ones((500, 500), "f")})
start = time.process_time()
time.sleep(0.5)
print(time.process_time() - start)
"""
    assert float(run_python(code)) < 0.1


def test_a_forked_child_can_run():
    code = """
import os, numpy as np
from tenon import _thin
g = _thin.Graph()
y = g.op("MatMul", np.ones((300, 300), "f"), np.ones((300, 300), "f"))
assert _thin.Session(g).run(y)[0, 0] == 300
pid = os.fork()
ok = _thin.Session(g).run(y)[0, 0] == 300
if pid == 0:
    os._exit(0 if ok else 1)
print(os.waitpid(pid, 0)[1])
"""
    assert run_python(code) == "0"


def test_signal_handlers_are_left_alone():
    code = """
import signal
before = signal.getsignal(signal.SIGINT)
from tenon import _thin
print(signal.getsignal(signal.SIGINT) is before)
"""
    assert run_python(code) == "True"
