"""tf.train.SyncShardsOptimizer: synchronous training whose result does not depend on who computed what, and when."""

import os
import zlib

import numpy as np

from tenon import _core
from tenon.python.framework import dtypes, ops
from tenon.python.framework.indexed_slices import IndexedSlices
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops
from tenon.python.training import optimizer, session_run_hook
from tenon.python.util.tf_export import tf_export

_op = gen_ops.by_type
NO_END = np.iinfo(np.int64).max
COMPUTE, UPDATE, STOP = range(3)


def number(text):
    """A number that stands for a text."""
    return zlib.crc32(text.encode())


@tf_export("train.SyncShardsOptimizer")
class SyncShardsOptimizer(optimizer.Optimizer):
    """Wraps an optimizer: a step is divided into SHARDS, whose gradients are averaged in the order of shards.

    Workers claim shards; each run of the training operation computes the gradients of one. What it reads must depend
    on its step and shard alone: `feed_fn` of the hook, or the tensors `step` and `shard`. What random ops with a seed
    draw does so. Then the variables after a step are the same, bit for bit, whatever the number of workers, and whoever
    was killed and restarted. A shard that takes four times as long as others did, and PATIENCE_SECS, is computed by
    another worker too.
    """

    def __init__(self, opt, shards, patience_secs=2.0, use_locking=False, name="sync_shards"):
        super().__init__(use_locking, name)
        if shards < 1:
            raise ValueError(f"shards must be at least 1, not {shards}")
        self._opt, self._shards, self._patience = opt, int(shards), float(patience_secs)
        self._places = {}
        self._update = None

    # --- the place of a run ---

    @property
    def shards(self):
        """How many shards a step has."""
        return self._shards

    @property
    def _place(self):
        """What a claim gave, fed: (epoch, step, shard, kind)."""
        graph = ops.get_default_graph()
        if graph not in self._places:
            with ops.control_dependencies(None), ops.name_scope(None):
                self._places[graph] = array_ops.placeholder(dtypes.int64, [4], name=f"{self._name}_place")
        return self._places[graph]

    @property
    def step(self):
        """The step of the shard that a run computes, a scalar int64 tensor."""
        return self._place[1]

    @property
    def shard(self):
        """The shard that a run computes, from 0 on, a scalar int64 tensor."""
        return self._place[2]

    # --- the wrapped optimizer's ---

    def compute_gradients(self, *args, **kwargs):
        """The wrapped optimizer's gradients."""
        return self._opt.compute_gradients(*args, **kwargs)

    def get_slot(self, *args, **kwargs):
        """The wrapped optimizer's slot."""
        return self._opt.get_slot(*args, **kwargs)

    def variables(self):
        """The wrapped optimizer's variables."""
        return self._opt.variables()

    def get_slot_names(self, *args, **kwargs):
        """The wrapped optimizer's slot names."""
        return self._opt.get_slot_names(*args, **kwargs)

    # --- the operations ---

    def _gather(self, gradient, variable, begin, puts):
        """Keeps GRADIENT by shard; the mean of all shards."""
        name = variable.name.split(":")[0]
        with ops.device(variable.device):
            kept = _op("_ShardGradients")(shards=self._shards, shared_name=f"{name}/{self._name}")
            begin.append(_op("_ShardGradientsReset")(kept, self._epoch, self._begin))
            if not isinstance(gradient, IndexedSlices):
                puts.append(_op("_ShardPut")(kept, self._place, gradient))
                mean = _op("_ShardTake")(kept, self._place, T=gradient.dtype.base_dtype)
                mean.set_shape(variable.get_shape())
                return mean
            indices = math_ops.cast(gradient.indices, dtypes.int64)
            puts.append(_op("_ShardPutRows")(kept, self._place, gradient.values, indices))
            indices, values = _op("_ShardTakeRows")(kept, self._place, T=gradient.dtype.base_dtype)
            indices.set_shape([None])
            values.set_shape([None, *variable.get_shape()[1:]])
            return IndexedSlices(values, indices, dense_shape=gradient.dense_shape)

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """The operation that a worker runs: gives the gradients of its shard."""
        pairs = list(grads_and_vars)
        if not pairs:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to count the steps")
        self._global_step = global_step
        puts, begin, means = [], [], []
        with ops.name_scope(None, self._name):
            self._epoch, self._begin, self._last = (
                array_ops.placeholder(dtypes.int64, [], name=what) for what in ("epoch", "begin", "last")
            )
            for gradient, variable in pairs:
                means.append(None if gradient is None else self._gather(gradient, variable, begin, puts))
            with ops.device(global_step.device), ops.name_scope(""):
                update = self._opt.apply_gradients(
                    [(mean, variable) for mean, (_, variable) in zip(means, pairs)], global_step
                )
            return self._queue(update, begin, puts, name)

    def _queue(self, update, begin, puts, name):
        """Who computes what: the worker's operation is returned."""
        self._worker = array_ops.placeholder(dtypes.int64, [], name="worker")
        self._updates = array_ops.placeholder(dtypes.bool, [], name="updates")
        with ops.device(self._global_step.device):
            queue = _op("_ShardQueue")(shards=self._shards, patience=self._patience, shared_name=f"{self._name}_queue")
            # Shards are claimed once the gradients of the new epoch are wanted.
            with ops.control_dependencies(begin):
                self._reset = _op("_ShardQueueReset")(queue, self._epoch, self._begin, self._last)
            self._close = _op("_ShardQueueClose")(queue)
            claimed = _op("_ShardClaim")(queue, self._worker, self._updates)
            with ops.control_dependencies([update]):
                self._update = _op("_ShardNext")(queue, self._place)
            with ops.control_dependencies(puts):
                done = _op("_ShardDone")(queue, self._place)
        with ops.control_dependencies([_op("_RandomAddress")(claimed[1:3])]):
            self._claimed = array_ops.identity(claimed)
        return control_flow_ops.group(done, name=name)

    def make_session_run_hook(self, is_chief, feed_fn=None, last_step=None):
        """The hook that claims a shard before each run of a MonitoredSession, and on the chief makes the updates.

        FEED_FN(step, shard) gives a dict of what the run is fed. At LAST_STEP all workers are told to stop.
        """
        return _SyncShardsHook(self, is_chief, feed_fn, last_step)


class _SyncShardsHook(session_run_hook.SessionRunHook):
    """Claims shards; on the chief makes the updates."""

    def __init__(self, sync_optimizer, is_chief, feed_fn, last_step):
        self._optimizer, self._is_chief, self._feed_fn = sync_optimizer, is_chief, feed_fn
        self._last_step = NO_END if last_step is None else last_step

    def begin(self):
        if self._optimizer._update is None:
            raise ValueError("SyncShardsOptimizer.apply_gradients should be called before using the hook.")

    def after_create_session(self, session, coord):
        o = self._optimizer
        self._who = {o._worker: number(session.sess_str), o._updates: self._is_chief}
        if not self._is_chief:
            return
        epoch = int.from_bytes(os.urandom(7), "big") + 1
        step = session.run(o._global_step)
        session.run(o._reset, {o._epoch: epoch, o._begin: step, o._last: self._last_step})

    def before_run(self, run_context):
        o, session = self._optimizer, run_context.session
        while True:
            place = session.run(o._claimed, self._who)
            if place[3] != UPDATE:
                break
            _core.fault("update")
            session.run(o._update, {o._place: place})
        _core.fault("claim")
        if place[3] == STOP:
            run_context.request_stop()
        feeds = dict(self._feed_fn(int(place[1]), int(place[2]))) if self._feed_fn else {}
        return session_run_hook.SessionRunArgs(None, {o._place: place, **feeds})

    def end(self, session):
        if self._is_chief:
            session.run(self._optimizer._close)
