"""TPUEstimator: an Estimator whose functions are told their batch size."""

import collections
import copy

from tenon.contrib.tpu import tpu_config
from tenon.python.estimator import estimator as estimator_lib
from tenon.python.estimator import model_fn as model_fn_lib
from tenon.python.estimator import util
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.util.tf_export import tf_export

_BATCH_SIZE = "batch_size"
_RESERVED = (_BATCH_SIZE, "context", "use_tpu")
_FIELDS = ["mode", "predictions", "loss", "train_op", "eval_metrics", "export_outputs", "scaffold_fn", "host_call",
           "training_hooks", "evaluation_hooks", "prediction_hooks"]  # fmt: skip
NO_TPU = "no TPU is reached from here; pass use_tpu=False, and the model runs on the processor"


def _called(what, pair):
    """What (function, tensors) gives; the tensors are a list or a dict of named arguments."""
    if not isinstance(pair, (tuple, list)) or len(pair) != 2 or not callable(pair[0]):
        raise ValueError(f"{what} should be a tuple of a function and tensors, given: {pair}")
    function, tensors = pair
    if not isinstance(tensors, (tuple, list, dict)):
        raise ValueError(f"{what} tensors should be a list, a tuple or a dict; got {tensors}")
    return function(**tensors) if isinstance(tensors, dict) else function(*tensors)


@tf_export("contrib.tpu.TPUEstimatorSpec", "estimator.tpu.TPUEstimatorSpec")
class TPUEstimatorSpec(collections.namedtuple("TPUEstimatorSpec", _FIELDS)):
    """An EstimatorSpec whose metrics are made by a function: `eval_metrics=(function, tensors)`."""

    def __new__(cls, mode, predictions=None, loss=None, train_op=None, eval_metrics=None, export_outputs=None,
                scaffold_fn=None, host_call=None, training_hooks=None, evaluation_hooks=None,
                prediction_hooks=None):  # fmt: skip
        for what, pair in (("eval_metrics", eval_metrics), ("host_call", host_call)):
            if pair is not None and (not isinstance(pair, (tuple, list)) or len(pair) != 2 or not callable(pair[0])):
                raise ValueError(f"{what} should be a tuple of a function and tensors, given: {pair}")
        hooks = [tuple(h or ()) for h in (training_hooks, evaluation_hooks, prediction_hooks)]
        return super().__new__(cls, mode, predictions, loss, train_op, eval_metrics, export_outputs, scaffold_fn,
                               host_call, *hooks)  # fmt: skip

    def as_estimator_spec(self):
        """The EstimatorSpec that it is without a TPU."""
        if self.host_call is not None:
            _called("host_call", self.host_call)
        metrics = None if self.eval_metrics is None else _called("eval_metrics", self.eval_metrics)
        return model_fn_lib.EstimatorSpec(
            mode=self.mode, predictions=self.predictions, loss=self.loss, train_op=self.train_op,
            eval_metric_ops=metrics, export_outputs=self.export_outputs, training_hooks=self.training_hooks,
            scaffold=self.scaffold_fn() if self.scaffold_fn else None, evaluation_hooks=self.evaluation_hooks,
            prediction_hooks=self.prediction_hooks,
        )  # fmt: skip


def _takes(function, name):
    return name in util.fn_args(function) or util.takes_any(function)


@tf_export("contrib.tpu.TPUEstimator", "estimator.tpu.TPUEstimator")
class TPUEstimator(estimator_lib.Estimator):
    """Runs MODEL_FN, and input functions that take `params`, with the batch size of the mode in params["batch_size"].

    Only with use_tpu=False.
    """

    def __init__(self, model_fn=None, model_dir=None, config=None, params=None, use_tpu=True, train_batch_size=None,
                 eval_batch_size=None, predict_batch_size=None, batch_axis=None, eval_on_tpu=True, export_to_tpu=True,
                 export_to_cpu=True, warm_start_from=None, embedding_config_spec=None,
                 export_saved_model_api_version=1):  # fmt: skip
        if not isinstance(config, tpu_config.RunConfig):
            raise ValueError("`config` must be provided with type `tpu_config.RunConfig`")
        for name in _RESERVED:
            if params is not None and name in params:
                raise ValueError(f"{name} are reserved keys but existed in params {params}.")
        if use_tpu:
            raise NotImplementedError(f"TPUEstimator: {NO_TPU}")
        sizes = {ModeKeys.TRAIN: train_batch_size, ModeKeys.EVAL: eval_batch_size, ModeKeys.PREDICT: predict_batch_size}
        for mode, size in sizes.items():
            if size is not None and (not isinstance(size, int) or size < 1):
                raise ValueError(f"the batch size of mode {mode} must be a positive integer; got {size}")
        self._batch_sizes = sizes
        if not _takes(model_fn, "params"):
            raise ValueError(f"model_fn ({model_fn}) does not include params argument, required by TPUEstimator to "
                             "pass batch size as params['batch_size']")  # fmt: skip
        super().__init__(model_fn=model_fn, model_dir=model_dir, config=config, params=params or {},
                         warm_start_from=warm_start_from)  # fmt: skip

    def _params_of(self, mode):
        params = copy.deepcopy(self._params)
        size = self._batch_sizes.get(mode)
        if size is not None:
            if hasattr(params, "add_hparam"):
                params.add_hparam(_BATCH_SIZE, size)
            else:
                params[_BATCH_SIZE] = size
        if hasattr(params, "add_hparam"):
            params.add_hparam("use_tpu", False)
        else:
            params["use_tpu"] = False
        return params

    def _with_params_of(self, mode, function, *args):
        given, self._params = self._params, self._params_of(mode)
        try:
            return function(*args)
        finally:
            self._params = given

    def _call_model_fn(self, features, labels, mode, config):
        return self._with_params_of(mode, super()._call_model_fn, features, labels, mode, config)

    def _spec_of(self, result):
        return result.as_estimator_spec() if isinstance(result, TPUEstimatorSpec) else result

    def _inputs(self, input_fn, mode):
        return self._with_params_of(mode, super()._inputs, input_fn, mode)
