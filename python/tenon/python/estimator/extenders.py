"""tf.estimator.add_metrics."""

from tenon.python.estimator import estimator as estimator_lib
from tenon.python.estimator import util
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.util.tf_export import tf_export

_ARGUMENTS = {"features", "labels", "predictions", "config"}


@tf_export("estimator.add_metrics")
def add_metrics(estimator, metric_fn):
    """An Estimator like ESTIMATOR, also with the metrics of METRIC_FN(features, labels, predictions, config)."""
    unknown = set(util.fn_args(metric_fn)) - _ARGUMENTS - {"self"}
    if unknown:
        raise ValueError(f"metric_fn ({metric_fn}) has following not expected args: {sorted(unknown)}")

    def new_model_fn(features, labels, mode, config):
        spec = estimator.model_fn(features, labels, mode, config)
        if mode != ModeKeys.EVAL:
            return spec
        added = util.call_with_known(
            metric_fn, features=features, labels=labels, predictions=spec.predictions, config=config
        )
        return spec._replace(eval_metric_ops={**(spec.eval_metric_ops or {}), **(added or {})})

    return estimator_lib.Estimator(
        model_fn=new_model_fn, model_dir=estimator.model_dir, config=estimator.config,
        warm_start_from=estimator._warm_start_settings,
    )  # fmt: skip
