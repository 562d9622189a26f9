"""The API of TFLearn: layers as functions of tensors, regression, and DNN, which trains."""

from importlib import import_module

# Where public names come from; modules are loaded when a name is first used.
_PLACES = {
    "activations": "linear tanh sigmoid softmax softplus softsign relu relu6 leaky_relu prelu elu crelu selu",
    "config": "get_training_mode init_graph init_training_mode is_training",
    "data_augmentation": "DataAugmentation ImageAugmentation SequenceAugmentation",
    "data_preprocessing": "DataPreprocessing ImagePreprocessing",
    "data_utils": "VocabularyProcessor",
    "helpers": "Evaluator TrainOp Trainer add_weights_regularizer summarize summarize_activations summarize_all "
               "summarize_gradients summarize_variables",
    "layers.conv": "atrous_conv_2d avg_pool_1d avg_pool_2d avg_pool_3d conv_1d conv_2d conv_2d_transpose conv_3d "
                   "conv_3d_transpose depthwise_conv_2d global_avg_pool global_max_pool grouped_conv_2d max_pool_1d "
                   "max_pool_2d max_pool_3d upsample_2d upscore_layer",
    "layers.conv_blocks": "densenet_block highway_conv_1d highway_conv_2d residual_block residual_bottleneck "
                          "resnext_block",
    "layers.core": "activation custom_layer dropout flatten fully_connected highway input_data multi_target_data "
                   "one_hot_encoding reshape single_unit time_distributed",
    "layers.embedding_ops": "embedding",
    "layers.estimator": "regression",
    "layers.merge_ops": "merge merge_outputs",
    "layers.normalization": "batch_normalization l2_normalize local_response_normalization",
    "layers.recurrent": "BasicLSTMCell BasicRNNCell DropoutWrapper GRUCell MultiRNNCell bidirectional_rnn gru lstm "
                        "simple_rnn",
    "models": "DNN SequenceGenerator",
    "objectives": "binary_crossentropy categorical_crossentropy hinge_loss mean_square roc_auc_score "
                  "softmax_categorical_crossentropy weak_cross_entropy_2d weighted_crossentropy",
    "optimizers": "SGD AdaDelta AdaGrad Adam Ftrl Momentum Nesterov ProximalAdaGrad RMSProp",
    "variables": "get_all_trainable_variable get_all_variables get_inputs_placeholder_by_name get_layer_variables "
                 "get_layer_variables_by_name get_targets_placeholder_by_name get_value model_variable set_value "
                 "variable",
}  # fmt: skip
_HOME = {name: place for place, names in _PLACES.items() for name in names.split()}
_MODULES = ("activations callbacks collections config data_augmentation data_preprocessing data_utils datasets helpers "
            "initializations layers losses metrics models objectives optimizers summaries utils variables").split()  # fmt: skip  # noqa: E501
_LAYERS = ("conv", "core", "embedding_ops", "estimator", "merge_ops", "normalization", "recurrent")

__all__ = sorted([*_HOME, *_MODULES, *_LAYERS])


def __getattr__(name):
    if name in _HOME:
        value = getattr(import_module(f"{__name__}.{_HOME[name]}"), name)
    elif name in _MODULES:
        value = import_module(f"{__name__}.{name}")
    elif name in _LAYERS:
        value = import_module(f"{__name__}.layers.{name}")
    else:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    globals()[name] = value
    return value


def __dir__():
    return sorted({*globals(), *__all__})


import_module(f"{__name__}.collections")  # programs ask tf.GraphKeys for TFLearn's collections
