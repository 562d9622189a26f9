"""Training: a training operation from a loss, and the loop that runs it with checkpoints and summaries."""

import time

from tenon.contrib.layers.optimizers import on_values
from tenon.python.framework import errors, indexed_slices, ops
from tenon.python.ops import clip_ops, control_flow_ops, gen_ops, math_ops
from tenon.python.ops import variable_collections as variables_lib
from tenon.python.platform import tf_logging as logging
from tenon.python.summary import summary
from tenon.python.training import optimizer as tf_optimizer
from tenon.python.training import saver as tf_saver
from tenon.python.training import supervisor, training_util
from tenon.python.util.tf_export import tf_export

TF_ALIASES = {"slim": "contrib.slim"}
_USE_DEFAULT = 0
_USE_GLOBAL_STEP = 0


@tf_export("contrib.slim.learning.clip_gradient_norms", "contrib.training.clip_gradient_norms")
def clip_gradient_norms(gradients_to_variables, max_norm):
    """Each gradient cut to a norm of at most MAX_NORM."""
    return [
        (g if g is None else on_values(g, lambda values: clip_ops.clip_by_norm(values, max_norm)), v)
        for g, v in gradients_to_variables
    ]


@tf_export("contrib.slim.learning.multiply_gradients", "contrib.training.multiply_gradients")
def multiply_gradients(grads_and_vars, gradient_multipliers):
    """Gradients multiplied by the factor for their variable, or for its name."""
    if not isinstance(grads_and_vars, list):
        raise ValueError("`grads_and_vars` must be a list.")
    if not gradient_multipliers:
        raise ValueError("`gradient_multipliers` is empty.")
    if not isinstance(gradient_multipliers, dict):
        raise ValueError("`gradient_multipliers` must be a dict.")
    made = []
    for gradient, variable in grads_and_vars:
        key = variable if variable in gradient_multipliers else variable.op.name
        if key in gradient_multipliers:
            if gradient is None:
                raise ValueError("Requested multiple of `None` gradient.")
            factor = gradient_multipliers[key]
            gradient = on_values(
                gradient, lambda values, f=factor: values * math_ops.cast(ops.convert_to_tensor(f), values.dtype)
            )
        made.append((gradient, variable))
    return made


@tf_export("contrib.slim.learning.add_gradients_summaries", "contrib.training.add_gradients_summaries")
def add_gradients_summaries(grads_and_vars):
    """A histogram and the norm of each gradient."""
    made = []
    for gradient, variable in grads_and_vars:
        if gradient is None:
            logging.info("Var %s has no gradient", variable.op.name)
            continue
        values = gradient.values if isinstance(gradient, indexed_slices.IndexedSlices) else gradient
        made.append(summary.histogram(variable.op.name + "/gradient", values))
        made.append(summary.scalar(variable.op.name + "/gradient_norm", clip_ops.global_norm([values])))
    return made


@tf_export("contrib.training.create_train_op")
def create_train_op_of(total_loss, optimizer, global_step=_USE_GLOBAL_STEP, update_ops=None, variables_to_train=None,
                       transform_grads_fn=None, summarize_gradients=False,
                       gate_gradients=tf_optimizer.Optimizer.GATE_OP, aggregation_method=None,
                       colocate_gradients_with_ops=False, check_numerics=True):  # fmt: skip
    """An operation that computes and applies gradients, runs UPDATE_OPS, counts the step, and gives the loss."""
    if global_step is _USE_GLOBAL_STEP:
        global_step = training_util.get_or_create_global_step()
    global_update_ops = ops.get_collection(ops.GraphKeys.UPDATE_OPS)
    update_ops = list(global_update_ops if update_ops is None else update_ops)
    if update_ops:
        with ops.control_dependencies(update_ops):
            barrier = control_flow_ops.no_op(name="update_barrier")
        total_loss = control_flow_ops.with_dependencies([barrier], total_loss)
    if variables_to_train is None:
        variables_to_train = variables_lib.trainable_variables()
    if not variables_to_train:
        raise ValueError("There are no variables to train")
    grads = optimizer.compute_gradients(
        total_loss, variables_to_train, gate_gradients=gate_gradients, aggregation_method=aggregation_method,
        colocate_gradients_with_ops=colocate_gradients_with_ops,
    )  # fmt: skip
    if transform_grads_fn:
        grads = transform_grads_fn(grads)
    if summarize_gradients:
        with ops.name_scope("summarize_grads"):
            add_gradients_summaries(grads)
    updates = optimizer.apply_gradients(grads, global_step=global_step)
    with ops.name_scope("train_op"):
        if check_numerics:
            total_loss = gen_ops.check_numerics(total_loss, "LossTensor is inf or nan")
        train_op = control_flow_ops.with_dependencies([updates], total_loss)
    collection = ops.get_collection_ref(ops.GraphKeys.TRAIN_OP)
    if train_op not in collection:
        collection.append(train_op)
    return train_op


@tf_export("contrib.slim.learning.create_train_op")
def create_train_op(total_loss, optimizer, global_step=_USE_GLOBAL_STEP, update_ops=None, variables_to_train=None,
                    clip_gradient_norm=0, summarize_gradients=False, gate_gradients=tf_optimizer.Optimizer.GATE_OP,
                    aggregation_method=None, colocate_gradients_with_ops=False, gradient_multipliers=None,
                    check_numerics=True):  # fmt: skip
    """create_train_op with multipliers and a largest norm for gradients."""

    def transform(grads):
        if gradient_multipliers:
            with ops.name_scope("multiply_grads"):
                grads = multiply_gradients(grads, gradient_multipliers)
        if clip_gradient_norm > 0:
            with ops.name_scope("clip_grads"):
                grads = clip_gradient_norms(grads, clip_gradient_norm)
        return grads

    return create_train_op_of(
        total_loss, optimizer, global_step, update_ops, variables_to_train, transform, summarize_gradients,
        gate_gradients, aggregation_method, colocate_gradients_with_ops, check_numerics,
    )  # fmt: skip


@tf_export("contrib.slim.learning.train_step")
def train_step(sess, train_op, global_step, train_step_kwargs):
    """One step: (the loss, whether to stop)."""
    begun = time.time()
    trace = train_step_kwargs.get("should_trace")
    if trace is not None and sess.run(trace):
        logging.info("Tracing is asked for; run metadata go to %s", train_step_kwargs.get("logdir"))
    total_loss, step = sess.run([train_op, global_step])
    if "should_log" in train_step_kwargs and sess.run(train_step_kwargs["should_log"]):
        logging.info("global step %d: loss = %.4f (%.3f sec/step)", step, total_loss, time.time() - begun)
    if "should_stop" in train_step_kwargs:
        return total_loss, sess.run(train_step_kwargs["should_stop"])
    return total_loss, False


def _step_kwargs(global_step, number_of_steps, log_every_n_steps):
    made = {}
    with ops.name_scope("train_step"):
        if number_of_steps:
            made["should_stop"] = math_ops.greater_equal(global_step, number_of_steps)
        if log_every_n_steps > 0:
            made["should_log"] = math_ops.equal(math_ops.mod(global_step, log_every_n_steps), 0)
    return made


def _local_init():
    tables = ops.get_collection(ops.GraphKeys.TABLE_INITIALIZERS)
    return control_flow_ops.group(variables_lib.local_variables_initializer(), *tables)


@tf_export("contrib.slim.learning.train")
def train(train_op, logdir, train_step_fn=train_step, train_step_kwargs=_USE_DEFAULT, log_every_n_steps=1, graph=None,
          master="", is_chief=True, global_step=None, number_of_steps=None, init_op=_USE_DEFAULT, init_feed_dict=None,
          local_init_op=_USE_DEFAULT, init_fn=None, ready_op=_USE_DEFAULT, summary_op=_USE_DEFAULT,
          save_summaries_secs=600, summary_writer=_USE_DEFAULT, startup_delay_steps=0, saver=None,
          save_interval_secs=600, sync_optimizer=None, session_config=None, session_wrapper=None,
          trace_every_n_steps=None, ignore_live_threads=False):  # fmt: skip
    """Runs TRAIN_OP until NUMBER_OF_STEPS, with checkpoints and summaries in LOGDIR; gives the last loss."""
    if train_op is None:
        raise ValueError("train_op cannot be None.")
    if logdir is None and (summary_op not in (_USE_DEFAULT, None) or trace_every_n_steps is not None):
        raise ValueError("Cannot provide summary_op or trace_every_n_steps because logdir=None")
    if sync_optimizer is not None and startup_delay_steps > 0:
        raise ValueError("startup_delay_steps must be zero when sync_optimizer is supplied.")
    if number_of_steps is not None and number_of_steps <= 0:
        raise ValueError("`number_of_steps` must be either None or a positive number.")
    graph = graph or ops.get_default_graph()
    with graph.as_default():
        if global_step is None:
            global_step = training_util.get_or_create_global_step()
        saver = saver or tf_saver.Saver()
        if init_op is _USE_DEFAULT:
            init_op = variables_lib.global_variables_initializer()
        if ready_op is _USE_DEFAULT:
            ready_op = variables_lib.report_uninitialized_variables()
        if local_init_op is _USE_DEFAULT:
            local_init_op = _local_init()
        if summary_op is _USE_DEFAULT:
            summary_op = summary.merge_all()
        if summary_writer is _USE_DEFAULT:
            summary_writer = supervisor.Supervisor.USE_DEFAULT
        if train_step_kwargs is _USE_DEFAULT:
            train_step_kwargs = _step_kwargs(global_step, number_of_steps, log_every_n_steps)
            train_step_kwargs["logdir"] = logdir
    sv = supervisor.Supervisor(
        graph=graph, is_chief=is_chief, logdir=logdir, init_op=init_op, init_feed_dict=init_feed_dict,
        local_init_op=local_init_op, ready_op=ready_op, summary_op=summary_op, summary_writer=summary_writer,
        global_step=global_step, saver=saver, save_summaries_secs=save_summaries_secs,
        save_model_secs=save_interval_secs, init_fn=init_fn,
    )  # fmt: skip
    return _run(sv, master, session_config, session_wrapper, (train_step_fn, train_op, global_step, train_step_kwargs),
                (logdir, is_chief, ignore_live_threads))  # fmt: skip


def _run(sv, master, session_config, session_wrapper, step, how):
    """The loop of `train` in a managed session."""
    train_step_fn, train_op, global_step, kwargs = step
    logdir, is_chief, ignore_live_threads = how
    total_loss = None
    with sv.managed_session(master, start_standard_services=False, config=session_config) as sess:
        logging.info("Starting Session.")
        if session_wrapper is not None:
            sess = session_wrapper(sess)
        if is_chief and logdir:
            sv.start_standard_services(sess)
        threads = sv.start_queue_runners(sess)
        logging.info("Starting Queues.")
        try:
            while not sv.should_stop():
                total_loss, should_stop = train_step_fn(sess, train_op, global_step, kwargs)
                if should_stop:
                    logging.info("Stopping Training.")
                    sv.request_stop()
                    break
        except errors.OutOfRangeError as error:
            logging.info("Caught OutOfRangeError. Stopping Training. %s", error)
        if logdir and sv.is_chief:
            logging.info("Finished training! Saving model to disk.")
            # The thread that saves now and then ends first, so that the last checkpoint is the last.
            sv.stop(threads, close_summary_writer=True, ignore_live_threads=ignore_live_threads)
            sv.saver.save(sess, sv.save_path, global_step=sv.global_step)
    return total_loss
