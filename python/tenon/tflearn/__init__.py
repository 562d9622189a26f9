"""The API of TFLearn: layers as functions of tensors, regression, and DNN, which trains."""

import numpy as np

import tenon as tf

_ACTIVATIONS = {
    "linear": lambda x: x, "relu": tf.nn.relu, "relu6": tf.nn.relu6, "elu": tf.nn.elu, "tanh": tf.tanh,
    "sigmoid": tf.sigmoid, "softmax": tf.nn.softmax, "softplus": tf.nn.softplus, "softsign": tf.nn.softsign,
    "leaky_relu": tf.nn.leaky_relu, "selu": tf.nn.selu,
}  # fmt: skip


def _state():
    """What belongs to the default graph: the switch of training, what is fed, what is trained."""
    graph = tf.get_default_graph()
    if not hasattr(graph, "_tflearn"):
        training = tf.placeholder_with_default(False, [], name="is_training")
        graph._tflearn = {"training": training, "inputs": [], "regressions": []}
    return graph._tflearn


def _act(x, activation):
    return activation(x) if callable(activation) else _ACTIVATIONS[activation](x)


def _decay(v, weight_decay):
    if weight_decay:
        tf.add_to_collection(tf.GraphKeys.REGULARIZATION_LOSSES, tf.nn.l2_loss(v) * weight_decay)


def input_data(shape=None, placeholder=None, dtype=tf.float32, name="InputData", **_):
    """A placeholder; SHAPE has None for the number of samples."""
    state = _state()
    if placeholder is None:
        shape = list(shape) if shape and shape[0] is None else [None, *shape]
        placeholder = tf.placeholder(dtype, shape, name=name + "/X")
    state["inputs"].append(placeholder)
    return placeholder


def flatten(incoming, name="Flatten"):
    """All axes but the first as one."""
    size = int(np.prod(incoming.shape.as_list()[1:]))
    return tf.reshape(incoming, [-1, size], name=name)


def fully_connected(incoming, n_units, activation="linear", bias=True, weight_decay=0.001, regularizer=None,
                    name="FullyConnected", **_):  # fmt: skip
    """activation(incoming * W + b)."""
    x = incoming if incoming.shape.ndims == 2 else flatten(incoming)
    with tf.variable_scope(None, name):
        w = tf.get_variable("W", [x.shape[1].value, n_units], initializer=tf.truncated_normal_initializer(0.0, 0.02))
        if regularizer == "L2":
            _decay(w, weight_decay)
        x = tf.matmul(x, w)
        if bias:
            x = tf.nn.bias_add(x, tf.get_variable("b", [n_units], initializer=tf.zeros_initializer()))
        return _act(x, activation)


def conv_2d(incoming, nb_filter, filter_size, strides=1, padding="same", activation="linear", bias=True,
            weight_decay=0.001, regularizer=None, name="Conv2D", **_):  # fmt: skip
    """Convolution over rows and columns."""
    size = [filter_size] * 2 if isinstance(filter_size, int) else list(filter_size)
    step = [strides] * 2 if isinstance(strides, int) else list(strides)
    with tf.variable_scope(None, name):
        start = tf.variance_scaling_initializer(1.0, "fan_in", "uniform")
        w = tf.get_variable("W", [*size, incoming.shape[-1].value, nb_filter], initializer=start)
        if regularizer == "L2":
            _decay(w, weight_decay)
        x = tf.nn.conv2d(incoming, w, [1, *step, 1], padding.upper())
        if bias:
            x = tf.nn.bias_add(x, tf.get_variable("b", [nb_filter], initializer=tf.zeros_initializer()))
        return _act(x, activation)


def _pool(op, incoming, kernel_size, strides, padding):
    size = [kernel_size] * 2 if isinstance(kernel_size, int) else list(kernel_size)
    step = size if strides is None else [strides] * 2 if isinstance(strides, int) else list(strides)
    return op(incoming, [1, *size, 1], [1, *step, 1], padding.upper())


def max_pool_2d(incoming, kernel_size, strides=None, padding="same", name="MaxPool2D"):
    """The greatest of each window."""
    return _pool(tf.nn.max_pool, incoming, kernel_size, strides, padding)


def avg_pool_2d(incoming, kernel_size, strides=None, padding="same", name="AvgPool2D"):
    """The mean of each window."""
    return _pool(tf.nn.avg_pool, incoming, kernel_size, strides, padding)


def dropout(incoming, keep_prob, noise_shape=None, name="Dropout"):
    """Keeps each value with a probability, in training only."""
    dropped = lambda: tf.nn.dropout(incoming, rate=1 - keep_prob, noise_shape=noise_shape)  # noqa: E731
    return tf.cond(_state()["training"], dropped, lambda: tf.identity(incoming))


def local_response_normalization(incoming, depth_radius=5, bias=1.0, alpha=0.0001, beta=0.75, name=None):
    """Each value over the squares of its neighbours among the channels."""
    return tf.nn.lrn(incoming, depth_radius, bias, alpha, beta)


def activation(incoming, activation="linear", name="activation"):
    """An activation function by its name."""
    return _act(incoming, activation)


def reshape(incoming, new_shape, name="Reshape"):
    """Another shape."""
    return tf.reshape(incoming, new_shape, name=name)


_LOSSES = {
    "categorical_crossentropy": lambda p, y: -tf.reduce_mean(
        tf.reduce_sum(y * tf.log(tf.clip_by_value(p / tf.reduce_sum(p, 1, keepdims=True), 1e-10, 1.0)), 1)),
    "softmax_categorical_crossentropy": lambda p, y: tf.reduce_mean(
        tf.nn.softmax_cross_entropy_with_logits_v2(labels=y, logits=p)),
    "binary_crossentropy": lambda p, y: tf.reduce_mean(tf.nn.sigmoid_cross_entropy_with_logits(labels=y, logits=p)),
    "mean_square": lambda p, y: tf.reduce_mean(tf.square(p - y)),
}  # fmt: skip
_OPTIMIZERS = {
    "sgd": tf.train.GradientDescentOptimizer, "adam": tf.train.AdamOptimizer, "rmsprop": tf.train.RMSPropOptimizer,
    "adagrad": tf.train.AdagradOptimizer, "adadelta": tf.train.AdadeltaOptimizer, "ftrl": tf.train.FtrlOptimizer,
    "momentum": lambda rate: tf.train.MomentumOptimizer(rate, 0.9),
}  # fmt: skip


def regression(incoming, placeholder="default", optimizer="adam", loss="categorical_crossentropy", metric="default",
               learning_rate=0.001, batch_size=64, name=None, **_):  # fmt: skip
    """Says how what comes in is trained; returns it."""
    if not hasattr(placeholder, "op"):
        placeholder = tf.placeholder(tf.float32, incoming.shape, name=(name or "TargetsData") + "/Y")
    value = loss(incoming, placeholder) if callable(loss) else _LOSSES[loss](incoming, placeholder)
    total = tf.add_n([value, *tf.get_collection(tf.GraphKeys.REGULARIZATION_LOSSES)])
    made = _OPTIMIZERS[optimizer.lower()](learning_rate) if isinstance(optimizer, str) else optimizer
    same = tf.equal(tf.argmax(incoming, 1), tf.argmax(placeholder, 1)) if incoming.shape.ndims == 2 else None
    accuracy = None if same is None else tf.reduce_mean(tf.cast(same, tf.float32))
    found = {"y": placeholder, "loss": value, "train": made.minimize(total), "accuracy": accuracy, "batch": batch_size}
    _state()["regressions"].append(found)
    return incoming


class DNN:
    """A network that is trained: fit, predict, evaluate, save, load."""

    def __init__(self, network, tensorboard_verbose=0, session=None, **_):
        self.net, self.state = network, _state()
        self.session = session or tf.Session()
        if session is None:
            self.session.run(tf.global_variables_initializer())
        self.saver = tf.train.Saver()

    def _feed(self, X, Y=None, training=False):
        feed = (
            X if isinstance(X, dict) else dict(zip(self.state["inputs"], X if len(self.state["inputs"]) > 1 else [X]))
        )
        if Y is not None:
            feed[self.state["regressions"][0]["y"]] = Y
        return {**feed, self.state["training"]: training}

    def fit(self, X_inputs, Y_targets, n_epoch=10, validation_set=None, show_metric=False, batch_size=None, shuffle=True,  # noqa: E501
            **_):  # fmt: skip
        """Trains it."""
        x, y = np.asarray(X_inputs), np.asarray(Y_targets)
        task = self.state["regressions"][0]
        size = batch_size or task["batch"]
        if isinstance(validation_set, float):
            at = int(len(x) * (1 - validation_set))
            validation_set, x, y = (x[at:], y[at:]), x[:at], y[:at]
        for epoch in range(n_epoch):
            order = np.random.permutation(len(x)) if shuffle else np.arange(len(x))
            losses = []
            for i in range(0, len(x), size):
                rows = order[i : i + size]
                losses.append(self.session.run([task["loss"], task["train"]], self._feed(x[rows], y[rows], True))[0])
            text = f"Epoch: {epoch + 1:03d} | loss: {np.mean(losses):.5f}"
            if validation_set is not None:
                text += f" | val_acc: {self.evaluate(*validation_set)[0]:.4f}"
            print(text)

    def predict(self, X):
        """The outputs."""
        return self.session.run(self.net, self._feed(X))

    def predict_label(self, X):
        """The numbers of classes, the most likely first."""
        return np.argsort(-self.predict(X), axis=1)

    def evaluate(self, X, Y, batch_size=128):
        """[accuracy], or [loss] where there is none."""
        task = self.state["regressions"][0]
        value = task["loss"] if task["accuracy"] is None else task["accuracy"]
        parts = [(self.session.run(value, self._feed(X[i : i + batch_size], Y[i : i + batch_size])), len(X[i : i + batch_size]))  # noqa: E501
                 for i in range(0, len(X), batch_size)]  # fmt: skip
        return [float(sum(v * n for v, n in parts) / len(X))]

    def save(self, model_file):
        """Writes the weights to a checkpoint."""
        self.saver.save(self.session, model_file)

    def load(self, model_file, **_):
        """Reads the weights of a checkpoint."""
        self.saver.restore(self.session, model_file)
