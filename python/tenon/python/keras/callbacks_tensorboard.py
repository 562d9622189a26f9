"""The callback that writes what TensorBoard shows."""

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.callbacks import Callback

TF_EXPORTS = {"keras.callbacks.TensorBoard": "TensorBoard"}


def _picture(weight):
    """A weight as pictures, None where its shape is not that of one."""
    shape = weight.shape.as_list()
    if len(shape) == 2:
        value = tf.transpose(weight) if shape[0] > shape[1] else weight
        return tf.reshape(value, [1, *value.shape.as_list(), 1])
    if len(shape) == 3:
        return tf.expand_dims(tf.transpose(weight, [2, 0, 1]), -1)
    if len(shape) == 1:
        return tf.reshape(weight, [1, shape[0], 1, 1])
    if len(shape) == 4 and shape[-1] in (1, 3, 4):
        return tf.convert_to_tensor(weight)
    return None


class TensorBoard(Callback):
    """Writes what is logged, and histograms and pictures of weights, for TensorBoard."""

    def __init__(self, log_dir="./logs", histogram_freq=0, batch_size=32, write_graph=True, write_grads=False,
                 write_images=False, embeddings_freq=0, embeddings_layer_names=None, embeddings_metadata=None,
                 embeddings_data=None, update_freq="epoch", profile_batch=2):  # fmt: skip
        self.log_dir, self.histogram_freq, self.write_graph = log_dir, histogram_freq, write_graph
        self.write_grads, self.write_images, self.batch_size = write_grads, write_images, batch_size
        self.update_freq = 1 if update_freq == "batch" else update_freq
        self.embeddings_freq, self.embeddings_layer_names = embeddings_freq, embeddings_layer_names
        self.embeddings_metadata = embeddings_metadata
        self._samples = self._last = 0

    def set_model(self, model):
        """Takes the model; writes its graph."""
        super().set_model(model)
        self.writer = tf.summary.FileWriter(self.log_dir, K.get_graph() if self.write_graph else None)
        self.merged = self.fed = None
        if self.histogram_freq:
            plain, fed = [], []
            for layer in model.layers:
                for weight in layer.weights:
                    plain += self._of_weight(weight)
                    fed += self._of_gradient(weight) if self.write_grads and weight.trainable else []
                fed += [tf.summary.histogram(f"{layer.name}_out", t) for t in tf.nest.flatten(_outputs(layer))]
            self.merged, self.fed = (tf.summary.merge(found) if found else None for found in (plain, fed))
        if self.embeddings_freq:
            self._project(model)

    def _of_weight(self, weight):
        name = weight.name.replace(":", "_")
        found = [tf.summary.histogram(name, weight)]
        pictures = _picture(weight) if self.write_images else None
        return found if pictures is None else [*found, tf.summary.image(f"{name}_image", pictures)]

    def _of_gradient(self, weight):
        gradient = tf.gradients(self.model.total_loss, weight)[0]
        if gradient is None:
            return []
        return [tf.summary.histogram(weight.name.replace(":", "_") + "_grad", tf.convert_to_tensor(gradient))]

    def _project(self, model):
        """Tells the projector of the tables of Embedding layers; they are in the checkpoints of on_epoch_end."""
        from tenon.contrib.tensorboard.plugins import projector

        config = projector.ProjectorConfig()
        self.tables = []
        for layer in model.layers:
            named = self.embeddings_layer_names is None or layer.name in self.embeddings_layer_names
            if type(layer).__name__ == "Embedding" and named:
                self.tables.append(layer.weights[0])
                entry = config.embeddings.add()
                entry.tensor_name = layer.weights[0].op.name
                metadata = self.embeddings_metadata
                metadata = metadata.get(layer.name) if isinstance(metadata, dict) else metadata
                if metadata:
                    entry.metadata_path = metadata
        projector.visualize_embeddings(self.writer, config)
        self.saver = tf.train.Saver(self.tables) if self.tables else None

    def _write(self, logs, step):
        for k, v in logs.items():
            if k not in ("batch", "size", "num_steps"):
                summary = tf.Summary(value=[tf.Summary.Value(tag=k, simple_value=float(v))])
                self.writer.add_summary(summary, step)
        self.writer.flush()

    def on_batch_end(self, batch, logs=None):
        """Writes after a number of samples, if it was told to."""
        self._samples += (logs or {}).get("size", 0)
        if self.update_freq != "epoch" and self._samples - self._last >= self.update_freq:
            self._write({"batch_" + k: v for k, v in (logs or {}).items() if k not in ("batch", "size")}, self._samples)
            self._last = self._samples

    def on_epoch_end(self, epoch, logs=None):
        """Writes."""
        step = epoch if self.update_freq == "epoch" else self._samples
        self._write({"epoch_" + k: v for k, v in (logs or {}).items()}, step)
        if self.histogram_freq and epoch % self.histogram_freq == 0:
            self._write_histograms(epoch)
        if self.embeddings_freq and self.saver is not None and epoch % self.embeddings_freq == 0:
            self.saver.save(K.get_session(), f"{self.log_dir}/keras_embedding.ckpt", epoch)

    def _write_histograms(self, epoch):
        session = K.get_session()
        if self.merged is not None:
            self.writer.add_summary(session.run(self.merged), epoch)
        data = self.model.__dict__.get("validation_data")
        if self.fed is None or not data:
            return
        feeds = [t for part in self.model._feeds for t in part]
        rows = {t: v[: self.batch_size] for t, v in zip(feeds, data)}
        self.writer.add_summary(session.run(self.fed, rows), epoch)

    def on_train_end(self, logs=None):
        """Closes the file."""
        self.writer.close()


def _outputs(layer):
    return layer.output if len(layer._inbound_nodes) == 1 else []
