"""tenon.keras.callbacks: what they do to training equals what TensorFlow's do."""

import csv
import glob
import http.server
import json
import os
import threading

import numpy as np
import pytest

import tenon
from api.both import both

pytestmark = pytest.mark.filterwarnings("ignore")
RNG = np.random.RandomState(7)
X, Y = RNG.rand(20, 3).astype("f"), RNG.rand(20, 2).astype("f")


def model_of(tf, optimizer="sgd", **kwargs):
    k = tf.keras
    model = k.Sequential([k.layers.Dense(4, activation="relu", input_shape=(3,)), k.layers.Dense(2)])
    rng = np.random.RandomState(0)
    model.set_weights([(rng.rand(*w.shape) - 0.3).astype("f") for w in model.get_weights()])
    model.compile(optimizer, "mse", **kwargs)
    return model


def fit(model, callbacks, **kwargs):
    settings = {
        "epochs": 6,
        "shuffle": False,
        "verbose": 0,
        "batch_size": 10,
        "validation_data": (X[:5], Y[:5]),
        **kwargs,
    }
    return model.fit(X, Y, callbacks=callbacks, **settings)


def numbers(history):
    return {k: [float(v) for v in history[k]] for k in sorted(history)}


def test_early_stopping():
    def program(tf):
        c, found = tf.keras.callbacks, []
        for kwargs in ({"monitor": "loss", "min_delta": 0.05}, {"min_delta": 0.02, "patience": 2},
                       {"monitor": "val_loss", "mode": "max", "patience": 1, "restore_best_weights": True}):  # fmt: skip  # noqa: E501
            model = model_of(tf)
            stopper = c.EarlyStopping(**kwargs)
            history = fit(model, [stopper])
            found.append([len(history.epoch), stopper.stopped_epoch, model.get_weights()[0]])
        return found

    both(program, rtol=1e-4, atol=1e-5)
    with tenon.Graph().as_default():  # a baseline that is not reached in time ends training, as in 1.15
        stopper = tenon.keras.callbacks.EarlyStopping(baseline=0.001, patience=2)
        assert len(fit(model_of(tenon), [stopper]).epoch) == 2


def test_learning_rates():
    def program(tf):
        c, found = tf.keras.callbacks, []
        makers = [lambda: c.ReduceLROnPlateau("loss", 0.5, patience=1, min_delta=0.05, min_lr=0.002),
                  lambda: c.ReduceLROnPlateau("loss", 0.1, patience=0, min_delta=1.0, cooldown=1),
                  lambda: c.LearningRateScheduler(lambda epoch: 0.1 / (epoch + 1)),
                  lambda: c.LearningRateScheduler(lambda epoch, lr: lr * 0.5)]  # fmt: skip
        for make in makers:
            model = model_of(tf, tf.keras.optimizers.SGD(0.05))
            history = fit(model, [make()])
            found.append([numbers(history.history)["lr"], float(history.history["loss"][-1]),
                          float(tf.keras.backend.get_value(model.optimizer.lr))])  # fmt: skip
        return found

    both(program, rtol=1e-4, atol=1e-5)


def test_events_come_in_order():
    def program(tf):
        said = []

        class Notes(tf.keras.callbacks.Callback):
            def on_train_begin(self, logs=None):
                said.append("train begins")

            def on_epoch_begin(self, epoch, logs=None):
                said.append(f"epoch {epoch} begins")

            def on_train_batch_begin(self, batch, logs=None):
                said.append(f"batch {batch} begins")

            def on_batch_end(self, batch, logs=None):
                said.append(f"batch {batch} ends")

            def on_epoch_end(self, epoch, logs=None):
                said.append(f"epoch {epoch} ends: {sorted(logs)}")

            def on_train_end(self, logs=None):
                said.append("train ends")

        fit(model_of(tf), [Notes()], epochs=2)
        told = []
        l = tf.keras.callbacks.LambdaCallback(on_epoch_end=lambda epoch, logs: told.append(epoch),
                                              on_train_begin=lambda logs: told.append("begin"))  # fmt: skip
        fit(model_of(tf), [l], epochs=2)
        return [said, [str(v) for v in told]]

    both(program)


def test_nothing_goes_on_after_nan():
    def program(tf):
        model = model_of(tf, tf.keras.optimizers.SGD(1e20))
        history = fit(model, [tf.keras.callbacks.TerminateOnNaN()])
        return len(history.epoch)

    both(program)


def test_checkpoints_and_logs(tmp_path):
    def program(tf):
        folder = tmp_path / tf.__name__
        folder.mkdir()
        c = tf.keras.callbacks
        callbacks = [c.ModelCheckpoint(str(folder / "all-{epoch:02d}-{loss:.2f}.h5")),
                     c.ModelCheckpoint(str(folder / "best.h5"), monitor="loss", save_best_only=True, save_weights_only=True),  # noqa: E501
                     c.ModelCheckpoint(str(folder / "ck"), save_weights_only=True),
                     c.CSVLogger(str(folder / "log.csv"))]  # fmt: skip
        model = model_of(tf)
        fit(model, callbacks, epochs=3)
        fit(model, [c.CSVLogger(str(folder / "log.csv"), append=True)], epochs=1)
        with open(folder / "log.csv", encoding="utf-8") as f:
            rows = list(csv.reader(f))
        other = model_of(tf)
        other.load_weights(str(folder / "best.h5"))
        last = tf.keras.models.load_model(sorted(glob.glob(str(folder / "all-03-*.h5")))[0])
        again = model_of(tf)
        again.load_weights(str(folder / "ck"))
        return [sorted(f for f in os.listdir(folder) if f.endswith(".h5")), rows[0], [[float(v) for v in r] for r in rows[1:]],  # noqa: E501
                other.predict(X), last.predict(X), again.predict(X)]  # fmt: skip

    both(program, rtol=1e-4, atol=1e-5)


def test_tensorboard(tmp_path):
    tf = tenon
    with tf.Graph().as_default():
        model = model_of(tf, metrics=["mae"])
        board = tf.keras.callbacks.TensorBoard(str(tmp_path), histogram_freq=1, write_grads=True, write_images=True)
        fit(model, [board], epochs=2)
        tags = {}
        graphs = 0
        for path in glob.glob(str(tmp_path / "events*")):
            for event in tf.train.summary_iterator(path):
                graphs += bool(event.graph_def)
                for value in event.summary.value:
                    tags.setdefault(value.tag, []).append(event.step)
        assert graphs == 1
        assert {"epoch_loss", "epoch_val_loss", "epoch_mean_absolute_error", "epoch_val_mean_absolute_error"} <= set(
            tags
        )
        assert tags["epoch_loss"] == [0, 1]
        assert {"dense/kernel_0", "dense/kernel_0_grad", "dense_out", "dense_1/bias_0"} <= set(tags)
        assert any("dense/kernel_0_image" in t for t in tags)


def test_remote_monitor():
    got = []

    class Server(http.server.BaseHTTPRequestHandler):
        def do_POST(self):
            got.append((self.path, self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(200)
            self.end_headers()

        def log_message(self, *_):
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Server) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        with tenon.Graph().as_default():
            root = f"http://127.0.0.1:{server.server_port}"
            monitor = tenon.keras.callbacks.RemoteMonitor(root, send_as_json=True)
            fit(model_of(tenon), [monitor], epochs=2)
            nobody = tenon.keras.callbacks.RemoteMonitor("http://127.0.0.1:9")
            fit(model_of(tenon), [nobody], epochs=1)
        server.shutdown()
    assert [path for path, _ in got] == ["/publish/epoch/end/"] * 2
    assert json.loads(got[1][1])["epoch"] == 1 and set(json.loads(got[0][1])) == {"epoch", "loss", "val_loss"}
