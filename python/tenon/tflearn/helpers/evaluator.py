"""Evaluator: outputs for data, in a session."""

import numpy as np

import tenon as tf
from tenon.tflearn import config
from tenon.tflearn.helpers.feeder import count, rows


class Evaluator:
    """Predictions of tensors, and means of metrics over batches."""

    def __init__(self, tensors, model=None, session=None):
        self.tensors = tensors if isinstance(tensors, (list, tuple)) else [tensors]
        self.graph = self.tensors[0].graph
        self.session = session
        if session is None:
            with self.graph.as_default():
                self.session = tf.Session()
                self.session.run([tf.global_variables_initializer(), tf.local_variables_initializer()])
                if model:
                    tf.train.Saver().restore(self.session, model)

    def predict(self, feed_dict):
        """The outputs; of several tensors side by side."""
        with self.graph.as_default():
            config.is_training(False, self.session)
            found = self.session.run(list(self.tensors), self._prepared(feed_dict))
        return found[0] if len(found) == 1 else np.concatenate(found, axis=-1)

    def _prepared(self, feed_dict):
        """The feed, normalized as the training data was."""
        steps = dict(zip(tf.get_collection(tf.GraphKeys.INPUTS), tf.get_collection(tf.GraphKeys.DATA_PREP)))
        return {t: v if steps.get(t) is None else steps[t].apply(v) for t, v in feed_dict.items()}

    def predict_label(self, feed_dict):
        """The numbers of classes, the most likely first."""
        return np.argsort(-self.predict(feed_dict), axis=-1)

    def evaluate(self, feed_dict, ops, batch_size=128):
        """The means of tensors over batches, a list."""
        ops = ops if isinstance(ops, (list, tuple)) else [ops]
        total, samples = np.zeros(len(ops)), count(feed_dict)
        with self.graph.as_default():
            config.is_training(False, self.session)
            for start in range(0, samples, batch_size):
                ids = np.arange(start, min(start + batch_size, samples))
                feed = self._prepared({t: rows(v, ids) for t, v in feed_dict.items()})
                total += np.asarray(self.session.run(list(ops), feed), dtype=float) * len(ids)
        return [float(v) for v in total / samples]
