"""How good predictions are."""

import tenon as tf


def get(identifier):
    """A metric's class: by its name, or what is given."""
    if not isinstance(identifier, str):
        return identifier
    found = {"accuracy": Accuracy, "acc": Accuracy, "top_k": Top_k, "r2": R2, "weighted_r2": WeightedR2,
             "prediction_counts": Prediction_Counts}.get(identifier.lower())  # fmt: skip
    if found is None:
        raise Exception(f"Invalid metric: {identifier}")
    return found


class Metric:
    """Base class: build() makes the tensor, get_tensor() gives it."""

    def __init__(self, name=None):
        self.name, self.tensor, self.built = name, None, False

    def build(self, predictions, targets, inputs=None):
        """Makes the tensor."""
        raise NotImplementedError

    def _set(self, tensor, name):
        self.name = self.name or name
        self.tensor, self.built = tensor, True
        tensor.m_name = self.name

    def get_tensor(self):
        """The tensor."""
        if not self.built:
            raise Exception(
                "Metric class Tensor hasn't be built. 'build' method must be invoked before using 'get_tensor'."
            )
        return self.tensor


class Accuracy(Metric):
    """The share of right classes: by the greatest output, by one output's sign of being over a half, or by numbers."""

    def build(self, predictions, targets, inputs=None):
        """Makes the tensor."""
        p, t = predictions.shape.as_list(), targets.shape.as_list()
        if len(p) == 1 or len(p) == 2 and p[1] == 1:
            self._set(binary_accuracy_op(predictions, targets), "binary_acc")
        elif len(t) == 1 or len(t) == 2 and t[1] == 1:
            self._set(sparse_accuracy_op(predictions, targets), "sparse_acc")
        else:
            self._set(accuracy_op(predictions, targets), "acc")


class Top_k(Metric):
    """The share of samples whose class is among the k greatest outputs."""

    def __init__(self, k=1, name=None):
        super().__init__(name or "top" + str(k))
        self.k = k

    def build(self, predictions, targets, inputs=None):
        """Makes the tensor."""
        self._set(top_k_op(predictions, targets, self.k), self.name)


class R2(Metric):
    """The coefficient of determination."""

    def build(self, predictions, targets, inputs=None):
        """Makes the tensor."""
        self._set(r2_op(predictions, targets), "R2")


class WeightedR2(Metric):
    """The same, with the inputs as weights."""

    def build(self, predictions, targets, inputs=None):
        """Makes the tensor."""
        self._set(weighted_r2_op(predictions, targets, inputs), "WeightedR2")


class Prediction_Counts(Metric):
    """Another metric, which also prints how often each class is predicted."""

    def __init__(self, inner_metric, name=None):
        super().__init__(name)
        self.inner_metric = inner_metric

    def build(self, predictions, targets, inputs=None):
        """Makes the tensor."""
        self.inner_metric.build(predictions, targets, inputs)
        counts = tf.unique_with_counts(tf.argmax(predictions, 1))[2]
        self._set(tf.Print(self.inner_metric.get_tensor(), [counts], summarize=10), self.inner_metric.name)


def accuracy_op(predictions, targets):
    """The share of samples whose greatest prediction is where the greatest target is."""
    with tf.name_scope("Accuracy"):
        return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(predictions, 1), tf.argmax(targets, 1)), tf.float32))


def sparse_accuracy_op(predictions, targets):
    """The share of samples whose greatest prediction is where the number says."""
    with tf.name_scope("SparseAccuracy"):
        numbers = tf.cast(tf.reshape(targets, [-1]), tf.int64)
        return tf.reduce_mean(tf.cast(tf.equal(tf.argmax(predictions, 1), numbers), tf.float32))


def binary_accuracy_op(predictions, targets):
    """The share of samples that are on the right side of a half."""
    with tf.name_scope("BinaryAccuracy"):
        above = tf.cast(tf.greater(predictions, 0.5), tf.int32)
        return tf.reduce_mean(tf.cast(tf.equal(above, tf.cast(targets, tf.int32)), tf.float32))


def top_k_op(predictions, targets, k=1):
    """The share of samples whose class is among the k greatest predictions."""
    with tf.name_scope("Top_" + str(k)):
        numbers = tf.cast(tf.argmax(targets, 1), tf.int32)
        return tf.reduce_mean(tf.cast(tf.nn.in_top_k(predictions, numbers, k), tf.float32))


def r2_op(predictions, targets):
    """1 - squares of errors / squares of differences from the mean."""
    with tf.name_scope("StandardError"):
        a = tf.reduce_sum(tf.square(tf.subtract(targets, predictions)))
        b = tf.reduce_sum(tf.square(tf.subtract(targets, tf.reduce_mean(targets))))
        return tf.subtract(1.0, tf.div(a, b))


def weighted_r2_op(predictions, targets, inputs):
    """The same, with the inputs as weights."""
    with tf.name_scope("WeightedStandardError"):
        inputs = inputs[0] if isinstance(inputs, (list, tuple)) else inputs
        a = tf.reduce_sum(tf.square(tf.subtract(tf.multiply(targets, inputs), tf.multiply(predictions, inputs))))
        b = tf.reduce_sum(tf.square(tf.subtract(targets, tf.reduce_mean(targets))))
        return tf.subtract(1.0, tf.div(a, b))
