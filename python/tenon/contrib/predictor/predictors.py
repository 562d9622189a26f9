"""Predictors: a SavedModel or an Estimator as a function of arrays."""

from tenon.python.client import session as session_lib
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.framework import ops
from tenon.python.saved_model import constants, loader_impl
from tenon.python.training import monitored_session
from tenon.python.util.tf_export import tf_export


class Predictor:
    """Called with {name: array} it gives {name: array}; its graph, its session and its tensors are there too."""

    def __init__(self, graph, session, feed_tensors, fetch_tensors):
        self._graph, self._session = graph, session
        self._feed_tensors, self._fetch_tensors = feed_tensors, fetch_tensors

    graph = property(lambda self: self._graph, doc="The Graph.")
    session = property(lambda self: self._session, doc="The Session.")
    feed_tensors = property(lambda self: self._feed_tensors, doc="{name: Tensor} of what is fed.")
    fetch_tensors = property(lambda self: self._fetch_tensors, doc="{name: Tensor} of what is given.")

    def __call__(self, input_dict):
        """The outputs of INPUT_DICT. ValueError for names that are no inputs."""
        unexpected = set(input_dict) - set(self._feed_tensors)
        if unexpected:
            raise ValueError(f"Got unexpected keys in input_dict: {unexpected}\nexpected: {set(self._feed_tensors)}")
        feed = {self._feed_tensors[name]: value for name, value in input_dict.items()}
        return self._session.run(fetches=self._fetch_tensors, feed_dict=feed)

    def __repr__(self):
        return f"{type(self).__name__} with feed tensors {self._feed_tensors} and fetch_tensors {self._fetch_tensors}"


def _signature(meta_graph, key):
    key = key or constants.DEFAULT_SERVING_SIGNATURE_DEF_KEY
    if key not in meta_graph.signature_def:
        formatted = "\n".join(meta_graph.signature_def)
        raise ValueError(f"Got signature_def_key '{key}'. Available signatures are {formatted}.")
    return meta_graph.signature_def[key]


@tf_export("contrib.predictor.from_saved_model")
def from_saved_model(export_dir, signature_def_key=None, signature_def=None, input_names=None, output_names=None,
                     tags=None, graph=None, config=None):  # fmt: skip
    """A Predictor of a SavedModel: by a signature (serving_default), or by the names of tensors."""
    if sum(x is not None for x in (signature_def_key, signature_def)) > 1 or (
        (signature_def_key is not None or signature_def is not None) and (input_names or output_names)
    ):
        raise ValueError("You must specify at most one of signature_def_key OR signature_def OR (input_names AND "
                         "output_names).")  # fmt: skip
    if (input_names is None) != (output_names is None):
        raise ValueError("input_names and output_names must both be specified or both be unspecified.")
    graph = graph or ops.Graph()
    with graph.as_default():
        session = session_lib.Session(config=config)
        wanted = (tags or constants.SERVING).split(",") if isinstance(tags, (str, type(None))) else list(tags)
        meta_graph = loader_impl.load(session, wanted, export_dir)
    if input_names is None:
        found = signature_def or _signature(meta_graph, signature_def_key)
        input_names = {k: v.name for k, v in found.inputs.items()}
        output_names = {k: v.name for k, v in found.outputs.items()}
    feeds = {k: graph.get_tensor_by_name(v) for k, v in input_names.items()}
    fetches = {k: graph.get_tensor_by_name(v) for k, v in output_names.items()}
    return Predictor(graph, session, feeds, fetches)


def _tensors(value, default):
    return dict(value) if isinstance(value, dict) else {default: value}


@tf_export("contrib.predictor.from_estimator")
def from_estimator(estimator, serving_input_receiver_fn, output_key=None, graph=None, config=None):
    """A Predictor of an Estimator with its newest checkpoint."""
    graph = graph or ops.Graph()
    with graph.as_default():
        receiver = serving_input_receiver_fn()
        spec = estimator._call_model_fn(receiver.features, None, ModeKeys.PREDICT, estimator.config)
        path = estimator.latest_checkpoint()
        creator = monitored_session.ChiefSessionCreator(
            config=config, checkpoint_filename_with_path=path, scaffold=spec.scaffold
        )
        session = monitored_session.MonitoredSession(session_creator=creator)
    if output_key is None:
        outputs = spec.predictions
    else:
        outputs = spec.export_outputs[output_key]
        outputs = getattr(outputs, "outputs", None) or {
            name: getattr(outputs, name) for name in ("scores", "classes", "value")
            if getattr(outputs, name, None) is not None
        }  # fmt: skip
    return Predictor(graph, session, _tensors(receiver.receiver_tensors, "input"), _tensors(outputs, "output"))
