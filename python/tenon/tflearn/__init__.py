"""The API of TFLearn: layers as functions of tensors, regression, and DNN, which trains."""

from tenon.tflearn import (
    activations,
    callbacks,
    collections,
    config,
    data_augmentation,
    data_preprocessing,
    data_utils,
    initializations,
    losses,
    metrics,
    objectives,
    optimizers,
    summaries,
    utils,
    variables,
)
from tenon.tflearn.activations import (
    crelu,
    elu,
    leaky_relu,
    linear,
    prelu,
    relu,
    relu6,
    selu,
    sigmoid,
    softmax,
    softplus,
    softsign,
    tanh,
)
from tenon.tflearn.config import get_training_mode, init_graph, init_training_mode, is_training
from tenon.tflearn.data_augmentation import DataAugmentation, ImageAugmentation, SequenceAugmentation
from tenon.tflearn.data_preprocessing import DataPreprocessing, ImagePreprocessing
from tenon.tflearn.data_utils import VocabularyProcessor
from tenon.tflearn.helpers import (
    Evaluator,
    Trainer,
    TrainOp,
    add_weights_regularizer,
    summarize,
    summarize_activations,
    summarize_all,
    summarize_gradients,
    summarize_variables,
)
from tenon.tflearn.layers import conv, core, embedding_ops, estimator, merge_ops, normalization, recurrent
from tenon.tflearn.layers.conv import (
    atrous_conv_2d,
    avg_pool_1d,
    avg_pool_2d,
    avg_pool_3d,
    conv_1d,
    conv_2d,
    conv_2d_transpose,
    conv_3d,
    conv_3d_transpose,
    global_avg_pool,
    global_max_pool,
    grouped_conv_2d,
    max_pool_1d,
    max_pool_2d,
    max_pool_3d,
    upsample_2d,
    upscore_layer,
)
from tenon.tflearn.layers.conv_blocks import (
    densenet_block,
    highway_conv_1d,
    highway_conv_2d,
    residual_block,
    residual_bottleneck,
    resnext_block,
)
from tenon.tflearn.layers.core import (
    activation,
    custom_layer,
    dropout,
    flatten,
    fully_connected,
    highway,
    input_data,
    multi_target_data,
    one_hot_encoding,
    reshape,
    single_unit,
    time_distributed,
)
from tenon.tflearn.layers.embedding_ops import embedding
from tenon.tflearn.layers.estimator import regression
from tenon.tflearn.layers.merge_ops import merge, merge_outputs
from tenon.tflearn.layers.normalization import batch_normalization, l2_normalize, local_response_normalization
from tenon.tflearn.layers.recurrent import (
    BasicLSTMCell,
    BasicRNNCell,
    DropoutWrapper,
    GRUCell,
    MultiRNNCell,
    bidirectional_rnn,
    gru,
    lstm,
    simple_rnn,
)
from tenon.tflearn.models import DNN, SequenceGenerator
from tenon.tflearn.objectives import (
    binary_crossentropy,
    categorical_crossentropy,
    hinge_loss,
    mean_square,
    roc_auc_score,
    softmax_categorical_crossentropy,
    weak_cross_entropy_2d,
    weighted_crossentropy,
)
from tenon.tflearn.optimizers import SGD, AdaDelta, AdaGrad, Adam, Ftrl, Momentum, Nesterov, ProximalAdaGrad, RMSProp
from tenon.tflearn.variables import (
    get_all_trainable_variable,
    get_all_variables,
    get_inputs_placeholder_by_name,
    get_layer_variables,
    get_layer_variables_by_name,
    get_targets_placeholder_by_name,
    get_value,
    model_variable,
    set_value,
    variable,
)

__all__ = sorted(name for name in globals() if name[:1] != "_")
