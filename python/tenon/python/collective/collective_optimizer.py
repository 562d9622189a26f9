"""tf.collective: data parallelism without parameter servers. Workers form a ring along which gradients are added."""

import time

import numpy as np

from tenon import _core
from tenon.python.client import session as session_lib
from tenon.python.framework import dtypes, errors, ops
from tenon.python.ops import array_ops, control_flow_ops, gen_ops, math_ops, variables
from tenon.python.platform import tf_logging as logging
from tenon.python.training import session_run_hook
from tenon.python.training.sync_shards_optimizer import (
    NO_END,
    STOP,
    UPDATE,
    SyncShardsOptimizer,
)
from tenon.python.util.tf_export import tf_export

_op = gen_ops.by_type
_REJOIN = 3


class _Ring:
    """Which workers there may be, and which make the ring now."""

    def __init__(self):
        self.job, self.index, self.workers, self.members = "worker", 0, 1, []


_ring = _Ring()


@tf_export("collective.init")
def init(cluster, task_index, job_name="worker"):
    """Tells which task of which job this is; all tasks of the job may take part. CLUSTER is a ClusterSpec."""
    count = cluster.num_tasks(job_name)
    if not 0 <= task_index < count:
        raise ValueError(f"The job '{job_name}' has {count} tasks; {task_index} is none of them")
    _ring.job, _ring.index, _ring.workers, _ring.members = job_name, task_index, count, []


@tf_export("collective.size")
def size():
    """How many workers make the ring now; before there is one, how many may."""
    return len(_ring.members) or _ring.workers


@tf_export("collective.rank")
def rank():
    """This worker's place in the ring; before there is one, the number of its task."""
    return _ring.members.index(_ring.index) if _ring.index in _ring.members else _ring.index


@tf_export("collective.DistributedOptimizer")
class DistributedOptimizer(SyncShardsOptimizer):
    """Wraps an optimizer: all workers apply the mean of the gradients of SHARDS (None: as many as there are workers).

    Each worker has all variables; a run of the training operation computes the gradients of one shard, as with
    SyncShardsOptimizer, and the weights have the same bits. Gradients are put into buckets of up to BUCKET_BYTES, which
    go around the ring while others are still computed. Workers may come and go: who is silent for PATIENCE_SECS after
    the others noticed that the ring broke is left out; who comes gets the variables of the others.
    """

    def __init__(self, opt, shards=None, bucket_bytes=4 << 20, patience_secs=3.0, start_secs=60.0, use_locking=False,
                 name="collective"):  # fmt: skip
        super().__init__(opt, shards or _ring.workers, patience_secs, use_locking, name)
        self._bucket_bytes, self._start = bucket_bytes, float(start_secs)

    def _buckets(self, pairs):
        """Lists of places in PAIRS whose gradients go together: the last layer's come first."""
        buckets, room = [], {}
        for i in reversed(range(len(pairs))):
            gradient, variable = pairs[i]
            if gradient is None:
                continue
            kind = gradient.dtype.base_dtype
            bytes_ = variable.get_shape().num_elements() * kind.size
            if room.get(kind, 0) < bytes_:
                buckets.append([])
                room[kind] = self._bucket_bytes
            room[kind] -= bytes_
            # Of one type are those of the bucket that was opened last for it.
            next(b for b in reversed(buckets) if not b or pairs[b[0]][0].dtype.base_dtype == kind).append(i)
        return buckets

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """The operation that a worker runs: gives the gradients of its shard."""
        if global_step is None:
            raise ValueError("Global step is required to count the steps")
        pairs = [(g if g is None else ops.convert_to_tensor(g), v) for g, v in grads_and_vars]
        if not any(g is not None for g, _ in pairs):
            raise ValueError("Must supply at least one variable with a gradient")
        unknown = [v.name for _, v in pairs if not v.get_shape().is_fully_defined()]
        if unknown:
            raise ValueError(f"The shapes of all variables must be known; not so: {', '.join(unknown)}")
        self._global_step = global_step
        puts, means = [], [None] * len(pairs)
        with ops.name_scope(None, self._name):
            buckets = self._buckets(pairs)
            for number, places in enumerate(buckets):
                gradients = [pairs[i][0] for i in places]
                puts.append(_op("_CollectivePut")(self._place, gradients, bucket=number))
                shapes = [pairs[i][1].get_shape() for i in places]
                kind = gradients[0].dtype.base_dtype
                taken = _op("_CollectiveTake")(self._place, T=kind, N=len(places), bucket=number, shapes=shapes)
                for i, mean in zip(places, taken):
                    means[i] = mean
            with ops.name_scope(""):
                update = self._opt.apply_gradients(
                    [(mean, variable) for mean, (_, variable) in zip(means, pairs)], global_step
                )
            with ops.control_dependencies([update]):
                self._update = _op("_CollectiveDone")(self._place)
            self._rings(pairs, buckets)
            return control_flow_ops.group(*puts, name=name)

    def _rings(self, pairs, buckets):
        """What a worker runs beside its steps."""
        self._view = array_ops.placeholder(dtypes.int64, [None], name="view")
        self._who = array_ops.placeholder(dtypes.int64, [3], name="who")
        self._last = array_ops.placeholder(dtypes.int64, [], name="last")
        self._begin = _op("_CollectiveBegin")(
            self._view, shards=self._shards, types=[pairs[b[0]][0].dtype.base_dtype for b in buckets],
            elements=[sum(pairs[i][1].get_shape().num_elements() for i in b) for b in buckets],
        )  # fmt: skip
        self._leave = _op("_CollectiveLeave")()
        at = math_ops.cast(array_ops.identity(self._read(self._global_step)), dtypes.int64)
        place = _op("_CollectiveNext")(at, self._last)
        with ops.control_dependencies([_op("_RandomAddress")(place[1:3])]):
            self._claimed = array_ops.identity(place)
        with ops.device(f"/job:{_ring.job}/task:0"):
            group = _op("_CollectiveGroup")(
                workers=_ring.workers, patience=self._patience, start=self._start, shared_name=f"{self._name}_group"
            )
            self._join = _op("_CollectiveJoin")(group, self._who)

    @staticmethod
    def _read(variable):
        return variable.read_value() if hasattr(variable, "read_value") else variable

    def _send_variables(self):
        """An operation after which all global variables have the values of the ring's root."""
        found = variables.global_variables()
        with ops.name_scope(None, self._name):
            values = _op("_CollectiveSync")([self._read(variable) for variable in found])
            return control_flow_ops.group(*(variable.assign(value) for variable, value in zip(found, values)))

    def make_session_run_hook(self, is_chief=None, feed_fn=None, last_step=None, max_wait_secs=600.0):
        """The hook that every worker needs: keeps it in a ring, says which shard a run computes, makes the updates.

        FEED_FN(step, shard) gives a dict of what the run is fed. At LAST_STEP all workers stop. Who finds the first
        worker's task gone for MAX_WAIT_SECS gives up. IS_CHIEF is not needed: each worker updates its variables.
        """
        return _CollectiveHook(self, feed_fn, last_step, max_wait_secs)


class _CollectiveHook(session_run_hook.SessionRunHook):
    """Joins rings and says what to compute."""

    def __init__(self, sync_optimizer, feed_fn, last_step, max_wait_secs):
        self._optimizer, self._feed_fn, self._max_wait = sync_optimizer, feed_fn, max_wait_secs
        self._last = NO_END if last_step is None else last_step
        self._control = None

    def begin(self):
        if self._optimizer._update is None:
            raise ValueError("DistributedOptimizer.apply_gradients should be called before using the hook.")
        self._sync = self._optimizer._send_variables()

    def after_create_session(self, session, coord):
        # Its variables are initialised or restored: who has trained goes before.
        self._fresh = 1

    # --- rings ---

    def _drop_control(self):
        if self._control is not None:
            try:
                self._control.close()
            except errors.OpError as error:
                logging.info("Closing a session to the first worker: %s", error)
            self._control = None

    def _join(self, session, step):
        """The next ring, which the first worker's task makes; waits for that where it is gone."""
        until = time.monotonic() + self._max_wait
        while True:
            try:
                if self._control is None:
                    self._control = session_lib.Session(session.sess_str, graph=session.graph)
                return self._control.run(
                    self._optimizer._join, {self._optimizer._who: [_ring.index, step, self._fresh]}
                )
            except (errors.UnavailableError, errors.AbortedError) as error:
                self._drop_control()
                if time.monotonic() > until:
                    raise errors.DeadlineExceededError(
                        None, None, f"no ring was formed within {self._max_wait:g} s: {error}"
                    ) from error
                logging.info("Waiting for the first worker to form a ring: %s", error)
                time.sleep(0.1)

    def _rejoin(self, session):
        o = self._optimizer
        view = self._join(session, int(session.run(o._global_step)))
        _ring.members = [int(index) for index in view[3:]]
        logging.info("Rank %d of a ring of %d workers: %s", rank(), size(), _ring.members)
        try:
            session.run(o._begin, {o._view: view})
            if view[2]:
                session.run(self._sync)
        except errors.AbortedError as error:
            logging.info("The ring broke before it began: %s", error)
            return
        self._fresh = 0

    # --- steps ---

    def before_run(self, run_context):
        o, session = self._optimizer, run_context.session
        while True:
            place = session.run(o._claimed, {o._last: self._last})
            if place[3] == _REJOIN:
                self._rejoin(session)
            elif place[3] == UPDATE:
                _core.fault("update")
                session.run(o._update, {o._place: place})
            else:
                break
        _core.fault("claim")
        if place[3] == STOP:
            run_context.request_stop()
        feeds = dict(self._feed_fn(int(place[1]), int(place[2]))) if self._feed_fn else {}
        return session_run_hook.SessionRunArgs(None, {o._place: place.astype(np.int64), **feeds})

    def end(self, session):
        session.run(self._optimizer._leave)
        self._drop_control()
