"""The loops over epochs and batches."""

import numpy as np

from tenon.python.keras import callbacks as callback_module
from tenon.python.keras.engine import training_data
from tenon.python.keras.utils.generic_utils import Progbar, slice_arrays, unpack_singleton


def _callbacks(model, callbacks, verbose, epochs, samples, steps, batch_size, validated, mode="samples"):
    """The list of callbacks, History and the progress bar among them."""
    history = callback_module.History()
    names = list(model.metrics_names)
    metrics = names + ["val_" + n for n in names] if validated else names
    found = [callback_module.BaseLogger(stateful_metrics=names[1:]), *(callbacks or ())]
    if verbose:
        found.append(callback_module.ProgbarLogger(mode, stateful_metrics=names[1:]))
    found.append(history)
    found = callback_module.CallbackList(found)
    found.set_model(model)
    found.set_params({"batch_size": batch_size, "epochs": epochs, "steps": steps, "samples": samples, "verbose": verbose,  # noqa: E501
                      "do_validation": validated, "metrics": metrics})  # fmt: skip
    model.history = history
    model.stop_training = False
    return found, history


def _count(data):
    return data.inputs[0].shape[0] if data.inputs else data.targets[0].shape[0]


def _wanted(epoch, freq):
    return (epoch + 1) % freq == 0 if isinstance(freq, int) else epoch + 1 in freq


def fit_arrays(model, x, y, batch_size, epochs, verbose, callbacks, validation_split, validation_data, shuffle,
               class_weight, sample_weight, initial_epoch, steps_per_epoch, validation_steps,
               validation_freq):  # fmt: skip
    """Model.fit on arrays."""
    data = training_data.standardize(model, x, y, sample_weight, class_weight)
    if not data.inputs and not data.targets and steps_per_epoch is None:
        raise ValueError("If you are using tensors as inputs, specify `steps_per_epoch`.")
    checked, stream = None, None
    if validation_data is not None:
        if training_data.is_stream(validation_data):
            stream = training_data.Stream(validation_data, None, validation_steps)
        else:
            checked = training_data.standardize(model, *validation_data)
    elif validation_split:
        data, checked = training_data.split(data, validation_split)
    batch_size = 32 if batch_size is None else batch_size
    by_steps = steps_per_epoch is not None
    count = None if by_steps else _count(data)
    validated = checked is not None or stream is not None
    if verbose and not by_steps:
        text = f"Train on {count} samples"
        print(text + (f", validate on {_count(checked)} samples" if checked is not None and checked.inputs else ""))
    listeners, history = _callbacks(model, callbacks, verbose, epochs, count, steps_per_epoch, batch_size, validated,
                                    "steps" if by_steps else "samples")  # fmt: skip
    train = model._make_function("train")
    listeners.on_train_begin()
    model.validation_data = None if checked is None else [*checked.inputs, *checked.targets, *checked.weights]
    for epoch in range(initial_epoch, epochs):
        if model.stop_training:
            break
        model.reset_metrics()
        logs = {}
        listeners.on_epoch_begin(epoch, logs)
        if by_steps:
            batches = ((i, data, 1) for i in range(steps_per_epoch))
        else:
            batches = _batches(data, count, batch_size, shuffle)
        values = _epoch(model, train, batches, listeners)
        logs.update(zip(model.metrics_names, values))
        if validated and _wanted(epoch, validation_freq):
            if stream is not None:
                found = _test_stream(model, stream)
            elif not checked.inputs:
                found = _steps(model, "test", checked, validation_steps)
            else:
                found = _test(model, checked, batch_size)
            logs.update(("val_" + n, v) for n, v in zip(model.metrics_names, found))
        listeners.on_epoch_end(epoch, logs)
    listeners.on_train_end()
    return history


def _batches(data, count, batch_size, shuffle):
    """(number, part of the data, its size) of each batch."""
    order = np.arange(count)
    if shuffle == "batch":
        whole = count // batch_size * batch_size
        parts = order[:whole].reshape(-1, batch_size)
        np.random.shuffle(parts)
        order = np.append(parts.reshape(-1), order[whole:])
    elif shuffle:
        np.random.shuffle(order)
    for i, start in enumerate(range(0, count, batch_size)):
        ids = order[start : start + batch_size]
        yield i, _part(data, ids, shuffle, start), len(ids)


def _part(data, ids, shuffle, start):
    """Some samples; slices where the order is that of the data."""
    if not shuffle:
        return training_data.Data(*(slice_arrays(a, start, start + len(ids)) for a in data))
    return training_data.Data(*(slice_arrays(a, ids) for a in data))


def _epoch(model, function, batches, listeners):
    """Runs a function on batches; the loss is averaged over samples, metrics keep what they have at the end."""
    total, count, values = 0.0, 0, []
    for i, part, size in batches:
        logs = {"batch": i, "size": size}
        listeners.on_batch_begin(i, logs)
        values = function([*part.inputs, *part.targets, *part.weights])
        total += float(values[0]) * size
        count += size
        logs.update(zip(model.metrics_names, values))
        listeners.on_batch_end(i, logs)
        if model.stop_training:
            break
    return [total / max(count, 1), *(float(v) for v in values[1:])]


def _test(model, data, batch_size, bar=None, listeners=None):
    function = model._make_function("test")
    model.reset_metrics()
    total, values, count = 0.0, [], _count(data)
    for i, part, size in _batches(data, count, batch_size, False):
        if listeners is not None:
            listeners.on_test_batch_begin(i, {"batch": i, "size": size})
        values = function([*part.inputs, *part.targets, *part.weights])
        total += float(values[0]) * size
        if bar is not None:
            bar.update(min((i + 1) * batch_size, count))
        if listeners is not None:
            listeners.on_test_batch_end(i, {"batch": i, "size": size, **dict(zip(model.metrics_names, values))})
    return [total / max(count, 1), *(float(v) for v in values[1:])]


def _steps(model, kind, data, steps):
    """Runs the model on tensors that it was built on."""
    function = model._make_function(kind)
    if kind == "predict":
        found = [function(data.inputs) for _ in range(steps)]
        return [np.concatenate(parts) for parts in zip(*found)]
    model.reset_metrics()
    total, values = 0.0, []
    for _ in range(steps or 1):
        values = function([*data.inputs, *data.targets, *data.weights])
        total += float(values[0])
    return [total / (steps or 1), *(float(v) for v in values[1:])]


def _listeners(model, callbacks):
    if not callbacks:
        return None
    found = callback_module.CallbackList(callbacks)
    found.set_model(model)
    found.set_params({})
    return found


def evaluate_arrays(model, x, y, batch_size, verbose, sample_weight, steps, callbacks):
    """Model.evaluate on arrays."""
    data = training_data.standardize(model, x, y, sample_weight)
    if steps is not None or not data.inputs:
        return unpack_singleton(_steps(model, "test", data, steps))
    listeners = _listeners(model, callbacks)
    if listeners is not None:
        listeners.on_test_begin()
    bar = Progbar(_count(data), unit_name="sample") if verbose == 1 else None
    values = _test(model, data, 32 if batch_size is None else batch_size, bar, listeners)
    if listeners is not None:
        listeners.on_test_end()
    return unpack_singleton(values)


def predict_arrays(model, x, batch_size, verbose, steps, callbacks):
    """Model.predict on arrays."""
    data = training_data.standardize(model, x, inputs_only=True)
    if steps is not None or not data.inputs:
        return unpack_singleton(_steps(model, "predict", data, steps or 1))
    function, count = model._make_function("predict"), _count(data)
    listeners = _listeners(model, callbacks)
    if listeners is not None:
        listeners.on_predict_begin()
    bar = Progbar(count, unit_name="sample") if verbose == 1 else None
    results, done = None, 0
    if count == 0:
        return unpack_singleton(function(data.inputs))
    for i, part, size in _batches(data, count, 32 if batch_size is None else batch_size, False):
        if listeners is not None:
            listeners.on_predict_batch_begin(i, {"batch": i, "size": size})
        values = function(part.inputs)
        if results is None:
            results = [[] for _ in values]
        for kept, value in zip(results, values):
            kept.append(value)
        done += size
        if bar is not None:
            bar.update(done)
        if listeners is not None:
            listeners.on_predict_batch_end(i, {"batch": i, "size": size, "outputs": values})
    if listeners is not None:
        listeners.on_predict_end()
    return unpack_singleton([np.concatenate(parts) for parts in results])


def fit_stream(model, stream, epochs, verbose, callbacks, validation_data, validation_steps, validation_freq,
               initial_epoch, shuffle):  # fmt: skip
    """Model.fit on batches that come one by one."""
    validated = validation_data is not None
    checked = held = None
    if validated and training_data.is_stream(validation_data):
        checked = training_data.Stream(validation_data, None, validation_steps)
    elif validated:
        held = tuple(validation_data)
    listeners, history = None, None
    if not model._outputs:
        model._ensure_inputs(training_data.unpack(stream.peek())[0])
    listeners, history = _callbacks(model, callbacks, verbose, epochs, None, stream.steps, None, validated, "steps")
    listeners.on_train_begin()
    for epoch in range(initial_epoch, epochs):
        if model.stop_training:
            break
        model.reset_metrics()
        listeners.on_epoch_begin(epoch, {})
        values = _stream_epoch(model, stream, "train", listeners, shuffle)
        logs = dict(zip(model.metrics_names, values))
        if validated and _wanted(epoch, validation_freq):
            if checked is not None:
                found = _test_stream(model, checked)
            else:
                found = _test(model, training_data.standardize(model, *held), 32)
            logs.update(("val_" + n, v) for n, v in zip(model.metrics_names, found))
        listeners.on_epoch_end(epoch, logs)
    listeners.on_train_end()
    return history


def _stream_epoch(model, stream, kind, listeners=None, shuffle=False, bar=None):
    total, count, values = 0.0, 0, []
    for i, batch in enumerate(stream.batches(shuffle)):
        x, y, weight = training_data.unpack(batch)
        data = training_data.standardize(model, x, y, weight, stream.class_weight if kind == "train" else None)
        size = _count(data)
        logs = {"batch": i, "size": size}
        if listeners is not None:
            listeners.on_batch_begin(i, logs)
        values = model._make_function(kind)([*data.inputs, *data.targets, *data.weights])
        total += float(values[0]) * size
        count += size
        if listeners is not None:
            logs.update(zip(model.metrics_names, values))
            listeners.on_batch_end(i, logs)
            if model.stop_training:
                break
        if bar is not None:
            bar.update(i + 1)
    return [total / max(count, 1), *(float(v) for v in values[1:])]


def _test_stream(model, stream, bar=None):
    model.reset_metrics()
    return _stream_epoch(model, stream, "test", bar=bar)


def evaluate_stream(model, stream, verbose, callbacks):
    """Model.evaluate on batches that come one by one."""
    bar = Progbar(stream.steps) if verbose == 1 else None
    return unpack_singleton(_test_stream(model, stream, bar))


def predict_stream(model, stream, verbose, callbacks):
    """Model.predict on batches that come one by one."""
    results = None
    bar = Progbar(stream.steps) if verbose == 1 else None
    for i, batch in enumerate(stream.batches()):
        x = training_data.unpack(batch)[0]
        data = training_data.standardize(model, x, inputs_only=True)
        values = model._make_function("predict")(data.inputs)
        results = results or [[] for _ in values]
        for kept, value in zip(results, values):
            kept.append(value)
        if bar is not None:
            bar.update(i + 1)
    return unpack_singleton([np.concatenate(parts) for parts in results or []])
