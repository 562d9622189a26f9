"""Mutexes and their locks."""

import numpy as np

from oracle.api import program


def sections(g):
    """Each of three steps adds one to a variable five times, each time while the mutex is held."""
    mutex = g.op("MutexV2", shared_name="m")
    v = g.op("VarHandleOp", dtype="float32", shape=[], shared_name="v")
    start = g.op("AssignVariableOp", v, g.constant(np.float32(0)))
    ends, seen = [], []
    for _ in range(5):
        lock = g.op("MutexLock", mutex)
        before = g.op("ReadVariableOp", v, dtype="float32", control_inputs=[lock])
        sum_ = g.op("AddV2", before, g.constant(np.float32(1)))
        add = g.op("AssignVariableOp", v, sum_)
        ends.append(g.op("ConsumeMutexLock", lock, control_inputs=[add]))
        seen.append(before)
    total = g.op("AddN", seen, control_inputs=ends)
    return [[start], [total], [total], [total]]


program("locks held one after the other", sections)


def dropped(g):
    """A lock that nobody consumes goes with its step."""
    lock = g.op("MutexLock", g.op("MutexV2"))
    done = g.op("Identity", g.constant(np.float32(3)), control_inputs=[lock])
    return [[done], [done], [done]]


program("locks that nobody consumes", dropped)
