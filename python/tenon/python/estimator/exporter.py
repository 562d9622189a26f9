"""What exports a model while it is trained and evaluated."""

import os

from tenon.python.lib.io import anywhere
from tenon.python.platform import tf_logging as logging
from tenon.python.util.tf_export import tf_export


@tf_export("estimator.Exporter")
class Exporter:
    """Something that train_and_evaluate calls after each evaluation."""

    @property
    def name(self):
        """Its name, that of its folder too."""
        raise NotImplementedError("Exporter.name is for subclasses")

    def export(self, estimator, export_path, checkpoint_path, eval_result, is_the_final_export):
        """Exports to EXPORT_PATH, or not; the folder written, or None."""
        raise NotImplementedError("Exporter.export() is for subclasses")


class _SavedModelExporter(Exporter):
    """An Exporter of SavedModels."""

    def __init__(self, name, serving_input_receiver_fn, assets_extra, as_text):
        self._name, self._receiver = name, serving_input_receiver_fn
        self._assets_extra, self._as_text = assets_extra, as_text

    @property
    def name(self):
        """Its name."""
        return self._name

    def _write(self, estimator, export_path, checkpoint_path):
        return estimator.export_saved_model(
            export_path, self._receiver, assets_extra=self._assets_extra, as_text=self._as_text,
            checkpoint_path=checkpoint_path,
        )  # fmt: skip


def _checked_keep(exports_to_keep):
    if exports_to_keep is not None and exports_to_keep <= 0:
        raise ValueError("`exports_to_keep`, if provided, must be a positive number. "
                         f"Got {exports_to_keep}")  # fmt: skip
    return exports_to_keep


def _remove_old(folder, exports_to_keep):
    """Removes all but the newest exports of a folder."""
    if exports_to_keep is None:
        return
    found = sorted((name for name in anywhere.listdir(folder) if name.isdigit()), key=int)
    for name in found[: max(0, len(found) - exports_to_keep)]:
        try:
            anywhere.rmtree(os.path.join(folder, name))
        except OSError as error:
            logging.warning("Can not delete %s recursively: %s", name, error)


@tf_export("estimator.FinalExporter")
class FinalExporter(_SavedModelExporter):
    """Exports once, when training is over."""

    def __init__(self, name, serving_input_receiver_fn, assets_extra=None, as_text=False):
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)

    def export(self, estimator, export_path, checkpoint_path, eval_result, is_the_final_export):
        """Exports if training is over."""
        if not is_the_final_export:
            return None
        logging.info("Performing the final export in the end of training.")
        return self._write(estimator, export_path, checkpoint_path)


@tf_export("estimator.LatestExporter")
class LatestExporter(_SavedModelExporter):
    """Exports after every evaluation and keeps the newest EXPORTS_TO_KEEP."""

    def __init__(self, name, serving_input_receiver_fn, assets_extra=None, as_text=False, exports_to_keep=5):
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)
        self._exports_to_keep = _checked_keep(exports_to_keep)

    def export(self, estimator, export_path, checkpoint_path, eval_result, is_the_final_export):
        """Exports, and removes old exports."""
        result = self._write(estimator, export_path, checkpoint_path)
        _remove_old(export_path, self._exports_to_keep)
        return result


def _loss_smaller(best_eval_result, current_eval_result):
    """True if the second evaluation has a smaller loss than the first."""
    for name, result in (("best_eval_result", best_eval_result), ("current_eval_result", current_eval_result)):
        if not result or "loss" not in result:
            raise ValueError(f"{name} cannot be empty or no loss is found in it.")
    return best_eval_result["loss"] > current_eval_result["loss"]


@tf_export("estimator.BestExporter")
class BestExporter(_SavedModelExporter):
    """Exports after an evaluation that COMPARE_FN(best so far, this one) finds better; starts from old event files."""

    def __init__(self, name="best_exporter", serving_input_receiver_fn=None, event_file_pattern="eval/*.tfevents.*",
                 compare_fn=_loss_smaller, assets_extra=None, as_text=False, exports_to_keep=5):  # fmt: skip
        super().__init__(name, serving_input_receiver_fn, assets_extra, as_text)
        if serving_input_receiver_fn is None:
            raise ValueError("`serving_input_receiver_fn` must be defined.")
        if compare_fn is None:
            raise ValueError("`compare_fn` must not be None.")
        self._compare_fn, self._event_file_pattern = compare_fn, event_file_pattern
        self._exports_to_keep, self._best, self._model_dir = _checked_keep(exports_to_keep), None, None

    def export(self, estimator, export_path, checkpoint_path, eval_result, is_the_final_export):
        """Exports if the evaluation is the best."""
        if self._model_dir != estimator.model_dir and self._event_file_pattern:
            self._model_dir = estimator.model_dir
            self._best = _best_of_files(os.path.join(self._model_dir, self._event_file_pattern), self._compare_fn,
                                        eval_result.get("global_step"))  # fmt: skip
        if self._best is not None and not self._compare_fn(
            best_eval_result=self._best, current_eval_result=eval_result
        ):
            return None
        logging.info("Performing best model export.")
        self._best = eval_result
        result = self._write(estimator, export_path, checkpoint_path)
        _remove_old(export_path, self._exports_to_keep)
        return result


def _best_of_files(pattern, compare_fn, current_step):
    """The best evaluation in event files, but the one of this step, which has been written already; None without."""
    from tenon.python.summary.summary_iterator import summary_iterator

    best = None
    for path in sorted(anywhere.glob(pattern)):
        for event in summary_iterator(path):
            if not event.HasField("summary") or event.step == current_step:
                continue
            found = {value.tag: value.simple_value for value in event.summary.value if value.HasField("simple_value")}
            if found and (best is None or compare_fn(best, found)):
                best = found
    return best
