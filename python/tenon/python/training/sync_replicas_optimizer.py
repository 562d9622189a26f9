"""tf.train.SyncReplicasOptimizer: gradients of several workers are averaged before each update."""

from tenon.python.framework import dtypes, ops
from tenon.python.framework.indexed_slices import IndexedSlices
from tenon.python.ops import (
    array_ops,
    control_flow_ops,
    data_flow_ops,
    state_ops,
    variable_scope,
    variables,
)
from tenon.python.platform import tf_logging as logging
from tenon.python.training import optimizer, queue_runner_impl, session_run_hook
from tenon.python.util.tf_export import tf_export


@tf_export("train.SyncReplicasOptimizer")
class SyncReplicasOptimizer(optimizer.Optimizer):
    """Wraps an optimizer: an update waits for REPLICAS_TO_AGGREGATE gradients, and workers for the update.

    Workers take a token from a queue for each step; the chief puts as many in as there are replicas after each update.
    """

    def __init__(self, opt, replicas_to_aggregate, total_num_replicas=None, variable_averages=None,
                 variables_to_average=None, use_locking=False, name="sync_replicas"):  # fmt: skip
        super().__init__(use_locking, name)
        total_num_replicas = total_num_replicas or replicas_to_aggregate
        logging.info("SyncReplicasV2: replicas_to_aggregate=%s; total_num_replicas=%s", replicas_to_aggregate,
                     total_num_replicas)  # fmt: skip
        self._opt, self._replicas_to_aggregate = opt, replicas_to_aggregate
        self._gradients_applied = False
        self._variable_averages, self._variables_to_average = variable_averages, variables_to_average
        self._total_num_replicas = total_num_replicas
        self._tokens_per_step = max(total_num_replicas, replicas_to_aggregate)
        self._global_step = self._sync_token_queue = self._chief_queue_runner = None
        self._accumulator_list = []

    def compute_gradients(self, *args, **kwargs):
        """The wrapped optimizer's gradients."""
        return self._opt.compute_gradients(*args, **kwargs)

    def _average(self, gradient, variable, accumulators, applies):
        """The mean of the replicas' gradients of VARIABLE."""
        sparse = isinstance(gradient, IndexedSlices)
        with ops.device(variable.device):
            kind = data_flow_ops.SparseConditionalAccumulator if sparse else data_flow_ops.ConditionalAccumulator
            made = kind(
                gradient.dtype,
                shape=() if sparse else variable.get_shape(),
                shared_name=variable.name.split(":")[0] + "/grad_accum",
            )
            if sparse:
                applies.append(made.apply_indexed_slices_grad(gradient, local_step=self._local_step))
                mean = made.take_indexed_slices_grad(self._replicas_to_aggregate)
            else:
                applies.append(made.apply_grad(gradient, local_step=self._local_step))
                mean = made.take_grad(self._replicas_to_aggregate)
        accumulators.append((made, variable.device))
        return mean

    def apply_gradients(self, grads_and_vars, global_step=None, name=None):
        """The operation that a worker runs: gives its gradients and waits for the token of the next step."""
        if not grads_and_vars:
            raise ValueError("Must supply at least one variable")
        if global_step is None:
            raise ValueError("Global step is required to check staleness")
        self._global_step = global_step
        applies, means, found = [], [], []
        local_anchor = control_flow_ops.no_op()
        with ops.device(local_anchor.device):
            self._local_step = variable_scope.variable(
                initial_value=0, trainable=False, collections=[ops.GraphKeys.LOCAL_VARIABLES],
                dtype=global_step.dtype.base_dtype, name="sync_rep_local_step",
            )  # fmt: skip
        self.local_step_init_op = state_ops.assign(self._local_step, global_step)
        self.chief_init_op = control_flow_ops.group(self.local_step_init_op)
        self.ready_for_local_init_op = variables.report_uninitialized_variables(variables.global_variables())
        with ops.name_scope(None, self._name):
            for gradient, variable in grads_and_vars:
                found.append(variable)
                with ops.device(variable.device):
                    means.append(
                        None if gradient is None
                        else self._average(gradient, variable, self._accumulator_list, applies)
                    )  # fmt: skip
            with ops.device(global_step.device), ops.name_scope(""):
                update = self._opt.apply_gradients(list(zip(means, found)), global_step)
            return self._queues(update, applies, found, global_step, name)

    def _queues(self, update, applies, found, global_step, name):
        """The tokens: the worker's side is returned, the chief's is a queue runner."""
        with ops.device(global_step.device):
            self._sync_token_queue = data_flow_ops.FIFOQueue(
                -1, [global_step.dtype.base_dtype], shapes=(()), name="sync_token_q", shared_name="sync_token_q"
            )
            dummy = data_flow_ops.FIFOQueue(
                1, [dtypes.int32], shapes=(()), name="dummy_queue", shared_name="dummy_queue"
            )
            with ops.control_dependencies(applies):
                token = self._sync_token_queue.dequeue()
            train = state_ops.assign(self._local_step, token)
            with ops.control_dependencies([update]):
                # What is read after the update is the step of the tokens.
                tokens = array_ops.fill([self._tokens_per_step], array_ops.identity(self._read(global_step)))
                sync = self._sync_token_queue.enqueue_many((tokens,))
            if self._variable_averages is not None:
                with ops.control_dependencies([sync]), ops.name_scope(""):
                    sync = self._variable_averages.apply(self._variables_to_average)
            self._chief_queue_runner = queue_runner_impl.QueueRunner(dummy, [sync])
        for accumulator, device in self._accumulator_list:
            with ops.device(device):
                step = accumulator.set_global_step(global_step, name="SetGlobalStep")
                self.chief_init_op = control_flow_ops.group(self.chief_init_op, step)
        self._gradients_applied = True
        return control_flow_ops.group(train, name=name)

    @staticmethod
    def _read(variable):
        return variable.read_value() if hasattr(variable, "read_value") else variable

    def get_chief_queue_runner(self):
        """The QueueRunner that the chief starts: it updates and hands out tokens."""
        if not self._gradients_applied:
            raise ValueError("Should be called after apply_gradients().")
        return self._chief_queue_runner

    def get_slot(self, *args, **kwargs):
        """The wrapped optimizer's slot."""
        return self._opt.get_slot(*args, **kwargs)

    def variables(self):
        """The wrapped optimizer's variables."""
        return self._opt.variables()

    def get_slot_names(self, *args, **kwargs):
        """The wrapped optimizer's slot names."""
        return self._opt.get_slot_names(*args, **kwargs)

    def get_init_tokens_op(self, num_tokens=-1):
        """The operation of the chief that fills the queue of tokens at the start."""
        if not self._gradients_applied:
            raise ValueError("get_init_tokens_op() should be called after apply_gradients().")
        needed = self._replicas_to_aggregate - self._total_num_replicas
        if num_tokens == -1:
            num_tokens = self._replicas_to_aggregate
        elif num_tokens < needed:
            raise ValueError(f"Too few tokens to finish the first step: {num_tokens} (given) vs {needed} (needed)")
        if num_tokens <= 0:
            return control_flow_ops.no_op(name="no_init_tokens")
        with ops.device(self._global_step.device), ops.name_scope(""):
            tokens = array_ops.fill([num_tokens], self._read(self._global_step))
            return self._sync_token_queue.enqueue_many((tokens,))

    def make_session_run_hook(self, is_chief, num_tokens=-1):
        """The hook that initialises and, on the chief, starts the updates."""
        return _SyncReplicasOptimizerHook(self, is_chief, num_tokens)


class _SyncReplicasOptimizerHook(session_run_hook.SessionRunHook):
    """Fills the queue of tokens and runs the chief's queue runner."""

    def __init__(self, sync_optimizer, is_chief, num_tokens):
        self._sync_optimizer, self._is_chief, self._num_tokens = sync_optimizer, is_chief, num_tokens

    def begin(self):
        if not self._sync_optimizer._gradients_applied:
            raise ValueError("SyncReplicasOptimizer.apply_gradient should be called before using the hook.")
        if self._is_chief:
            self._local_init_op = self._sync_optimizer.chief_init_op
            self._ready_for_local_init_op = self._sync_optimizer.ready_for_local_init_op
            self._q_runner = self._sync_optimizer.get_chief_queue_runner()
            self._init_tokens_op = self._sync_optimizer.get_init_tokens_op(self._num_tokens)
        else:
            self._local_init_op = self._sync_optimizer.local_step_init_op
            self._ready_for_local_init_op = self._sync_optimizer.ready_for_local_init_op
            self._q_runner = self._init_tokens_op = None

    def after_create_session(self, session, coord):
        missing = session.run(self._ready_for_local_init_op)
        if len(missing):
            raise RuntimeError(f"Init operations did not make model ready for local_init.  Missing: {missing}")
        session.run(self._local_init_op)
        if self._init_tokens_op is not None:
            session.run(self._init_tokens_op)
        if self._q_runner is not None:
            self._q_runner.create_threads(session, coord=coord, daemon=True, start=True)
