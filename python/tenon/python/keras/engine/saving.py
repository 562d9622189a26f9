"""Models and weights in files: HDF5 as Keras lays it out, and checkpoints."""

import json
import os

import numpy as np

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras import optimizers
from tenon.python.keras.engine import object_graph
from tenon.python.keras.utils import generic_utils
from tenon.python.lib.io import anywhere, hdf5
from tenon.python.util.tf_export import tf_export

_LIMIT = 64512  # bytes of an attribute in HDF5


def json_default(value):
    """What json cannot write by itself."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, np.ndarray):
        return {"type": type(value).__name__, "value": value.tolist()}
    if isinstance(value, tf.DType):
        return value.name
    if isinstance(value, tf.TensorShape):
        return value.as_list()
    if hasattr(value, "get_config"):
        return generic_utils.serialize_keras_object(value)
    if callable(value):
        return value.__name__
    raise TypeError("Not JSON Serializable:", value)


def _set_names(group, key, names):
    """A list of names as an attribute, in parts where it is too long."""
    data = [n.encode("utf8") for n in names]
    if sum(map(len, data)) <= _LIMIT:
        group.attrs[key] = np.asarray(data) if data else []
        return
    count = 2
    while any(sum(map(len, part)) > _LIMIT for part in np.array_split(np.asarray(data), count)):
        count += 1
    for i, part in enumerate(np.array_split(np.asarray(data), count)):
        group.attrs[f"{key}{i}"] = part


def _text(value):
    return value.decode("utf8") if hasattr(value, "decode") else str(value)


def _get_names(group, key):
    if key in group.attrs:
        return [_text(n) for n in group.attrs[key]]
    found, i = [], 0
    while f"{key}{i}" in group.attrs:
        found += [_text(n) for n in group.attrs[f"{key}{i}"]]
        i += 1
    return found


def _write_weights(group, weights):
    values = K.batch_get_value(weights)
    names = [w.name for w in weights]
    _set_names(group, "weight_names", names)
    for name, value in zip(names, values):
        group.create_dataset(name, data=value)


def save_weights_to_hdf5_group(group, layers):
    """The weights of layers, one group each."""
    _set_names(group, "layer_names", [layer.name for layer in layers])
    group.attrs["backend"] = b"tensorflow"
    group.attrs["keras_version"] = b"2.2.4-tf"
    for layer in layers:
        _write_weights(group.create_group(layer.name), layer.weights)


def load_weights_from_hdf5_group(group, layers, by_name=False, skip_mismatch=False):
    """Gives layers the weights of a group: in order, or by their names."""
    names = [n for n in _get_names(group, "layer_names") if _get_names(group[n], "weight_names")]
    mine = [layer for layer in layers if layer.weights]
    if by_name:
        pairs = [(n, layer) for n in names for layer in mine if layer.name == n]
    else:
        if len(names) != len(mine):
            raise ValueError(f"You are trying to load a weight file containing {len(names)} layers into a model with "
                             f"{len(mine)} layers.")  # fmt: skip
        pairs = list(zip(names, mine))
    tuples = []
    for name, layer in pairs:
        values = [np.asarray(group[name][w]) for w in _get_names(group[name], "weight_names")]
        weights = layer.weights
        if len(values) != len(weights):
            if skip_mismatch:
                continue
            raise ValueError(f"Layer \"{layer.name}\" expects {len(weights)} weight(s), but the saved weights have "
                             f"{len(values)} element(s).")  # fmt: skip
        for w, v in zip(weights, values):
            if tuple(w.shape.as_list()) != v.shape:
                if skip_mismatch:
                    continue
                raise ValueError(f"Layer \"{layer.name}\", weight {w.name} has shape {w.shape}, but the saved weight has "  # noqa: E501
                                 f"shape {v.shape}.")  # fmt: skip
            tuples.append((w, v))
    K.batch_set_value(tuples)


def _is_hdf5(path, save_format=None):
    if save_format is not None:
        return save_format in ("h5", "hdf5", "keras")
    return str(path).endswith((".h5", ".hdf5", ".keras"))


def save_weights(model, filepath, overwrite=True, save_format=None):
    """Model.save_weights."""
    filepath = os.fspath(filepath)
    if _is_hdf5(filepath, save_format):
        if not overwrite and anywhere.exists(filepath):
            raise FileExistsError(filepath)
        with hdf5.File(filepath, "w") as f:
            save_weights_to_hdf5_group(f, model.layers)
        return
    _saver(model)[1].save(K.get_session(), filepath, write_meta_graph=False)


def _object_keys(layer, lead, found):
    """The keys of a checkpoint of objects: attribute names and the numbers of layers with weights."""
    layers = getattr(layer, "layers", None)
    if layers is not None and getattr(layer, "_is_graph_network", False):
        for i, inner in enumerate([x for x in layers if x.weights]):
            _object_keys(inner, f"{lead}layer_with_weights-{i}/", found)
        return
    for name, value in layer.__dict__.items():
        if name[:1] == "_":
            continue
        if isinstance(value, tf.Variable):
            found.setdefault(value, f"{lead}{name}/.ATTRIBUTES/VARIABLE_VALUE")
        elif hasattr(value, "trainable_weights"):
            _object_keys(value, f"{lead}{name}/", found)
        elif isinstance(value, (list, tuple)):
            for i, item in enumerate(value):
                if hasattr(item, "trainable_weights"):
                    _object_keys(item, f"{lead}{name}/{i}/", found)


def _saver(model):
    """(what reads, what writes): checkpoints hold the graph of objects too, which Keras asks for."""
    found = {}
    _object_keys(model, "", found)
    named = {key: v for v, key in found.items()}
    for v in model.weights:
        if v not in found:
            named[f"{v.op.name}/.ATTRIBUTES/VARIABLE_VALUE"] = v
    key = tuple(sorted(named))
    if model.__dict__.get("_checkpoint_saver", (None,))[0] != key:
        with K.get_graph().as_default(), tf.name_scope(""):
            graph = object_graph.Saveable({k: v.op.name for k, v in named.items()})
            model._checkpoint_saver = key, tf.train.Saver(named), tf.train.Saver({**named, graph.name: graph})
    return model._checkpoint_saver[1:]


def load_weights(model, filepath, by_name=False, skip_mismatch=False):
    """Model.load_weights."""
    filepath = os.fspath(filepath)
    if not _is_hdf5(filepath) and anywhere.exists(filepath + ".index"):
        if not model.built:
            raise ValueError("Unable to load weights into a model that has no variables yet; call or build it first.")
        _saver(model)[0].restore(K.get_session(), filepath)
        return None
    if not model.built and not model.layers:
        raise ValueError("Unable to load weights saved in HDF5 format into a subclassed Model which has not created its "  # noqa: E501
                         "variables yet. Call the Model first, then load the weights.")  # fmt: skip
    with hdf5.File(filepath, "r") as f:
        group = f["model_weights"] if "layer_names" not in f.attrs and "model_weights" in f else f
        load_weights_from_hdf5_group(group, model.layers, by_name, skip_mismatch)
    return None


def _training_config(model):
    def plain(value):
        if isinstance(value, dict):
            return {k: plain(v) for k, v in value.items()}
        if isinstance(value, (list, tuple)):
            return [plain(v) for v in value]
        if hasattr(value, "get_config"):
            return generic_utils.serialize_keras_object(value)
        return getattr(value, "__name__", value)

    return {"loss": plain(model.loss), "metrics": plain(model._compile_metrics),
            "weighted_metrics": plain(model._compile_weighted), "sample_weight_mode": model.sample_weight_mode,
            "loss_weights": model.loss_weights,
            "optimizer_config": {"class_name": model.optimizer.__class__.__name__,
                                 "config": model.optimizer.get_config()}}  # fmt: skip


@tf_export("keras.models.save_model")
def save_model(model, filepath, overwrite=True, include_optimizer=True, save_format=None, **kwargs):
    """Writes layers, weights and the optimizer's state to an HDF5 file (or an open one), or to a SavedModel."""
    if save_format == "tf":
        from tenon.python.keras.engine import saved_model

        saved_model.export_saved_model(model, os.fspath(filepath))
        return
    if not model._is_graph_network:
        raise NotImplementedError("Saving the model to HDF5 format requires the model to be a Functional model or a "
                                  "Sequential model. It does not work for subclassed models. Consider saving the "
                                  "weights with `save_weights`.")  # fmt: skip
    is_file = hasattr(filepath, "attrs")
    if not is_file and not overwrite and anywhere.exists(os.fspath(filepath)):
        raise FileExistsError(filepath)
    f = filepath if is_file else hdf5.File(os.fspath(filepath), "w")
    try:
        f.attrs["keras_version"], f.attrs["backend"] = b"2.2.4-tf", b"tensorflow"
        config = {"class_name": model.__class__.__name__, "config": model.get_config()}
        f.attrs["model_config"] = json.dumps(config, default=json_default).encode("utf8")
        save_weights_to_hdf5_group(f.create_group("model_weights"), model.layers)
        if include_optimizer and model.optimizer is not None:
            if not isinstance(model.optimizer, optimizers.Optimizer):
                tf.logging.warning("TensorFlow optimizers do not make it possible to access optimizer attributes or "
                                   "optimizer state after instantiation. The optimizer is not saved.")  # fmt: skip
            else:
                f.attrs["training_config"] = json.dumps(_training_config(model), default=json_default).encode("utf8")
                if model.optimizer.weights:
                    _write_weights(f.create_group("optimizer_weights"), model.optimizer.weights)
        f.flush()
    finally:
        if not is_file:
            f.close()


@tf_export("keras.models.load_model")
def load_model(filepath, custom_objects=None, compile=True):
    """The model that save_model wrote, trained on where it was left."""
    is_file = hasattr(filepath, "attrs")
    if not is_file and anywhere.isdir(os.fspath(filepath)):
        from tenon.python.keras.engine import saved_model

        return saved_model.load_from_saved_model(os.fspath(filepath), custom_objects)
    if not is_file and not anywhere.exists(os.fspath(filepath)):
        raise OSError(f"SavedModel file does not exist at: {filepath}")
    f = filepath if is_file else hdf5.File(os.fspath(filepath), "r")
    try:
        config = f.attrs.get("model_config")
        if config is None:
            raise ValueError(f"No model config found in the file at {filepath}.")
        model = model_from_config(json.loads(_text(config)), custom_objects)
        load_weights_from_hdf5_group(f["model_weights"], model.layers)
        training = f.attrs.get("training_config")
        if compile and training is None:
            tf.logging.warning("No training configuration found in save file: the model was *not* compiled. Compile it "
                               "manually.")  # fmt: skip
        elif compile:
            _compile(model, json.loads(_text(training)), custom_objects, f)
        return model
    finally:
        if not is_file:
            f.close()


def _compile(model, config, custom_objects, f):
    def find(value):
        if isinstance(value, dict) and "class_name" not in value:
            return {k: find(v) for k, v in value.items()}
        if isinstance(value, list):
            return [find(v) for v in value]
        if isinstance(value, str) and value in (custom_objects or {}):
            return custom_objects[value]
        return value

    optimizer = optimizers.deserialize(config["optimizer_config"], custom_objects)
    with generic_utils.CustomObjectScope(custom_objects):
        model.compile(optimizer, find(config["loss"]), metrics=find(config.get("metrics")),
                      loss_weights=config.get("loss_weights"), sample_weight_mode=config.get("sample_weight_mode"),
                      weighted_metrics=find(config.get("weighted_metrics")))  # fmt: skip
    if "optimizer_weights" in f:
        group = f["optimizer_weights"]
        values = [np.asarray(group[n]) for n in _get_names(group, "weight_names")]
        model._make_function("train")
        try:
            optimizer.set_weights(values)
        except ValueError:
            tf.logging.warning("Error in loading the saved optimizer state. As a result, your model is starting with a "
                               "freshly initialized optimizer.")  # fmt: skip


@tf_export("keras.models.model_from_config")
def model_from_config(config, custom_objects=None):
    """The model of a configuration."""
    from tenon.python.keras import layers

    if isinstance(config, list):
        raise TypeError("`model_from_config` expects a dictionary, not a list. Maybe you meant to use "
                        "`Sequential.from_config(config)`?")  # fmt: skip
    return layers.deserialize(config, custom_objects)


@tf_export("keras.models.model_from_json")
def model_from_json(json_string, custom_objects=None):
    """The model of what to_json made."""
    return model_from_config(json.loads(json_string), custom_objects)


@tf_export("keras.models.model_from_yaml")
def model_from_yaml(yaml_string, custom_objects=None):
    """The model of what to_yaml made; other YAML needs PyYAML. No objects but plain ones are made of it."""
    try:
        config = json.loads(yaml_string)
    except ValueError:
        try:
            import yaml
        except ImportError:
            raise ImportError("Reading YAML that to_yaml did not write needs PyYAML (`pip install pyyaml`).") from None
        config = yaml.safe_load(yaml_string)
    return model_from_config(config, custom_objects)
