"""What BaseEstimator.export does: an export from before SavedModel, of the newest checkpoint."""

from tenon.contrib.session_bundle import exporter
from tenon.python.client import session as session_lib
from tenon.python.framework import dtypes, ops, random_seed
from tenon.python.ops import array_ops, control_flow_ops, lookup_ops, parsing_ops, variables
from tenon.python.platform import tf_logging as logging
from tenon.python.training import saver as saver_lib
from tenon.python.training import training_util


def default_input_fn(estimator, examples):
    """The features of serialised EXAMPLES, as the estimator's columns read them."""
    columns = estimator._columns_to_parse()
    if columns is None:
        raise ValueError("export: input_fn is needed for an estimator without feature columns")
    from tenon.contrib.layers import feature_column

    return parsing_ops.parse_example(examples, feature_column.create_feature_spec_for_parsing(columns))


def _signatures(examples, features, predictions, signature_fn):
    if signature_fn is not None:
        return signature_fn(examples, features, predictions)
    logging.warning("export: without signature_fn, the signatures are generic ones.")
    outputs = predictions if isinstance(predictions, dict) else {"outputs": predictions}
    if examples is None:
        return exporter.generic_signature(outputs), None
    inputs = exporter.generic_signature({"inputs": examples})
    return None, {"inputs": inputs, "outputs": exporter.generic_signature(outputs)}


def _inputs(estimator, input_fn, input_feature_key, deprecated, batch_size):
    """(what is fed or None, the features)."""
    if deprecated:
        examples = array_ops.placeholder(dtypes.string, [batch_size], name="input_example_tensor")
        return examples, (input_fn or default_input_fn)(estimator, examples)
    features = input_fn()[0]
    examples = features.pop(input_feature_key) if input_feature_key is not None else None
    if not features and examples is None:
        raise ValueError("Either features or examples must be defined.")
    return examples, features


def export(estimator, predictions_of, export_dir, input_fn, input_feature_key, use_deprecated_input_fn, signature_fn,
           prediction_key, default_batch_size, exports_to_keep):  # fmt: skip
    """Writes the folder; its path. PREDICTIONS_OF(features) builds the model."""
    checkpoint = estimator._core.latest_checkpoint()
    if checkpoint is None:
        raise estimator.not_fitted(f"Couldn't find trained model at {estimator.model_dir}.")
    with ops.Graph().as_default() as graph:
        random_seed.set_random_seed(estimator.config.tf_random_seed)
        step = training_util.create_global_step(graph)
        examples, features = _inputs(estimator, input_fn, input_feature_key, use_deprecated_input_fn,
                                     default_batch_size)  # fmt: skip
        predictions = predictions_of(features)
        if prediction_key is not None:
            predictions = predictions[prediction_key]
        default, named = _signatures(examples, features, predictions, signature_fn)
        init = control_flow_ops.group(variables.local_variables_initializer(), lookup_ops.tables_initializer())
        saver = saver_lib.Saver(sharded=True)
        with session_lib.Session(graph=graph) as session:
            session.run(init)
            saver.restore(session, checkpoint)
            made = exporter.Exporter(saver)
            made.init(init_op=init, default_graph_signature=default, named_graph_signatures=named)
            return made.export(export_dir, step, session, exports_to_keep=exports_to_keep)
