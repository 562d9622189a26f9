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
    "use_legacy_format=False", "experimental_aggregate_gradients=True", "tape=None", "warmup_target=None",
    "warmup_steps=0", "gradient_aggregator=None", "gradient_transformers=None", "classifier_activation='softmax'",
    "random_seed=None", "dilation_rate=(1, 1, 1)", "show_dtype=False", "show_layer_activations=False",
)  # fmt: skip
# What has another signature in 2.21 than in 1.15, and why it stays as it was there.
CHANGED = {
    "sparse and ragged are None by default later": "keras.Input() keras.layers.Input() keras.layers.InputLayer.__init__()",  # noqa: E501
    "implementation stood among the arguments": "keras.layers.GRU.__init__() keras.layers.GRUCell.__init__() "
    "keras.layers.LSTM.__init__() keras.layers.LSTMCell.__init__()",
    "dilation_rate came later": "keras.layers.DepthwiseConv2D.__init__()",
    "queue_length became other settings": "keras.callbacks.CallbackList.__init__()",
    "period was an argument": "keras.callbacks.ModelCheckpoint.__init__()",
    "trainable and name were arguments": "keras.layers.LayerNormalization.__init__()",
    "axis came later": "keras.losses.BinaryCrossentropy.__init__() keras.losses.CategoricalCrossentropy.__init__()",
    "another name": "keras.losses.KLDivergence.__init__() keras.losses.LogCosh.__init__()",
    "sizes of bins came later": "keras.metrics.MeanIoU.__init__()",
    "include_optimizer was an argument": "keras.models.save_model() keras.models.load_model()",
    "those of the new format": "keras.utils.deserialize_keras_object() keras.utils.serialize_keras_object() "
    "keras.utils.get_file() keras.optimizers.deserialize() keras.optimizers.get() "
    "keras.optimizers.schedules.serialize()",
    "an inner class, seen from outside": "keras.backend.learning_phase_scope()",
    "cache_dir came later": "keras.datasets.cifar10.load_data() keras.datasets.fashion_mnist.load_data()",
    "attention's scores and training came later": "keras.layers.Attention.call() keras.layers.AdditiveAttention.call()",
    "masks came later": "keras.layers.BatchNormalization.call() keras.layers.Softmax.call()",
    "name was an argument": "keras.optimizers.Adamax.__init__() keras.optimizers.legacy.Adamax.__init__()",
    "cuDNN's layers have no cell": "keras.layers.CuDNNGRU.cell keras.layers.CuDNNLSTM.cell "
    "keras.layers.CuDNNGRU.get_losses_for() keras.layers.CuDNNLSTM.get_losses_for()",
    "training by steps of one's own came later": "keras.experimental.WideDeepModel.train_step "
    "keras.models.WideDeepModel.train_step",
    "a dense layer's arguments, as 1.15 has them": "keras.experimental.LinearModel.__init__() "
    "keras.models.LinearModel.__init__()",
    "an image's axes come first": "keras.preprocessing.image.apply_affine_transform()",
    "input_text was text": "keras.preprocessing.text.text_to_word_sequence() keras.preprocessing.text.one_hot()",
}
_NETWORKS = ("InceptionResNetV2 MobileNet MobileNetV2 ResNet50 ResNet101 ResNet152 inception_resnet_v2.InceptionResNetV2 "  # noqa: E501
             "mobilenet.MobileNet mobilenet_v2.MobileNetV2 resnet.ResNet50 resnet.ResNet101 resnet.ResNet152 "
             "resnet50.ResNet50").split()  # fmt: skip
CHANGED["**kwargs was a back door of the package keras_applications"] = " ".join(
    f"keras.applications.{name}()" for name in _NETWORKS
)
KEPT = {path for paths in CHANGED.values() for path in paths.split()}


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
            if LATER.isdisjoint(parts) and not any(p.startswith(LATER_MODELS) for p in parts) and not (
                    path in KEPT or _same(what)):  # fmt: skip
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
