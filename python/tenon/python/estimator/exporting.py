"""How an Estimator writes SavedModels."""

import os

from tenon.python.client import session as session_lib
from tenon.python.estimator import model_fn
from tenon.python.estimator.export import export
from tenon.python.estimator.mode_keys import ModeKeys
from tenon.python.framework import ops
from tenon.python.lib.io import anywhere
from tenon.python.saved_model import builder_impl, constants
from tenon.python.training import monitored_session, saver

_TAGS = {ModeKeys.PREDICT: constants.SERVING, ModeKeys.TRAIN: constants.TRAINING, ModeKeys.EVAL: "eval"}


class Exporting:
    """The part of an Estimator that exports it."""

    def export_savedmodel(self, export_dir_base, serving_input_receiver_fn, assets_extra=None, as_text=False,
                          checkpoint_path=None, strip_default_attrs=False):  # fmt: skip
        """Writes a SavedModel of the prediction to a folder named by the time; returns its path."""
        functions = {ModeKeys.PREDICT: serving_input_receiver_fn}
        return self._export(export_dir_base, functions, assets_extra, as_text, checkpoint_path, strip_default_attrs)

    def export_saved_model(self, export_dir_base, serving_input_receiver_fn, assets_extra=None, as_text=False,
                           checkpoint_path=None, experimental_mode=ModeKeys.PREDICT):  # fmt: skip
        """Writes a SavedModel of one mode to a folder named by the time; returns its path."""
        if serving_input_receiver_fn is None:
            raise ValueError("An input_receiver_fn must be defined.")
        functions = {experimental_mode: serving_input_receiver_fn}
        return self._export(export_dir_base, functions, assets_extra, as_text, checkpoint_path, True)

    def experimental_export_all_saved_models(self, export_dir_base, input_receiver_fn_map, assets_extra=None,
                                             as_text=False, checkpoint_path=None):  # fmt: skip
        """Writes a SavedModel with a graph for each mode that there is a receiver for; returns its path."""
        return self._export(export_dir_base, input_receiver_fn_map, assets_extra, as_text, checkpoint_path, True)

    def _export(self, base, functions, assets_extra, as_text, checkpoint_path, strip_default_attrs):
        path = checkpoint_path or self.latest_checkpoint()
        if not path:
            raise ValueError(f"Couldn't find trained model at {self._model_dir}.")
        if not functions:
            raise ValueError("No valid modes for exporting found. Got {}.")
        folder = export.get_timestamped_export_dir(base)
        # Written under another name first, so that who looks for exports never finds half of one.
        unfinished = os.path.join(os.path.dirname(folder), "temp-" + os.path.basename(folder))
        builder = builder_impl.SavedModelBuilder(unfinished)
        first = True
        # Training has most variables: its graph saves them for all.
        for mode in (ModeKeys.TRAIN, ModeKeys.EVAL, ModeKeys.PREDICT):
            if mode in functions:
                self._add_graph(builder, functions[mode], mode, path, first, strip_default_attrs)
                first = False
        builder.save(as_text)
        _copy_assets(unfinished, assets_extra)
        anywhere.rename(unfinished, folder)
        return folder.encode()

    def _add_graph(self, builder, receiver_fn, mode, path, first, strip_default_attrs):
        with self._new_graph():
            receiver = receiver_fn()
            labels = getattr(receiver, "labels", None)
            spec = self._call_model_fn(receiver.features, labels, mode, self.config)
            if mode == ModeKeys.PREDICT:
                outputs, others = spec.export_outputs, receiver.receiver_tensors_alternatives
            else:
                outputs, others = model_fn.supervised_outputs(spec), None
            signatures = export.build_all_signature_defs(receiver.receiver_tensors, outputs, others)
            with session_lib.Session(config=self._session_config) as session:
                saver_ = spec.scaffold.saver or saver.Saver(sharded=True)
                try:
                    saver_.restore(session, path)
                except Exception as error:
                    raise ValueError(f"Couldn't load checkpoint at {path} to export: {error}") from error
                main = spec.scaffold.local_init_op
                if main is None:
                    main = monitored_session.Scaffold.default_local_init_op()
                given = {
                    "tags": [_TAGS[mode]], "signature_def_map": signatures, "main_op": main,
                    "assets_collection": ops.get_collection(ops.GraphKeys.ASSET_FILEPATHS),
                    "strip_default_attrs": strip_default_attrs, "saver": saver_,
                }  # fmt: skip
                if first:
                    builder.add_meta_graph_and_variables(session, **given)
                else:
                    builder.add_meta_graph(**given)


def _copy_assets(folder, assets_extra):
    """Copies files that are the user's own: {name in assets.extra: path}."""
    for name, source in (assets_extra or {}).items():
        target = os.path.join(folder, "assets.extra", name)
        anywhere.makedirs(os.path.dirname(target))
        anywhere.copyfile(os.fspath(source), target)
