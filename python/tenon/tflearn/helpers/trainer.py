"""Trainer: the loop over epochs and batches for one or several training ops."""

import contextlib
import os
import random
import string

import numpy as np

import tenon as tf
from tenon.tflearn import callbacks as tflearn_callbacks
from tenon.tflearn import config
from tenon.tflearn.helpers import summarizer
from tenon.tflearn.helpers.feeder import Batches
from tenon.tflearn.helpers.term import TermLogger


class TrainOp:
    """What is trained: a loss, an optimizer, a metric, the size of batches."""

    def __init__(self, loss, optimizer, metric=None, batch_size=64, ema=0.0, trainable_vars=None, shuffle=True,
                 step_tensor=None, validation_monitors=None, validation_batch_size=None, name=None,
                 graph=None):  # fmt: skip
        self.graph = graph or tf.get_default_graph()
        self.loss, self.optimizer, self.metric = loss, optimizer, metric
        if not isinstance(loss, tf.Tensor):
            raise ValueError("TrainOp: the loss must be a tensor")
        if not isinstance(optimizer, tf.train.Optimizer):
            raise ValueError("Unknown Optimizer")
        if metric is not None and not hasattr(metric, "m_name"):
            metric.m_name = metric.op.name.split("/")[0]
        self.metric_name = getattr(metric, "m_name", None)
        self.batch_size, self.ema, self.shuffle = batch_size, ema, shuffle
        self.train_vars = trainable_vars
        self.validation_batch_size = validation_batch_size or batch_size
        self.validation_monitors = list(validation_monitors or ())
        self.scope_name = name or type(optimizer).__name__.replace("Optimizer", "")
        self.name = self.scope_name
        self.step_tensor = step_tensor
        self.built = False

    def initialize_training_ops(self, index, clip_gradients):
        """Makes the operation of a step."""
        if self.built:
            return
        with tf.name_scope(self.name):
            if self.step_tensor is None:
                self.step_tensor = tf.Variable(0.0, name="Training_step", trainable=False)
            extra = tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)
            self.total_loss = tf.add_n([self.loss, *extra]) if extra else self.loss
            variables = self.train_vars if self.train_vars is not None else tf.trainable_variables()
            pairs = self.optimizer.compute_gradients(self.total_loss, variables)
            pairs = [(g, v) for g, v in pairs if g is not None]
            if not pairs:
                raise Exception("No gradients: the loss does not depend on the variables that are trained")
            grads, targets = zip(*pairs)
            if clip_gradients and clip_gradients > 0.0:
                grads, self.grad_norm = tf.clip_by_global_norm(list(grads), clip_gradients)
            self.grad = list(zip(grads, targets))
            step = self.optimizer.apply_gradients(self.grad, name=f"apply_grad_op_{index}")
            with tf.control_dependencies([step]):
                self.train = tf.assign_add(self.step_tensor, 1.0)
        self.built = True


class TrainingState:
    """Where the training is: what callbacks see."""

    def __init__(self):
        self.epoch = self.step = self.current_iter = 0
        self.acc_value = self.loss_value = self.val_acc = self.val_loss = None
        self.best_accuracy = 0.0
        self.global_acc = self.global_loss = None

    def increaseEpoch(self):
        """One more epoch."""
        self.epoch += 1

    def increaseStep(self):
        """One more step."""
        self.step += 1

    def resetGlobal(self):
        """Forgets the sums."""
        self.global_acc = self.global_loss = 0.0


class _Running:
    """What is known of one training op while it runs: averages of what batches gave."""

    def __init__(self, op, batches, held):
        self.op, self.batches, self.held = op, batches, held
        self.loss = self.acc = self.val_loss = self.val_acc = None

    def take(self, loss, acc):
        """Adds a batch: averages forget what is long ago."""
        self.loss = loss if self.loss is None else 0.9 * self.loss + 0.1 * loss
        if acc is not None:
            self.acc = acc if self.acc is None else 0.9 * self.acc + 0.1 * acc


class Trainer:
    """Trains one or several TrainOps in a session of its own."""

    def __init__(self, train_ops, graph=None, clip_gradients=5.0, tensorboard_dir="/tmp/tflearn_logs/",
                 tensorboard_verbose=0, checkpoint_path=None, best_checkpoint_path=None, max_checkpoints=None,
                 keep_checkpoint_every_n_hours=10000.0, random_seed=None, session=None,
                 best_val_accuracy=0.0):  # fmt: skip
        self.graph = graph or tf.get_default_graph()
        self.train_ops = list(train_ops) if isinstance(train_ops, (list, tuple)) else [train_ops]
        self.tensorboard_dir, self.tensorboard_verbose = tensorboard_dir, tensorboard_verbose
        self.checkpoint_path, self.best_checkpoint_path = checkpoint_path, best_checkpoint_path
        self.best_val_accuracy = best_val_accuracy
        with self.graph.as_default():
            if random_seed is not None:
                tf.set_random_seed(random_seed)
            config.init_training_mode()
            for i, op in enumerate(self.train_ops):
                op.initialize_training_ops(i, clip_gradients)
                op.summaries = self._histograms(op) if tensorboard_verbose > 0 else None
            self.saver = tf.train.Saver(max_to_keep=max_checkpoints,
                                        keep_checkpoint_every_n_hours=keep_checkpoint_every_n_hours)  # fmt: skip
            self.val_saver = tf.train.Saver(max_to_keep=1)
            kept_out = tf.get_collection(tf.GraphKeys.EXCL_RESTORE_VARS)
            named = [v for v in tf.global_variables() if not any(v is k for k in kept_out)]
            self.restorer = tf.train.Saver(named)
            trained = [v for v in tf.trainable_variables() if not any(v is k for k in kept_out)]
            self.restorer_trainvars = tf.train.Saver(trained)
            self.session = session or self._session()
            if session is None:
                self.session.run([tf.global_variables_initializer(), tf.local_variables_initializer(),
                                  tf.tables_initializer()])  # fmt: skip
        self.training_state = TrainingState()
        self.summary_writer = None

    def _session(self):
        given = tf.get_collection(tf.GraphKeys.GRAPH_CONFIG)
        return tf.Session(config=given[0] if given else None)

    def _histograms(self, op):
        """Histograms: of gradients (verbose 1), of weights too (2), of activations too (3)."""
        name = f"{op.name}_summaries"
        found = summarizer.summarize_gradients(op.grad, name)
        if self.tensorboard_verbose > 1:
            found = summarizer.summarize_variables([v for _, v in op.grad], name)
        if self.tensorboard_verbose > 2:
            activations = [t for t in tf.get_collection(tf.GraphKeys.ACTIVATIONS) if t.dtype.is_floating]
            found = summarizer.summarize_activations(activations, name) if activations else found
        return found

    # --- training ---

    def fit(self, feed_dicts, n_epoch=10, val_feed_dicts=None, show_metric=False, snapshot_step=None,
            snapshot_epoch=True, shuffle_all=None, dprep_dict=None, daug_dict=None, excl_trainops=None, run_id=None,
            callbacks=()):  # fmt: skip
        """Trains on {placeholder: data}; one such dict for each training op."""
        run_id = run_id or "".join(random.choice(string.ascii_uppercase + string.digits) for _ in range(6))
        with self.graph.as_default():
            running = self._prepare(feed_dicts, val_feed_dicts, shuffle_all, dprep_dict, daug_dict, excl_trainops)
            logger = TermLogger(self, running, show_metric, run_id)
            given = callbacks if isinstance(callbacks, (list, tuple)) else [callbacks]
            told = tflearn_callbacks.ChainCallback([logger, *given])
            self._open(run_id)
            state = self.training_state
            state.best_accuracy = max(state.best_accuracy, self.best_val_accuracy)
            config.is_training(True, self.session)
            told.on_train_begin(state)
            try:
                for _ in range(n_epoch):
                    self._epoch(running, told, snapshot_step, snapshot_epoch)
            finally:
                config.is_training(False, self.session)
                told.on_train_end(state)
                if self.summary_writer is not None:
                    self.summary_writer.close()
                    self.summary_writer = None

    def _prepare(self, feed_dicts, val_feed_dicts, shuffle_all, prep, aug, excl_trainops):
        """The training ops that run, with their batches."""
        from tenon.tflearn.utils import to_list

        ops = [op for op in self.train_ops if op not in to_list(excl_trainops or [])]
        feeds = to_list(feed_dicts)
        feeds = feeds * len(ops) if len(feeds) == 1 else feeds
        held = to_list(val_feed_dicts) if val_feed_dicts is not None else [None] * len(ops)
        held = held * len(ops) if len(held) == 1 else held
        for step in {id(s): s for d in (prep, aug) if d for s in d.values() if s is not None}.values():
            tensor = next(t for d in (prep, aug) if d for t, s in d.items() if s is step)
            step.initialize(feeds[0][tensor], self.session)
        running = []
        for op, feed, val in zip(ops, feeds, held):
            feed, val = self._split(feed, val)
            shuffle = op.shuffle if not isinstance(shuffle_all, bool) else shuffle_all
            batches = Batches(feed, op.batch_size, shuffle, prep, aug)
            held_batches = None if val is None else Batches(val, op.validation_batch_size, False, prep)
            running.append(_Running(op, batches, held_batches))
        return running

    @staticmethod
    def _split(feed, val):
        """A share of the samples, the last, is held out where VAL is a number."""
        if not isinstance(val, float):
            return feed, val
        counts = {t: len(v) for t, v in feed.items()}
        at = {t: n - int(n * val) for t, n in counts.items()}
        return {t: v[: at[t]] for t, v in feed.items()}, {t: v[at[t] :] for t, v in feed.items()}

    def _epoch(self, running, told, snapshot_step, snapshot_epoch):
        state = self.training_state
        state.increaseEpoch()
        state.resetGlobal()
        told.on_epoch_begin(state)
        steps = max(len(r.batches) for r in running)
        iterators = [iter(r.batches) for r in running]
        done = 0
        for i in range(steps):
            state.increaseStep()
            told.on_batch_begin(state)
            for k, one in enumerate(running):
                told.on_sub_batch_begin(state)
                found = next(iterators[k], None)
                if found is None:
                    iterators[k] = iter(one.batches)
                    found = next(iterators[k])
                self._step(one, found[0])
                done += found[1] if k == 0 else 0
                told.on_sub_batch_end(state, k)
            state.current_iter = done
            self._sums(running)
            wanted = bool(snapshot_step and state.step % snapshot_step == 0)
            wanted = wanted or bool(snapshot_epoch and i == steps - 1)
            if wanted:
                self._snapshot(running)
            told.on_batch_end(state, wanted)
        told.on_epoch_end(state)

    def _step(self, one, feed):
        op = one.op
        fetches = {"train": op.train, "loss": op.total_loss}
        if op.metric is not None:
            fetches["acc"] = op.metric
        if op.summaries is not None:
            fetches["summaries"] = op.summaries
        values = self.session.run(fetches, feed)
        one.take(float(np.mean(values["loss"])), None if op.metric is None else float(np.mean(values["acc"])))
        if "summaries" in values:
            self.summary_writer.add_summary(values["summaries"], self.training_state.step)
        self._summarize({f"{op.name}/Loss": values["loss"], f"{op.name}/Accuracy": values.get("acc")})

    def _sums(self, running):
        state = self.training_state
        state.loss_value = running[0].loss
        state.acc_value = running[0].acc
        state.global_loss = sum(r.loss for r in running if r.loss is not None)
        known = [r.acc for r in running if r.acc is not None]
        state.global_acc = sum(known) / len(known) if known else None

    def _snapshot(self, running):
        """Evaluates what is held out, and saves."""
        state = self.training_state
        for one in running:
            if one.held is not None:
                one.val_loss, one.val_acc = self.evaluate_op(one.op, one.held)
                self._summarize({f"{one.op.name}/Loss/Validation": one.val_loss,
                                 f"{one.op.name}/Accuracy/Validation": one.val_acc})  # fmt: skip
        state.val_loss, state.val_acc = running[0].val_loss, running[0].val_acc
        if self.checkpoint_path:
            self.save(self.checkpoint_path, state.step)
        if self.best_checkpoint_path and state.val_acc is not None and state.val_acc > state.best_accuracy:
            state.best_accuracy = state.val_acc
            self.save(self.best_checkpoint_path, use_val_acc=True)

    def evaluate_op(self, op, batches):
        """(loss, metric) over batches, without training."""
        config.is_training(False, self.session)
        total = [0.0, 0.0]
        fetches = [op.loss] if op.metric is None else [op.loss, op.metric]
        for feed, size in batches:
            for i, value in enumerate(self.session.run(fetches, feed)):
                total[i] += float(np.mean(value)) * size
        config.is_training(True, self.session)
        return total[0] / batches.count, None if op.metric is None else total[1] / batches.count

    # --- summaries ---

    def _open(self, run_id):
        folder = os.path.join(self.tensorboard_dir, run_id)
        self.summary_writer = tf.summary.FileWriter(folder, self.graph)

    def _summarize(self, values):
        found = [tf.Summary.Value(tag=k, simple_value=float(np.mean(v))) for k, v in values.items() if v is not None]
        if self.summary_writer is not None and found:
            self.summary_writer.add_summary(tf.Summary(value=found), self.training_state.step)

    # --- files ---

    def save(self, model_file, global_step=None, use_val_acc=False):
        """Writes all variables to a checkpoint; with USE_VAL_ACC its name ends in 10000 times the accuracy."""
        if use_val_acc:
            model_file = f"{model_file}{int(10000 * round(self.training_state.val_acc or 0.0, 4))}"
        folder = os.path.dirname(os.path.abspath(model_file))
        os.makedirs(folder, exist_ok=True)
        with self._without_objects():
            saver = self.val_saver if use_val_acc else self.saver
            return saver.save(self.session, model_file, global_step=global_step)

    @contextlib.contextmanager
    def _without_objects(self):
        """A graph without the collections of Python's objects, which a meta graph cannot hold."""
        names = [tf.GraphKeys.GRAPH_CONFIG, tf.GraphKeys.TRAIN_OPS, tf.GraphKeys.DATA_PREP, tf.GraphKeys.DATA_AUG]
        kept = {n: self.graph.get_collection(n) for n in names}
        try:
            for n in names:
                self.graph.clear_collection(n)
            yield
        finally:
            for n, values in kept.items():
                self.graph.get_collection_ref(n).extend(values)

    def restore(self, model_file, trainable_variable_only=False, variable_name_map=None, scope_for_restore=None,
                create_new_session=True, verbose=False):  # fmt: skip
        """Reads variables of a checkpoint: all but those that are not restored, or some by scope or names."""
        saver = self.restorer_trainvars if trainable_variable_only else self.restorer
        if scope_for_restore is not None or variable_name_map is not None:
            lead = "" if scope_for_restore is None else scope_for_restore + "/"
            chosen = {v.op.name: v for v in tf.global_variables() if v.op.name.startswith(lead)}
            named = {_renamed(n, lead, variable_name_map): v for n, v in chosen.items()}
            with self.graph.as_default():
                saver = tf.train.Saver({n: v for n, v in named.items() if n is not None})
        saver.restore(self.session, model_file)


def _renamed(name, lead, names):
    """The name that a variable has in a file."""
    name = name[len(lead) :]
    if names is None:
        return name
    if callable(names):
        return names(name)
    for old, new in [names] if isinstance(names, tuple) else dict(names).items():
        name = name.replace(old, new)
    return name
