"""What of tf.keras is missing here, and whose signatures differ: against tf_keras 2.21, without what came after 1.15.

usage: python tests/api/keras_parity.py [--update]

--update rewrites keras_missing.txt, the list that test_keras_signatures.py compares with: it may only shrink.
"""

import inspect
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "python")]

from api import parity  # noqa: E402

# Names, and whole modules, that 1.15 did not have; estimator is another module's.
LATER = set(
    "mish gelu binary_focal_crossentropy categorical_focal_crossentropy BinaryFocalCrossentropy kl_divergence log_cosh "
    "CategoricalFocalCrossentropy SidecarEvaluatorModelExport CategoryEncoding CenterCrop Conv1DTranspose "
    "Convolution1DTranspose ConvLSTM1D ConvLSTM3D DepthwiseConv1D Discretization EinsumDense Hashing Identity "
    "MultiHeadAttention Normalization Rescaling Resizing disable_v2_dtype_behavior enable_v2_dtype_behavior "
    "DynamicEmbedding DynamicLookup RandomFourierFeatures BinaryIoU F1Score FBetaScore IoU OneHotIoU OneHotMeanIoU "
    "PrecisionAtRecall R2Score RecallAtPrecision LossScaleOptimizer ExportArchive UpdateEmbeddingCallback "
    "DeterministicRandomTestTool StepsPerExecutionTuner disable_interactive_logging enable_interactive_logging "
    "is_interactive_logging_enabled get_or_create_layer to_ordinal track_tf1_style_variables "
    "warmstart_embedding_matrix get_label_names model_to_estimator preprocessing export mixed_precision saving legacy "
    "convnext efficientnet efficientnet_v2 mobilenet_v3 regnet resnet_rs merge_state make_logs white_list_formats "
    "allowed_class_modes set_processing_attrs global_clipnorm interpolate_pr_auc array_to_img img_to_array load_img "
    "save_img".split()
)
LATER_MODELS = ("ConvNeXt", "EfficientNet", "MobileNetV3", "RegNet", "ResNetRS")
# Arguments that came after 1.15.
ARGUMENTS = (
    "groups=1", "keepdims=False", "ignore_class=None", "cache_dir=None", "type_spec=None", "optional=False",
    "robust_masking=False", "start_from_epoch=0", "score_mode='dot'", "return_attention_scores=False",
    "use_causal_mask=False", "return_all_outputs=True", "safe_mode=True", "keep_aspect_ratio=False",
    "allow_last_axis_squeeze=False", "name=None, optional", "sparse_y_true=True", "sparse_y_pred=True",
    "multi_label=False", "num_labels=None", "label_weights=None", "from_logits=False", "class_id=None",
    "validation_batch_size=None", "jit_compile=None", "auto_vectorize=None", "analyzer=None", "steps_per_execution=None",  # noqa: E501
    "run_eagerly=None", "options=None", "initial_value_threshold=None", "ignore_class", "sparse=False", "shape=None",
    "expand_nested=False", "show_trainable=False", "layer_range=None", "seed=None", "return_dict=False",
)  # fmt: skip


def modules(tensorflow):
    """The names of tf.keras's modules."""
    found, seen = [], set()

    def walk(module, lead):
        for name in dir(module):
            if name.startswith("_") or name in LATER:
                continue
            value = getattr(module, name)
            if inspect.ismodule(value) and "keras" in value.__name__ and value.__name__ not in seen:
                seen.add(value.__name__)
                found.append(lead + name)
                walk(value, f"{lead}{name}.")

    walk(tensorflow.keras, "keras.")
    return ["keras", *found]


def _plain(text):
    """A signature without what came later."""
    for argument in ARGUMENTS:
        text = text.replace(f", {argument}", "").replace(f"({argument}, ", "(")
    return text.replace("instance, input_shape", "self, input_shape")


def _same(what):
    if " should be " not in what:
        return False
    ours, theirs = map(_plain, what.split(" should be "))
    return ours == theirs


def differences():
    """path: what is wrong."""
    import tenon
    from api.both import tensorflow

    found = {}
    for name in modules(tensorflow()):
        for path, what in parity.differences(name, tenon, tensorflow()):
            parts = path.removesuffix("()").split(".")
            if LATER.isdisjoint(parts) and not any(p.startswith(LATER_MODELS) for p in parts) and not _same(what):
                found[path] = what
    return found


def main(arguments):
    found = differences()
    for path, what in found.items():
        print(f"{path}: {what}")
    print(f"{len(found)} differences")
    if "--update" in arguments:
        (HERE / "keras_missing.txt").write_text("".join(f"{path}\n" for path in sorted(found)), encoding="utf-8")


if __name__ == "__main__":
    given, sys.argv = sys.argv[1:], sys.argv[:1]  # flags read what is left
    main(given)
