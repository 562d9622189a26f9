"""What is told when epochs and batches begin and end."""

import csv
import json
import os

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.utils.generic_utils import Progbar

TF_NAMESPACES = ("keras.callbacks",)


class Callback:
    """Base class: methods that do nothing; `self.model` is the model, `self.params` what it is trained with."""

    validation_data = None
    model = None
    params = None

    def __init__(self):
        """Takes nothing; subclasses need not call it."""

    def set_params(self, params):
        """Takes what the model is trained with."""
        self.params = params

    def set_model(self, model):
        """Takes the model."""
        self.model = model

    def on_batch_begin(self, batch, logs=None):
        """Before a batch of training."""

    def on_batch_end(self, batch, logs=None):
        """After a batch of training."""

    def on_epoch_begin(self, epoch, logs=None):
        """Before an epoch."""

    def on_epoch_end(self, epoch, logs=None):
        """After an epoch."""

    def on_train_begin(self, logs=None):
        """Before training."""

    def on_train_end(self, logs=None):
        """After training."""

    def on_test_begin(self, logs=None):
        """Before evaluation."""

    def on_test_end(self, logs=None):
        """After evaluation."""

    def on_predict_begin(self, logs=None):
        """Before prediction."""

    def on_predict_end(self, logs=None):
        """After prediction."""

    def on_test_batch_begin(self, batch, logs=None):
        """Before a batch of evaluation."""

    def on_test_batch_end(self, batch, logs=None):
        """After a batch of evaluation."""

    def on_predict_batch_begin(self, batch, logs=None):
        """Before a batch of prediction."""

    def on_predict_batch_end(self, batch, logs=None):
        """After a batch of prediction."""

    def on_train_batch_begin(self, batch, logs=None):
        """Before a batch of training."""
        self.on_batch_begin(batch, logs=logs)

    def on_train_batch_end(self, batch, logs=None):
        """After a batch of training."""
        self.on_batch_end(batch, logs=logs)


def _each(name, argument):
    """A method that calls NAME of each callback."""
    if argument is None:

        def method(self, logs=None):
            self._tell(name, logs)
    elif argument == "epoch":

        def method(self, epoch, logs=None):
            self._tell(name, epoch, logs)
    else:

        def method(self, batch, logs=None):
            self._tell(name, batch, logs)

    method.__name__, method.__doc__ = name, f"Calls {name} of each callback."
    return method


class CallbackList:
    """Several callbacks as one."""

    def __init__(self, callbacks=None, queue_length=10):
        self.callbacks = list(callbacks or ())
        self.params, self.model = {}, None

    def append(self, callback):
        """One more."""
        self.callbacks.append(callback)

    def set_params(self, params):
        """Takes what the model is trained with."""
        self.params = params
        for callback in self.callbacks:
            callback.set_params(params)

    def set_model(self, model):
        """Takes the model."""
        self.model = model
        for callback in self.callbacks:
            callback.set_model(model)

    def __iter__(self):
        return iter(self.callbacks)

    def _tell(self, name, *args):
        for callback in self.callbacks:
            hook = getattr(callback, name, None)
            if hook is not None:
                hook(*args[:-1], {} if args[-1] is None else args[-1])


for _event in [n for n in vars(Callback) if n.startswith("on_")]:
    _argument = "epoch" if "epoch" in _event else "batch" if "batch" in _event else None
    # A batch without more said is one of training.
    _told = _event.replace("on_batch", "on_train_batch")
    setattr(CallbackList, _event, _each(_told, _argument))


class BaseLogger(Callback):
    """Averages what is logged over an epoch."""

    def __init__(self, stateful_metrics=None):
        self.stateful_metrics = set(stateful_metrics or ())

    def on_epoch_begin(self, epoch, logs=None):
        """Starts anew."""
        self.seen, self.totals = 0, {}

    def on_batch_end(self, batch, logs=None):
        """Adds a batch."""
        logs = logs or {}
        size = logs.get("size", 0)
        self.seen += size
        for k, v in logs.items():
            if k in self.stateful_metrics:
                self.totals[k] = v
            else:
                self.totals[k] = self.totals.get(k, 0) + v * size

    def on_epoch_end(self, epoch, logs=None):
        """Gives the averages."""
        if logs is not None:
            for k in self.params.get("metrics", ()):
                if k in self.totals and k not in logs:
                    logs[k] = self.totals[k] if k in self.stateful_metrics else self.totals[k] / self.seen


class TerminateOnNaN(Callback):
    """Ends training when the loss is no number."""

    def on_batch_end(self, batch, logs=None):
        """Looks at the loss."""
        loss = (logs or {}).get("loss")
        if loss is not None and (np.isnan(loss) or np.isinf(loss)):
            print(f"Batch {batch}: Invalid loss, terminating training")
            self.model.stop_training = True


class ProgbarLogger(Callback):
    """Prints how far training is."""

    def __init__(self, count_mode="samples", stateful_metrics=None):
        if count_mode not in ("samples", "steps"):
            raise ValueError("Unknown `count_mode`: " + str(count_mode))
        self.use_steps = count_mode == "steps"
        self.stateful_metrics = set(stateful_metrics or ())

    def on_train_begin(self, logs=None):
        """Remembers how many epochs there are."""
        self.verbose, self.epochs = self.params["verbose"], self.params["epochs"]

    def on_epoch_begin(self, epoch, logs=None):
        """Starts a bar."""
        self.seen = 0
        self.target = self.params["steps"] if self.use_steps else self.params["samples"]
        if self.verbose and self.epochs > 1:
            print(f"Epoch {epoch + 1}/{self.epochs}")
        stateful = self.stateful_metrics | {"val_" + n for n in self.stateful_metrics}
        self.progbar = Progbar(self.target, verbose=self.verbose, stateful_metrics=stateful,
                               unit_name="step" if self.use_steps else "sample")  # fmt: skip

    def _values(self, logs):
        return [(k, logs[k]) for k in self.params["metrics"] if k in logs]

    def on_batch_end(self, batch, logs=None):
        """Draws."""
        logs = logs or {}
        self.seen += 1 if self.use_steps else logs.get("size", 0)
        self.last = self._values(logs)
        if self.verbose and (self.target is None or self.seen < self.target):
            self.progbar.update(self.seen, self.last)

    def on_epoch_end(self, epoch, logs=None):
        """Draws the bar at its end."""
        if self.verbose:
            if self.target is None:
                self.progbar.target = self.seen
            self.progbar._values.pop("loss", None)
            values = dict(self._values(logs or {}))
            self.progbar.stateful_metrics |= set(values)
            self.progbar._values = {k: [v, 1] for k, v in values.items()}
            self.progbar.update(self.seen, list(values.items()), finalize=True)


class History(Callback):
    """Keeps what is logged at the end of epochs: `history` maps names to lists."""

    def __init__(self):
        self.epoch, self.history = [], {}

    def on_train_begin(self, logs=None):
        """Starts with nothing."""
        self.epoch, self.history = [], getattr(self, "history", {}) if self.epoch else {}

    def on_epoch_end(self, epoch, logs=None):
        """Adds an epoch."""
        self.epoch.append(epoch)
        for k, v in (logs or {}).items():
            self.history.setdefault(k, []).append(v)


class _Monitor(Callback):
    """What looks at one number."""

    def _direction(self, monitor, mode, min_delta=0):
        self.monitor = monitor
        if mode not in ("auto", "min", "max"):
            tf.logging.warning(f"{type(self).__name__} mode {mode} is unknown, fallback to auto mode.")
            mode = "auto"
        up = mode == "max" or mode == "auto" and ("acc" in monitor or monitor.startswith("fmeasure"))
        self.monitor_op = np.greater if up else np.less
        self.min_delta = min_delta if up else -min_delta
        self._worst = -np.inf if up else np.inf

    def get_monitor_value(self, logs):
        """What is looked at, None with a warning where it is not there."""
        value = (logs or {}).get(self.monitor)
        if value is None:
            tf.logging.warning(f"{type(self).__name__} conditioned on metric `{self.monitor}` which is not available. "
                               f"Available metrics are: {','.join(logs or {})}")  # fmt: skip
        return value


class EarlyStopping(_Monitor):
    """Ends training when a number gets no better for some epochs."""

    def __init__(self, monitor="val_loss", min_delta=0, patience=0, verbose=0, mode="auto", baseline=None,
                 restore_best_weights=False):  # fmt: skip
        self.patience, self.verbose, self.baseline = patience, verbose, baseline
        self.restore_best_weights = restore_best_weights
        self._direction(monitor, mode, abs(min_delta))

    def on_train_begin(self, logs=None):
        """Starts anew."""
        self.wait = self.stopped_epoch = 0
        self.best = self._worst if self.baseline is None else self.baseline
        self.best_weights = None

    def on_epoch_end(self, epoch, logs=None):
        """Compares."""
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.monitor_op(current - self.min_delta, self.best):
            self.best, self.wait = current, 0
            if self.restore_best_weights:
                self.best_weights = self.model.get_weights()
            return
        self.wait += 1
        if self.wait >= self.patience:
            self.stopped_epoch = epoch
            self.model.stop_training = True
            if self.restore_best_weights and self.best_weights is not None:
                if self.verbose:
                    print("Restoring model weights from the end of the best epoch.")
                self.model.set_weights(self.best_weights)

    def on_train_end(self, logs=None):
        """Says so."""
        if self.stopped_epoch > 0 and self.verbose > 0:
            print(f"Epoch {self.stopped_epoch + 1:05d}: early stopping")


class ModelCheckpoint(_Monitor):
    """Saves the model after epochs."""

    def __init__(self, filepath, monitor="val_loss", verbose=0, save_best_only=False, save_weights_only=False,
                 mode="auto", save_freq="epoch", period=1, **kwargs):  # fmt: skip
        self.filepath, self.verbose, self.period = filepath, verbose, period
        self.save_best_only, self.save_weights_only, self.save_freq = save_best_only, save_weights_only, save_freq
        self._direction(monitor, mode)
        self.best = self._worst
        self.epochs_since_last_save = self._seen = 0

    def on_batch_end(self, batch, logs=None):
        """Saves after a number of samples, if it was told to."""
        if isinstance(self.save_freq, int):
            self._seen += (logs or {}).get("size", 1)
            if self._seen >= self.save_freq:
                self._seen = 0
                self._save(self._epoch, logs or {})

    def on_epoch_begin(self, epoch, logs=None):
        """Remembers the epoch."""
        self._epoch = epoch

    def on_epoch_end(self, epoch, logs=None):
        """Saves."""
        self.epochs_since_last_save += 1
        if self.save_freq == "epoch" and self.epochs_since_last_save >= self.period:
            self.epochs_since_last_save = 0
            self._save(epoch, logs or {})

    def _save(self, epoch, logs):
        path = self.filepath.format(epoch=epoch + 1, **logs)
        if self.save_best_only:
            current = self.get_monitor_value(logs)
            if current is None:
                return
            if not self.monitor_op(current, self.best):
                if self.verbose > 0:
                    print(f"\nEpoch {epoch + 1:05d}: {self.monitor} did not improve from {self.best:0.5f}")
                return
            if self.verbose > 0:
                print(f"\nEpoch {epoch + 1:05d}: {self.monitor} improved from {self.best:0.5f} to {current:0.5f}, "
                      f"saving model to {path}")  # fmt: skip
            self.best = current
        elif self.verbose > 0:
            print(f"\nEpoch {epoch + 1:05d}: saving model to {path}")
        if self.save_weights_only:
            self.model.save_weights(path, overwrite=True)
        else:
            self.model.save(path, overwrite=True)


class ReduceLROnPlateau(_Monitor):
    """Lowers the learning rate when a number gets no better for some epochs."""

    def __init__(self, monitor="val_loss", factor=0.1, patience=10, verbose=0, mode="auto", min_delta=1e-4, cooldown=0,
                 min_lr=0, **kwargs):  # fmt: skip
        if factor >= 1.0:
            raise ValueError("ReduceLROnPlateau does not support a factor >= 1.0.")
        self.factor, self.patience, self.verbose = factor, patience, verbose
        self.cooldown, self.min_lr = cooldown, min_lr
        self._direction(monitor, mode, kwargs.get("epsilon", min_delta))

    def on_train_begin(self, logs=None):
        """Starts anew."""
        self.best, self.wait, self.cooldown_counter = self._worst, 0, 0

    def in_cooldown(self):
        """Whether it waits after it lowered the rate."""
        return self.cooldown_counter > 0

    def on_epoch_end(self, epoch, logs=None):
        """Compares."""
        logs = logs if logs is not None else {}
        logs["lr"] = K.get_value(self.model.optimizer.lr)
        current = self.get_monitor_value(logs)
        if current is None:
            return
        if self.cooldown_counter > 0:
            self.cooldown_counter -= 1
            self.wait = 0
        if self.monitor_op(current - self.min_delta, self.best):
            self.best, self.wait = current, 0
        elif self.cooldown_counter <= 0:
            self.wait += 1
            if self.wait >= self.patience:
                old = float(K.get_value(self.model.optimizer.lr))
                if old > self.min_lr:
                    new = max(old * self.factor, self.min_lr)
                    K.set_value(self.model.optimizer.lr, new)
                    if self.verbose > 0:
                        print(f"\nEpoch {epoch + 1:05d}: ReduceLROnPlateau reducing learning rate to {new}.")
                    self.cooldown_counter, self.wait = self.cooldown, 0


class LearningRateScheduler(Callback):
    """Sets the learning rate of each epoch by a function of (epoch) or (epoch, rate)."""

    def __init__(self, schedule, verbose=0):
        self.schedule, self.verbose = schedule, verbose

    def on_epoch_begin(self, epoch, logs=None):
        """Sets it."""
        if not hasattr(self.model.optimizer, "lr"):
            raise ValueError('Optimizer must have a "lr" attribute.')
        try:
            rate = self.schedule(epoch, float(K.get_value(self.model.optimizer.lr)))
        except TypeError:
            rate = self.schedule(epoch)
        if not isinstance(rate, (float, np.float32, np.float64)):
            raise ValueError('The output of the "schedule" function should be float.')
        K.set_value(self.model.optimizer.lr, rate)
        if self.verbose > 0:
            print(f"\nEpoch {epoch + 1:05d}: LearningRateScheduler reducing learning rate to {rate}.")

    def on_epoch_end(self, epoch, logs=None):
        """Logs it."""
        if logs is not None:
            logs["lr"] = K.get_value(self.model.optimizer.lr)


class CSVLogger(Callback):
    """Writes what is logged at the end of epochs to a CSV file."""

    def __init__(self, filename, separator=",", append=False):
        self.filename, self.sep, self.append = filename, separator, append
        self.writer = self.keys = None

    def on_train_begin(self, logs=None):
        """Opens the file."""
        head = not (self.append and os.path.exists(self.filename) and os.path.getsize(self.filename))
        self.append_header = head
        self.csv_file = open(self.filename, "a" if self.append else "w", newline="")  # noqa: SIM115

    def on_epoch_end(self, epoch, logs=None):
        """Writes a line."""
        logs = logs or {}
        self.keys = self.keys or sorted(logs)
        if self.writer is None:
            self.writer = csv.DictWriter(self.csv_file, ["epoch", *self.keys], delimiter=self.sep, lineterminator="\n")
            if self.append_header:
                self.writer.writeheader()
        self.writer.writerow({"epoch": epoch, **{k: logs.get(k, "NA") for k in self.keys}})
        self.csv_file.flush()

    def on_train_end(self, logs=None):
        """Closes the file."""
        self.csv_file.close()
        self.writer = None


class LambdaCallback(Callback):
    """Functions as a callback."""

    def __init__(self, on_epoch_begin=None, on_epoch_end=None, on_batch_begin=None, on_batch_end=None,
                 on_train_begin=None, on_train_end=None, **kwargs):  # fmt: skip
        given = {"on_epoch_begin": on_epoch_begin, "on_epoch_end": on_epoch_end, "on_batch_begin": on_batch_begin,
                 "on_batch_end": on_batch_end, "on_train_begin": on_train_begin, "on_train_end": on_train_end,
                 **kwargs}  # fmt: skip
        self.__dict__.update({k: v for k, v in given.items() if v is not None})


class RemoteMonitor(Callback):
    """Sends what is logged to a server."""

    def __init__(self, root="http://localhost:9000", path="/publish/epoch/end/", field="data", headers=None,
                 send_as_json=False):  # fmt: skip
        self.root, self.path, self.field, self.headers, self.send_as_json = root, path, field, headers, send_as_json

    def on_epoch_end(self, epoch, logs=None):
        """Sends an epoch."""
        import urllib.error
        import urllib.parse
        import urllib.request

        send = {"epoch": epoch, **{k: float(v) for k, v in (logs or {}).items()}}
        if self.send_as_json:
            body, kind = json.dumps(send).encode(), {"Content-Type": "application/json"}
        else:
            body, kind = urllib.parse.urlencode({self.field: json.dumps(send)}).encode(), {}
        request = urllib.request.Request(self.root + self.path, body, {**kind, **(self.headers or {})})
        try:
            urllib.request.urlopen(request).close()
        except urllib.error.URLError:
            tf.logging.warning(f"Could not reach RemoteMonitor root server at {self.root}")
