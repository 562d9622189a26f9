"""DNN: a network that is trained, asked and saved."""

import numpy as np

import tenon as tf
from tenon.tflearn.helpers.evaluator import Evaluator
from tenon.tflearn.helpers.trainer import Trainer
from tenon.tflearn.utils import feed_dict_builder, get_tensor_parents_placeholders, to_list


def _steps(collection):
    """{placeholder: what is done to its data}."""
    inputs = tf.get_collection(tf.GraphKeys.INPUTS)
    return {t: s for t, s in zip(inputs, tf.get_collection(collection)) if s is not None}


class DNN:
    """A network that ends in regression(): fit, predict, evaluate, save, load."""

    def __init__(self, network, clip_gradients=5.0, tensorboard_verbose=0, tensorboard_dir="/tmp/tflearn_logs/",
                 checkpoint_path=None, best_checkpoint_path=None, max_checkpoints=None, session=None,
                 best_val_accuracy=0.0):  # fmt: skip
        if not isinstance(network, tf.Tensor):
            raise AssertionError(f"'network' arg is not a Tensor: {network}")
        self.net, self.graph = network, network.graph
        with self.graph.as_default():
            self.train_ops = tf.get_collection(tf.GraphKeys.TRAIN_OPS)
            self.trainer = Trainer(self.train_ops, graph=self.graph, clip_gradients=clip_gradients,
                                   tensorboard_dir=tensorboard_dir, tensorboard_verbose=tensorboard_verbose,
                                   checkpoint_path=checkpoint_path, best_checkpoint_path=best_checkpoint_path,
                                   max_checkpoints=max_checkpoints, session=session,
                                   best_val_accuracy=best_val_accuracy)  # fmt: skip
            self.inputs = tf.get_collection(tf.GraphKeys.INPUTS)
            if not self.inputs:
                raise Exception("No input data! Please add an 'input_data' layer to your model (or add your input data "
                                "placeholder to 'tf.GraphKeys.INPUTS' collection).")  # fmt: skip
            self.targets = tf.get_collection(tf.GraphKeys.TARGETS)
        self.session = self.trainer.session
        self.predictor = Evaluator([self.net], session=self.session)

    def _feeds(self, X, Y, targets=True):
        return feed_dict_builder(X, Y if targets else None, self.inputs, self.targets)

    def fit(self, X_inputs, Y_targets, n_epoch=10, validation_set=None, show_metric=False, batch_size=None,
            shuffle=None, snapshot_epoch=True, snapshot_step=None, excl_trainops=None, validation_batch_size=None,
            run_id=None, callbacks=()):  # fmt: skip
        """Trains it on data (arrays, lists of them, or dicts by the names of layers).

        VALIDATION_SET: (inputs, targets) that are held out, or the share of the samples, the last.
        """
        with self.graph.as_default():
            feed = self._feeds(X_inputs, Y_targets)
            held = None
            if isinstance(validation_set, float):
                held = [validation_set] * len(self.train_ops)
            elif validation_set is not None:
                held = [self._feeds(*validation_set)] * len(self.train_ops)
            for op in self.train_ops:
                op.batch_size = batch_size or op.batch_size
                op.validation_batch_size = validation_batch_size or batch_size or op.validation_batch_size
            self.trainer.fit([feed] * len(self.train_ops), val_feed_dicts=held, n_epoch=n_epoch,
                             show_metric=show_metric, snapshot_step=snapshot_step, snapshot_epoch=snapshot_epoch,
                             shuffle_all=shuffle, dprep_dict=_steps(tf.GraphKeys.DATA_PREP),
                             daug_dict=_steps(tf.GraphKeys.DATA_AUG), excl_trainops=excl_trainops, run_id=run_id,
                             callbacks=callbacks)  # fmt: skip
        self.predictor = Evaluator([self.net], session=self.session)

    def fit_batch(self, X_inputs, Y_targets):
        """One step on one batch; the loss of the first training op."""
        from tenon.tflearn import config

        with self.graph.as_default():
            config.is_training(True, self.session)
            feed = self._feeds(X_inputs, Y_targets)
            found = [self.session.run([op.total_loss, op.train], feed)[0] for op in self.train_ops]
            config.is_training(False, self.session)
        return found[0]

    def predict(self, X):
        """The outputs."""
        return self.predictor.predict(self._feeds(X, None))

    def predict_label(self, X):
        """The numbers of classes, the most likely first."""
        return self.predictor.predict_label(self._feeds(X, None))

    def evaluate(self, X, Y, batch_size=128):
        """The metric of each training op, a list."""
        ops = [op.metric for op in self.train_ops if op.metric is not None]
        if not ops:
            raise Exception("No metric: there is nothing that could be evaluated")
        return self.predictor.evaluate(self._feeds(X, Y), ops, batch_size)

    def save(self, model_file):
        """Writes the weights to a checkpoint."""
        self.trainer.save(model_file)

    def load(self, model_file, weights_only=False, **optargs):
        """Reads the weights of a checkpoint; with WEIGHTS_ONLY those that are trained and nothing else."""
        self.trainer.restore(model_file, trainable_variable_only=weights_only, **optargs)

    def get_weights(self, weight_tensor):
        """The values of a variable."""
        return self.session.run(weight_tensor)

    def set_weights(self, tensor, weights):
        """Gives a variable values."""
        tensor.load(np.asarray(weights), self.session)

    def get_train_vars(self):
        """The variables that training changes."""
        return tf.trainable_variables()

    def placeholders(self):
        """The placeholders that the network depends on."""
        return to_list(get_tensor_parents_placeholders(self.net))
