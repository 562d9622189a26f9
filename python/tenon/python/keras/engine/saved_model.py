"""Keras models as SavedModels: the graph with its signature, and the layers as JSON among the assets."""

import json
import os

import tenon as tf
from tenon.python.keras import backend as K
from tenon.python.keras.engine import saving
from tenon.python.lib.io import anywhere
from tenon.python.util import nest

TF_EXPORTS = {"keras.experimental.export_saved_model": "export_saved_model",
              "keras.experimental.load_from_saved_model": "load_from_saved_model"}  # fmt: skip

_JSON = os.path.join("assets", "saved_model.json")


def export_saved_model(model, saved_model_path, custom_objects=None, as_text=False, input_signature=None,
                       serving_only=False):  # fmt: skip
    """Writes a SavedModel with the signature serving_default; load_from_saved_model makes the model of it again."""
    if not model.inputs:
        raise ValueError("The model must be built, or have been called, before it is exported.")
    inputs = dict(zip(model.input_names, nest.flatten(model.inputs)))
    outputs = dict(zip(model.output_names, nest.flatten(model.outputs)))
    session = K.get_session()
    with session.graph.as_default():
        builder = tf.saved_model.Builder(saved_model_path)
        signature = tf.saved_model.predict_signature_def(inputs, outputs)
        builder.add_meta_graph_and_variables(
            session, [tf.saved_model.tag_constants.SERVING],
            {tf.saved_model.signature_constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY: signature},
            strip_default_attrs=True, saver=tf.train.Saver(model.weights) if model.weights else None)  # fmt: skip
        builder.save(as_text)
    if serving_only or not model._is_graph_network:
        return
    anywhere.makedirs(os.path.join(saved_model_path, "assets"))
    config = {**model._updated_config(), "weight_names": [w.op.name for w in model.weights]}
    anywhere.atomic_write(os.path.join(saved_model_path, _JSON), json.dumps(config, default=saving.json_default))


def load_from_saved_model(saved_model_path, custom_objects=None):
    """The model that export_saved_model wrote, with its weights."""
    path = os.path.join(saved_model_path, _JSON)
    if not anywhere.exists(path):
        raise OSError(
            f"{path} is not there: the SavedModel has no Keras model in it. tf.saved_model.load reads its graph."
        )
    config = json.loads(anywhere.read(path, "utf-8"))
    names = config.pop("weight_names", None)
    model = saving.model_from_config(config, custom_objects)
    if model.weights:
        named = zip(names or [w.op.name for w in model.weights], model.weights)
        with K.get_graph().as_default(), tf.name_scope(""):
            saver = tf.train.Saver(dict(named))
        saver.restore(K.get_session(), os.path.join(saved_model_path, "variables", "variables"))
    return model
