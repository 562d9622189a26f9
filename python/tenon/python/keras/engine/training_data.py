"""What models are trained on: arrays in the order of the placeholders, and streams of batches."""

from collections import namedtuple

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.utils.generic_utils import slice_arrays

Data = namedtuple("Data", "inputs targets weights")


def _named(values, names, what):
    """A list of arrays in the order of NAMES."""
    if values is None:
        return []
    if isinstance(values, dict):
        missing = [n for n in names if n not in values]
        if missing:
            raise ValueError(f'No data provided for "{missing[0]}". Need data for each key in: {list(names)}')
        return [values[n] for n in names]
    if isinstance(values, (list, tuple)):
        if len(names) == 1 and len(values) != 1 and not (values and hasattr(values[0], "shape")):
            return [values]
        if len(values) != len(names):
            if values and hasattr(values[0], "shape"):
                raise ValueError(f"Error when checking model {what}: the list of Numpy arrays that you are passing to "
                                 f"your model is not the size the model expected. Expected to see {len(names)} "
                                 f"array(s), for inputs {list(names)} but instead got the following list of "
                                 f"{len(values)} arrays")  # fmt: skip
            if len(names) == 1:
                return [values]
            raise ValueError(f"The model expects {len(names)} {what} arrays, but only received {len(values)} arrays.")
        return list(values)
    if len(names) > 1:
        raise ValueError(f"The model expects {len(names)} {what} arrays, but only received one array. Found: array with "  # noqa: E501
                         f"shape {np.shape(values)}")  # fmt: skip
    return [values]


def _array(x):
    if hasattr(x, "values") and hasattr(x, "iloc"):  # pandas
        x = x.values
    if hasattr(x, "tocoo") or isinstance(x, (tf.Tensor, tf.SparseTensorValue)):
        return x
    if not hasattr(x, "shape") or not hasattr(x, "dtype"):
        x = np.asarray(x)
    return np.expand_dims(x, -1) if x.ndim == 1 and x.dtype != object else x


def _check(arrays, names, shapes, what, loose=()):
    for i, (x, name, shape) in enumerate(zip(arrays, names, shapes)):
        if shape is None or not hasattr(x, "shape") or isinstance(x, tf.SparseTensorValue):
            continue
        head = f"Error when checking {what}: expected {name} to have "
        if len(x.shape) != len(shape):
            raise ValueError(f"{head}{len(shape)} dimensions, but got array with shape {tuple(x.shape)}")
        for a, b in list(zip(x.shape, shape))[1:]:
            if b is not None and a != b and i not in loose:
                raise ValueError(f"{head}shape {tuple(shape[1:])} but got array with shape {tuple(x.shape[1:])}")


def _weights_of_classes(y, class_weight):
    """The weight of each sample by its class."""
    if y.ndim > 2:
        raise ValueError("`class_weight` not supported for 3+ dimensional targets.")
    if y.ndim == 2 and y.shape[1] > 1:
        classes = y.argmax(axis=1)
    else:
        classes = y.reshape(-1)
    missing = set(np.unique(classes).tolist()) - set(class_weight)
    if missing:
        raise ValueError(f"`class_weight` must contain all classes in the data. The classes {missing} exist in the data "  # noqa: E501
                         "but not in `class_weight`.")  # fmt: skip
    return np.asarray([class_weight[c] for c in classes.tolist()], dtype=K.floatx())


def standardize(model, x, y=None, sample_weight=None, class_weight=None, inputs_only=False):
    """Arrays for all placeholders of a model, checked."""
    model._ensure_inputs(x)
    fed = [(n, t) for n, t in zip(model.input_names, model.inputs) if K.is_placeholder(t) or K.is_sparse(t)]
    inputs = [_array(v) for v in _named(x, [n for n, _ in fed], "input")]
    shapes = [K.int_shape(t) if not K.is_sparse(t) else None for _, t in fed]
    inputs = [_shaped(v, s) for v, s in zip(inputs, shapes)]
    _check(inputs, [n for n, _ in fed], shapes, "input")
    if inputs_only:
        return Data(inputs, [], [])
    outs = model._trained
    trained = [o for o in outs if K.is_placeholder(o.target)]
    if y is None and trained:
        raise ValueError("You must pass target values (`y`) to train or evaluate the model.")
    targets = [_array(v) for v in _named(_only(y, model, trained), [o.name for o in trained], "target")]
    shapes = [_target_shape(o) for o in trained]
    _check(targets, [o.name for o in trained], shapes, "target")
    counts = {v.shape[0] for v in [*inputs, *targets] if hasattr(v, "shape")}
    if len(counts) > 1:
        raise ValueError("Input arrays should have the same number of samples as target arrays. Found "
                         f"{len(inputs[0]) if hasattr(inputs[0], '__len__') else inputs[0].shape[0]} input samples and "
                         f"{len(targets[0]) if targets else 0} target samples.")  # fmt: skip
    return Data(inputs, targets, _sample_weights(model, outs, targets, sample_weight, class_weight))


def _only(y, model, trained):
    """Y without the targets of outputs that have no loss."""
    if isinstance(y, (list, tuple)) and len(y) == len(model.output_names) != len(trained):
        return [v for v, o in zip(y, model._outputs) if o.loss_fn is not None]
    return y


def _shaped(x, shape):
    if shape is not None and hasattr(x, "ndim") and x.ndim == 2 and x.shape[1] == 1 and len(shape) == 1:
        return x[:, 0]
    return x


def _target_shape(out):
    shape = K.int_shape(out.tensor)
    if shape is None:
        return None
    if out.sparse:
        return (*shape[:-1], 1)
    fn = getattr(out.loss_fn, "fn", None)
    strict = fn is not None and fn.__module__ == "tenon.python.keras.losses" or type(out.loss_fn).__module__ == (
        "tenon.python.keras.losses")  # fmt: skip
    return shape if strict else None


def _sample_weights(model, outs, targets, sample_weight, class_weight):
    names = [o.name for o in outs]

    def each(value):
        if value is None:
            return [None] * len(names)
        if isinstance(value, dict) and any(k in names for k in value):
            return [value.get(n) for n in names]
        if isinstance(value, list) and len(value) == len(names) and not np.isscalar(value[0]):
            return value
        if len(names) > 1 and not isinstance(value, dict):
            raise ValueError(f"The model has {len(names)} outputs, so you should pass a list or dictionary of weights.")
        return [value, *[None] * (len(names) - 1)]

    result = []
    targets = iter(targets)
    for out, weight, classes in zip(outs, each(sample_weight), each(class_weight)):
        target = next(targets, None)
        shape = (1,) if target is None else (len(target),) if out.mode != "temporal" else target.shape[:2]
        if weight is not None:
            weight = np.asarray(weight, K.floatx())
            if weight.ndim > 2 or weight.ndim != len(shape) and out.mode != "temporal":
                raise ValueError(f"Found a sample_weight array with shape {weight.shape} for an input with shape "
                                 f"{target.shape}. sample_weight cannot be broadcast.")  # fmt: skip
            if weight.shape[0] != shape[0]:
                raise ValueError(f"Found a sample_weight array with shape {weight.shape} for an input with shape "
                                 f"{target.shape}. sample_weight cannot be broadcast.")  # fmt: skip
        if classes:
            by_class = _weights_of_classes(np.asarray(target), classes)
            weight = by_class if weight is None else weight * by_class
        result.append(np.ones(shape, K.floatx()) if weight is None else weight)
    return result


def split(data, part):
    """(the first part of the samples, the last PART of them)."""
    arrays = [*data.inputs, *data.targets, *data.weights]
    count = arrays[0].shape[0]
    at = int(count * (1.0 - part))
    if at in (0, count):
        raise ValueError(f"Training data contains {count} samples, which is not sufficient to split it into a "
                         f"validation and training set as specified by `validation_split={part}`.")  # fmt: skip
    return (Data(*(slice_arrays(a, 0, at) for a in data)), Data(*(slice_arrays(a, at) for a in data)))


def is_stream(x):
    """Whether X gives batches: a generator, a Sequence, a data set or its iterator."""
    from tenon.python.keras.utils.data_utils import Sequence

    return isinstance(x, Sequence) or hasattr(x, "__next__") or _is_dataset(x) or (
        hasattr(x, "get_next") and not isinstance(x, tf.Tensor))  # fmt: skip


def _is_dataset(x):
    return hasattr(x, "output_types") and hasattr(x, "output_shapes") and not isinstance(x, tf.Tensor)


class Stream:
    """Batches from a generator, a Sequence or a data set."""

    def __init__(self, source, y=None, steps=None, class_weight=None):
        from tenon.python.keras.utils.data_utils import Sequence

        if y is not None:
            raise ValueError("`y` argument is not supported when `x` is a generator, a `Sequence` or a dataset.")
        self.source, self.steps, self.class_weight = source, steps, class_weight
        self.is_sequence = isinstance(source, Sequence)
        self.is_dataset = _is_dataset(source) and not hasattr(source, "get_next")
        if self.is_sequence and steps is None:
            self.steps = len(source)
        self.next_element = self.iterator = None
        if self.is_dataset:
            self.iterator = tf.data.make_initializable_iterator(source)
            self.next_element = self.iterator.get_next()
        elif hasattr(source, "get_next"):
            self.next_element = source.get_next()
        elif not self.is_sequence and steps is None:
            raise ValueError("When using a generator for input data, you must specify the `steps_per_epoch`/`steps` "
                             "argument.")  # fmt: skip
        self._left = None
        self._peeked = []

    def peek(self):
        """The first batch; it comes again when the batches are asked for."""
        if self.is_sequence:
            return self.source[0]
        if self.next_element is None:
            self._peeked.append(next(self.source))
            return self._peeked[0]
        session = K.get_session()
        if self.iterator is not None:
            session.run(self.iterator.initializer)
            return session.run(self.next_element)  # _from_dataset begins anew
        self._peeked.append(session.run(self.next_element))
        return self._peeked[0]

    def _next(self):
        return self._peeked.pop() if self._peeked else next(self.source)

    def batches(self, shuffle=False):
        """The batches of one epoch."""
        if self.is_sequence:
            order = np.arange(len(self.source))
            if shuffle:
                np.random.shuffle(order)
            for i in range(self.steps):
                yield self.source[int(order[i % len(order)])]
            self.source.on_epoch_end()
        elif self.next_element is not None:
            yield from self._from_dataset()
        else:
            for _ in range(self.steps):
                try:
                    yield self._next()
                except StopIteration:
                    tf.logging.warning("Your input ran out of data; interrupting training.")
                    return

    def _from_dataset(self):
        session = K.get_session()
        if self.iterator is not None and (self._left is None or self.steps is None):
            session.run(self.iterator.initializer)
            self._left = True
        done = 0
        while self.steps is None or done < self.steps:
            try:
                yield self._peeked.pop() if self._peeked else session.run(self.next_element)
            except tf.errors.OutOfRangeError:
                if self.steps is None:
                    self.steps = None
                else:
                    tf.logging.warning("Your dataset iterator ran out of data; interrupting training.")
                return
            done += 1


def unpack(batch):
    """(inputs, targets, sample weights) of a batch."""
    if isinstance(batch, dict) or hasattr(batch, "shape") or isinstance(batch, list):
        return batch, None, None
    if len(batch) > 3:
        raise ValueError(
            "Output of generator should be a tuple `(x, y, sample_weight)` or `(x, y)`. Found: " + str(batch)
        )
    return tuple(batch) + (None,) * (3 - len(batch))
