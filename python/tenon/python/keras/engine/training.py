"""Models: networks that are trained, evaluated and asked for predictions."""

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras import losses as loss_module
from tenon.python.keras import metrics as metric_module
from tenon.python.keras import optimizers
from tenon.python.keras.engine import base_layer, training_data, training_loops
from tenon.python.keras.engine.network import Network, _unique_names
from tenon.python.keras.utils.generic_utils import to_list, to_snake_case, unpack_singleton
from tenon.python.util import nest
from tenon.python.util.tf_export import tf_export


class _Output:
    """What is known of one output while the model is trained."""

    def __init__(self, name, tensor, loss):
        self.name, self.tensor, self.loss_fn = name, tensor, loss
        self.weight, self.target, self.sample_weight, self.score = 1.0, None, None, None
        self.metrics, self.weighted_metrics = [], []
        self.loss_metric = None

    @property
    def sparse(self):
        """Whether labels are numbers of classes."""
        return isinstance(self.loss_fn, loss_module.SparseCategoricalCrossentropy) or getattr(
            self.loss_fn, "fn", None) is loss_module.sparse_categorical_crossentropy  # fmt: skip


@tf_export("keras.Model", "keras.models.Model", "keras.engine.training.Model", "keras.engine.Model")
class Model(Network):
    """Model(inputs, outputs), or a subclass with a `call` of its own."""

    def compile(self, optimizer="rmsprop", loss=None, metrics=None, loss_weights=None, sample_weight_mode=None,
                weighted_metrics=None, target_tensors=None, distribute=None, **kwargs):  # fmt: skip
        """Says how to train it."""
        self.optimizer = optimizers.get(optimizer)
        self.loss = loss if loss is not None else {}
        self._compile_metrics, self._compile_weighted = metrics, weighted_metrics
        self.loss_weights, self.sample_weight_mode = loss_weights, sample_weight_mode
        self._target_tensors = target_tensors
        self._function_kwargs = kwargs
        self._compiled = True
        self._functions = {}
        if self.outputs:
            self._prepare()

    _compiled = False
    optimizer = None
    _outputs = None

    def _check_compiled(self):
        if not self._compiled:
            raise RuntimeError("You must compile your model before training/testing. Use `model.compile(optimizer, "
                               "loss)`.")  # fmt: skip

    def _per_output(self, value, what):
        """VALUE for each output: given once, as a list or by names."""
        names = self.output_names
        if isinstance(value, dict):
            for k in value:
                if k not in names:
                    raise ValueError(
                        f"Unknown entries in {what} dictionary: {[k]}. Only expected following keys: {names}"
                    )
            return [value.get(n) for n in names]
        if isinstance(value, (list, tuple)):
            if len(value) != len(names):
                raise ValueError(f"When passing a list as {what}, it should have one entry per model output. The model "
                                 f"has {len(names)} outputs, but you passed {what}={value}")  # fmt: skip
            return list(value)
        return [value] * len(names)

    def _prepare(self):
        """Makes targets, losses and metrics once the outputs are known."""
        self._functions = {}
        loss_fns = [_loss_object(v) for v in self._per_output(self.loss, "loss")] if self.loss else [None] * len(
            self.outputs)  # fmt: skip
        outs = [_Output(n, t, f) for n, t, f in zip(self.output_names, self.outputs, loss_fns)]
        self._outputs = outs
        targets = self._targets_given()
        weights = self._per_output(self.loss_weights, "loss_weights") if self.loss_weights else [1.0] * len(outs)
        modes = self._per_output(self.sample_weight_mode, "sample_weight_mode")
        for out, target, weight, mode in zip(outs, targets, weights, modes):
            out.weight = 1.0 if weight is None else weight
            if out.loss_fn is None:
                continue
            rank = out.tensor.shape.ndims
            if target is None:
                dtype = None if not out.sparse else K.floatx()
                target = K.placeholder(ndim=rank, name=out.name + "_target", dtype=dtype or out.tensor.dtype)
            out.target = target
            with tf.name_scope(""):
                ones = tf.constant(1.0, shape=[1] if mode != "temporal" else [1, 1], dtype=K.floatx())
                shape = [None] if mode != "temporal" else [None, None]
                out.sample_weight = tf.placeholder_with_default(ones, shape, name=out.name + "_sample_weights")
            out.mode = mode
        self._trained = [o for o in outs if o.loss_fn is not None]
        self._prepare_metrics()
        self.total_loss = self._total_loss()
        for out in self._trained:
            out.metric_tensors = [self._apply_metric(m, out, False) for m in out.metrics] + [
                self._apply_metric(m, out, True) for m in out.weighted_metrics]  # fmt: skip
        self._collected_trainable = list(self.trainable_weights)

    def _targets_given(self):
        given = self._target_tensors
        if given is None:
            return [None] * len(self.outputs)
        if isinstance(given, dict):
            return [given.get(n) for n in self.output_names]
        return to_list(given)

    def _prepare_metrics(self):
        outs = self._trained
        many = len(self.output_names) > 1
        for kind, given in (("metrics", self._compile_metrics), ("weighted_metrics", self._compile_weighted)):
            for out, names in zip(self._outputs, _metrics_per_output(given, self.output_names)):
                if out.loss_fn is None:
                    continue
                made = [_metric_object(m, out, kind == "weighted_metrics") for m in names]
                for m in made:
                    m._name = f"{out.name}_{m.name}" if many else m.name
                setattr(out, kind, made)
        for out, name in zip(outs, _unique_names([m.name for m in outs])):
            out.loss_metric = metric_module.Mean(name=name + "_loss") if len(self.outputs) > 1 else None
        taken = {}
        for m in self._metric_objects(False):
            taken[m.name] = taken.get(m.name, 0) + 1
            if taken[m.name] > 1:
                m._name = f"{m.name}_{taken[m.name] - 1}"

    def _metric_objects(self, losses=True):
        found = [o.loss_metric for o in self._trained if o.loss_metric is not None] if losses else []
        for out in self._trained:
            found += [*out.metrics, *out.weighted_metrics]
        return found + (_added_metrics(self) if losses else [])

    def _gathered_metrics(self):
        return [] if not self._compiled or not self._outputs else self._metric_objects()

    @property
    def metrics(self):
        """The metrics, without that of the loss."""
        return [m for m in self._gathered_metrics() if not any(m is o.loss_metric for o in self._trained)] if (
            self._compiled) else super().metrics  # fmt: skip

    @property
    def metrics_names(self):
        """The names of what training reports."""
        self._check_compiled()
        return ["loss", *(m.name for m in self._gathered_metrics())]

    def _total_loss(self):
        total = None
        with tf.name_scope("loss"):
            for out in self._trained:
                with tf.name_scope(out.name + "_loss"):
                    weight = out.sample_weight
                    mask = getattr(out.tensor, "_keras_mask", None)
                    if mask is not None:
                        mask = tf.cast(mask, out.tensor.dtype)
                        if out.mode != "temporal" and mask.shape.ndims > 1:
                            weight = tf.reshape(weight, [-1, *[1] * (mask.shape.ndims - 1)])
                        weight = mask * weight
                    if isinstance(out.loss_fn, loss_module.Loss):
                        losses = out.loss_fn.call(out.target, out.tensor)
                        weighted = loss_module.compute_weighted_loss(_broad(losses, weight), reduction="none")
                        if out.loss_fn.reduction in ("none",):
                            weighted = tf.reduce_mean(weighted)
                        score = loss_module.compute_weighted_loss(
                            weighted, reduction="sum" if out.loss_fn.reduction == "sum" else "sum_over_batch_size"
                        )
                    else:
                        score = out.loss_fn(out.target, out.tensor, sample_weight=weight)
                        score = tf.reduce_mean(score) if score.shape.ndims else score
                out.score = score
                if out.loss_metric is not None:
                    out.loss_tensor = out.loss_metric(score)
                term = out.weight * score
                total = term if total is None else total + term
            extra = self.losses
            if total is None and not extra:
                raise ValueError("The model cannot be compiled because it has no loss to optimize.")
            if extra:
                extra = tf.add_n([tf.reduce_sum(x) for x in extra])
                total = extra if total is None else total + extra
        return total

    def _apply_metric(self, metric, out, weighted):
        with tf.name_scope("metrics/" + metric.name):
            weight = out.sample_weight if weighted else None
            mask = getattr(out.tensor, "_keras_mask", None)
            if mask is not None:
                mask = tf.cast(mask, out.tensor.dtype)
                weight = mask if weight is None else mask * (weight if weight.shape.ndims == mask.shape.ndims else
                                                             tf.expand_dims(weight, -1))  # fmt: skip
            if weight is not None:
                weight = weight + tf.zeros([tf.shape(out.tensor)[0]] + [1] * (weight.shape.ndims - 1))
            return metric(out.target, out.tensor, sample_weight=weight)

    def _metric_tensors(self):
        found = [o.loss_tensor for o in self._trained if o.loss_metric is not None]
        for out in self._trained:
            found += out.metric_tensors
        own = _added_metrics(self)
        return found + [m._symbolic_result for m in own]

    # --- functions of arrays ---

    @property
    def _feeds(self):
        """The placeholders: inputs, targets, weights of samples."""
        inputs = [t for t in self.inputs if K.is_placeholder(t) or isinstance(t, tf.SparseTensor)]
        outs = self._trained if self._compiled and self._outputs else []
        targets = [o.target for o in outs if K.is_placeholder(o.target)]
        return inputs, targets, [o.sample_weight for o in outs]

    def _make_function(self, kind):
        if kind not in self._functions:
            inputs, targets, weights = self._feeds
            phase = K.learning_phase()
            feeds = inputs + (targets + weights if kind != "predict" else [])
            with self.inputs[0].graph.as_default():
                if kind == "predict":
                    outputs, updates = list(self.outputs), list(self.state_updates)
                else:
                    outputs = [self.total_loss, *self._metric_tensors()]
                    updates = list(self.state_updates)
                if kind == "train":
                    params = base_layer.unique(self._collected_trainable)  # as they were when it was compiled
                    with tf.name_scope("training"):
                        updates = self.optimizer.get_updates(params=params, loss=self.total_loss) if params else []
                    updates += self.updates
                if isinstance(phase, tf.Tensor):
                    feeds = [*feeds, phase]
                kwargs = self._function_kwargs if self._compiled else {}
                self._functions[kind] = _Callable(feeds, outputs, updates, isinstance(phase, tf.Tensor), kind == "train",  # noqa: E501
                                                  kwargs)  # fmt: skip
        return self._functions[kind]

    def _ensure_inputs(self, x):
        """A subclass finds out what its inputs are from the first batch."""
        if self.inputs:
            return
        arrays = [x[k] for k in x] if isinstance(x, dict) else x
        flat = [v if isinstance(v, tf.Tensor) else np.asarray(v) for v in to_list(arrays)]
        if len(flat) > 1 and not isinstance(x, (dict, list, tuple)):
            flat = [np.asarray(x)]
        made = []
        for i, v in enumerate(flat):
            if isinstance(v, tf.Tensor):
                made.append(v)
                continue
            shape = (None, *(v.shape[1:] if v.ndim > 1 else (1,)))
            dtype = K.floatx() if v.dtype.kind == "f" else v.dtype.name
            made.append(K.placeholder(shape, dtype=dtype, name=f"input_{i + 1}"))
        inputs = dict(zip(x, made)) if isinstance(x, dict) else made if isinstance(x, (list, tuple)) and len(
            made) > 1 else made[0]  # fmt: skip
        arguments = {}
        if "training" in self._call_parameters:
            arguments["training"] = K.learning_phase()
        outputs = self(inputs, **arguments)
        self.inputs, self.outputs = made, nest.flatten(outputs)
        self._nested_inputs, self._nested_outputs = inputs, outputs
        self.input_names = list(x) if isinstance(x, dict) else [f"input_{i + 1}" for i in range(len(made))]
        self.output_names = [f"output_{i + 1}" for i in range(len(self.outputs))]
        if self._compiled:
            self._prepare()

    def _set_inputs(self, x):
        self._ensure_inputs(x)

    # --- what programs call ---

    def fit(self, x=None, y=None, batch_size=None, epochs=1, verbose=1, callbacks=None, validation_split=0.0,
            validation_data=None, shuffle=True, class_weight=None, sample_weight=None, initial_epoch=0,
            steps_per_epoch=None, validation_steps=None, validation_freq=1, max_queue_size=10, workers=1,
            use_multiprocessing=False, **kwargs):  # fmt: skip
        """Trains it on arrays, a generator, a Sequence or a data set; returns a History."""
        self._check_compiled()
        if "nb_epoch" in kwargs:
            epochs = kwargs.pop("nb_epoch")
        if kwargs:
            raise TypeError(f"Unrecognized keyword arguments: {kwargs}")
        if training_data.is_stream(x):
            stream = training_data.Stream(x, y, steps_per_epoch, class_weight)
            return training_loops.fit_stream(self, stream, epochs, verbose, callbacks, validation_data,
                                             validation_steps, validation_freq, initial_epoch, shuffle)  # fmt: skip
        return training_loops.fit_arrays(
            self, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle, class_weight,  # noqa: E501
            sample_weight, initial_epoch, steps_per_epoch, validation_steps, validation_freq)  # fmt: skip

    def evaluate(self, x=None, y=None, batch_size=None, verbose=1, sample_weight=None, steps=None, callbacks=None,
                 max_queue_size=10, workers=1, use_multiprocessing=False):  # fmt: skip
        """The loss and the metrics."""
        self._check_compiled()
        if training_data.is_stream(x):
            return training_loops.evaluate_stream(self, training_data.Stream(x, y, steps), verbose, callbacks)
        return training_loops.evaluate_arrays(self, x, y, batch_size, verbose, sample_weight, steps, callbacks)

    def predict(self, x, batch_size=None, verbose=0, steps=None, callbacks=None, max_queue_size=10, workers=1,
                use_multiprocessing=False):  # fmt: skip
        """The outputs for inputs."""
        if training_data.is_stream(x):
            return training_loops.predict_stream(self, training_data.Stream(x, None, steps), verbose, callbacks)
        return training_loops.predict_arrays(self, x, batch_size, verbose, steps, callbacks)

    def fit_generator(self, generator, steps_per_epoch=None, epochs=1, verbose=1, callbacks=None, validation_data=None,
                      validation_steps=None, validation_freq=1, class_weight=None, max_queue_size=10, workers=1,
                      use_multiprocessing=False, shuffle=True, initial_epoch=0, **kwargs):  # fmt: skip
        """Trains it on batches that a generator gives."""
        steps = kwargs.get("samples_per_epoch", steps_per_epoch)
        return self.fit(generator, steps_per_epoch=steps, epochs=kwargs.get("nb_epoch", epochs), verbose=verbose,
                        callbacks=callbacks, validation_data=validation_data, validation_steps=validation_steps,
                        validation_freq=validation_freq, class_weight=class_weight, shuffle=shuffle,
                        initial_epoch=initial_epoch)  # fmt: skip

    def evaluate_generator(self, generator, steps=None, callbacks=None, max_queue_size=10, workers=1,
                           use_multiprocessing=False, verbose=0):  # fmt: skip
        """The loss and the metrics on batches that a generator gives."""
        return self.evaluate(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    def predict_generator(self, generator, steps=None, callbacks=None, max_queue_size=10, workers=1,
                          use_multiprocessing=False, verbose=0):  # fmt: skip
        """The outputs for batches that a generator gives."""
        return self.predict(generator, steps=steps, callbacks=callbacks, verbose=verbose)

    def train_on_batch(self, x, y=None, sample_weight=None, class_weight=None, reset_metrics=True):
        """One step; the loss and the metrics."""
        self._check_compiled()
        data = training_data.standardize(self, x, y, sample_weight, class_weight)
        values = self._make_function("train")([*data.inputs, *data.targets, *data.weights])
        if reset_metrics:
            self.reset_metrics()
        return unpack_singleton(values)

    def test_on_batch(self, x, y=None, sample_weight=None, reset_metrics=True):
        """The loss and the metrics of one batch."""
        self._check_compiled()
        data = training_data.standardize(self, x, y, sample_weight)
        values = self._make_function("test")([*data.inputs, *data.targets, *data.weights])
        if reset_metrics:
            self.reset_metrics()
        return unpack_singleton(values)

    def predict_on_batch(self, x):
        """The outputs of one batch."""
        data = training_data.standardize(self, x, None, inputs_only=True)
        return unpack_singleton(self._make_function("predict")(data.inputs))

    def reset_metrics(self):
        """Metrics forget."""
        metrics = self._gathered_metrics()
        variables = [v for m in metrics for v in m.variables]
        if not variables:
            return
        key = tuple(map(id, variables))
        made = self.__dict__.get("_reset")
        if made is None or made[0] != key:
            with variables[0].graph.as_default(), tf.name_scope(""):
                made = self._reset = key, tf.group(*(v.assign(tf.zeros_like(v), read_value=False) for v in variables))
        K.get_session().run(made[1])


class _Callable:
    """A function of arrays of a model."""

    def __init__(self, feeds, outputs, updates, phased, training, kwargs):
        self.function = K.function(feeds, outputs, updates, **kwargs)
        self.phase = [training] if phased else []

    def __call__(self, arrays):
        return self.function([*arrays, *self.phase])


def _added_metrics(layer):
    """The metrics that add_metric gave a model and what is in it: not those that inner models were compiled with."""
    return [m for inner in layer._layers for m in _added_metrics(inner)] + layer._metrics


def _broad(losses, weight):
    """LOSSES times weights of samples."""
    losses, weight = loss_module._match(losses, tf.cast(weight, losses.dtype))
    return losses * weight


def _loss_object(loss):
    """A loss as an object with `call`, None for none."""
    if loss is None or isinstance(loss, loss_module.Loss):
        return loss
    fn = loss_module.get(loss)
    if isinstance(fn, loss_module.Loss):
        return fn
    return loss_module.LossFunctionWrapper(fn, name=getattr(fn, "__name__", "loss"))


def _metrics_per_output(given, names):
    if not given:
        return [[] for _ in names]
    if isinstance(given, dict):
        for k in given:
            if k not in names:
                raise ValueError(f"Unknown entries in metrics dictionary: {[k]}. Only expected following keys: {names}")
        return [to_list(given.get(n) or []) for n in names]
    if not isinstance(given, (list, tuple)):
        raise TypeError(
            "Type of `metrics` argument not understood. Expected a list or dictionary, found: " + str(given)
        )
    if any(isinstance(m, (list, tuple)) for m in given):
        return [to_list(m) for m in given]
    return [[metric_module.clone_metric(m) for m in given] if len(names) > 1 else list(given) for _ in names]


def _metric_object(metric, out, weighted):
    """A metric as an object: "accuracy" and "crossentropy" depend on loss and output."""
    prefix = "weighted_" if weighted else ""
    if isinstance(metric, str) and metric in ("accuracy", "acc", "crossentropy", "ce"):
        kind = "accuracy" if metric in ("accuracy", "acc") else "crossentropy"
        name = prefix + ("acc" if kind == "accuracy" else "ce")
        shape = out.tensor.shape.as_list()
        binary = out.loss_fn.__class__.__name__ == "BinaryCrossentropy" or getattr(
            out.loss_fn, "fn", None) is loss_module.binary_crossentropy  # fmt: skip
        if shape[-1] == 1 or (binary and kind == "accuracy") or binary:
            fn = metric_module.binary_accuracy if kind == "accuracy" else loss_module.binary_crossentropy
        elif out.sparse:
            fn = metric_module.sparse_categorical_accuracy if kind == "accuracy" else (
                loss_module.sparse_categorical_crossentropy)  # fmt: skip
        else:
            fn = metric_module.categorical_accuracy if kind == "accuracy" else loss_module.categorical_crossentropy
        return metric_module.MeanMetricWrapper(fn, name=name)
    fn = metric_module.get(metric)
    if isinstance(fn, metric_module.Metric):
        return fn
    name = getattr(fn, "__name__", None) or to_snake_case(fn.__class__.__name__)
    return metric_module.MeanMetricWrapper(fn, name=prefix + name)


@tf_export("keras.models.clone_model")
def clone_model(model, input_tensors=None, clone_function=None):
    """A model of the same layers with new weights."""
    from tenon.python.keras.engine.sequential import Sequential

    make = clone_function or (lambda layer: layer.__class__.from_config(layer.get_config()))
    if isinstance(model, Sequential):
        layers = [make(layer) for layer in (model._layers if input_tensors is None else model.layers)]
        if input_tensors is not None:
            from tenon.python.keras.engine.input_layer import Input

            tensor = to_list(input_tensors)[0]
            if not hasattr(tensor, "_keras_history"):
                tensor = Input(tensor=tensor)
            layers.insert(0, tensor._keras_history.layer)
        return Sequential(layers=layers, name=model.name)
    if not model._is_graph_network:
        raise ValueError("Expected `model` argument to be a functional `Model` instance, but got a subclass model.")
    from tenon.python.keras.engine.input_layer import Input, InputLayer

    values = {}
    given = iter(to_list(input_tensors) if input_tensors is not None else ())
    for t in model.inputs:
        layer = t._keras_history.layer
        tensor = next(given, None)
        if tensor is None:
            tensor = Input(
                batch_shape=layer._batch_input_shape, dtype=layer.dtype, sparse=layer.sparse, name=layer.name
            )
        elif not hasattr(tensor, "_keras_history"):
            tensor = Input(tensor=tensor, name="input_wrapper_for_" + layer.name)
        values[id(t)] = tensor
    made = {}
    for node in model._nodes:
        if isinstance(node.layer, InputLayer):
            continue
        if node.layer not in made:
            inner = isinstance(node.layer, Model) and clone_function is None
            made[node.layer] = clone_model(node.layer) if inner else make(node.layer)
        swap = lambda t: values[id(t)] if id(t) in values else t  # noqa: E731, SIM401
        outputs = made[node.layer](nest.map_structure(swap, node.inputs), **nest.map_structure(swap, node.arguments))
        values.update((id(a), b) for a, b in zip(node.output_tensors, nest.flatten(outputs)))
    pack = nest.pack_sequence_as
    return Model(pack(model._nested_inputs, [values[id(t)] for t in model.inputs]),
                 pack(model._nested_outputs, [values[id(t)] for t in model.outputs]), name=model.name)  # fmt: skip
