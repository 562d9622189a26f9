"""Modules that programs import from TensorFlow's insides: they have the public names' own objects."""

import os
import subprocess
import sys
from importlib import import_module
from pathlib import Path

import pytest

import tenon
from tenon import _places

ROOT = Path(__file__).resolve().parents[2]
# What programs of those years take from inside, and what it is.
INSIDE = """
python.ops.rnn_cell.BasicLSTMCell                                   nn.rnn_cell.BasicLSTMCell
python.ops.rnn_cell_impl.LSTMStateTuple                             nn.rnn_cell.LSTMStateTuple
python.ops.gen_array_ops.tile                                       tile
python.ops.seq2seq.sequence_loss_by_example                         contrib.legacy_seq2seq.sequence_loss_by_example
python.ops.variable_scope.get_variable                              get_variable
python.ops.image_ops_impl.resize_images                             image.resize_images
python.framework.errors_impl.OutOfRangeError                        errors.OutOfRangeError
python.framework.graph_util.convert_variables_to_constants          graph_util.convert_variables_to_constants
python.framework.graph_util_impl.extract_sub_graph                  graph_util.extract_sub_graph
python.framework.graph_io.write_graph                               train.write_graph
python.framework.ops.RegisterGradient                               RegisterGradient
python.framework.dtypes.float32                                     float32
python.platform.gfile.FastGFile                                     gfile.FastGFile
python.platform.sysconfig.get_include                               sysconfig.get_include
python.training.training.AdamOptimizer                              train.AdamOptimizer
python.training.saver.Saver                                         train.Saver
python.saved_model.main_op.main_op                                  saved_model.main_op.main_op
python.data.experimental.ops.batching.map_and_batch                 data.experimental.map_and_batch
python.keras.models.Sequential                                      keras.Sequential
core.framework.graph_pb2.GraphDef                                   GraphDef
core.protobuf.saver_pb2.SaverDef                                    train.SaverDef
core.example.example_pb2.Example                                    train.Example
contrib.rnn.python.ops.core_rnn_cell.BasicLSTMCell                  nn.rnn_cell.BasicLSTMCell
contrib.rnn.python.ops.rnn_cell.GRUCell                             nn.rnn_cell.GRUCell
contrib.layers.python.layers.layers.fully_connected                 contrib.layers.fully_connected
contrib.layers.python.layers.utils.collect_named_outputs            contrib.layers.utils.collect_named_outputs
contrib.layers.python.layers.initializers.xavier_initializer        contrib.layers.xavier_initializer
contrib.framework.python.ops.arg_scope                              contrib.framework.arg_scope
contrib.framework.python.ops.variables.get_or_create_global_step    contrib.framework.get_or_create_global_step
contrib.slim.python.slim.learning.create_train_op                   contrib.slim.learning.create_train_op
contrib.slim.python.slim.nets.inception_v3.inception_v3             contrib.slim.nets.inception.inception_v3
contrib.slim.python.slim.nets.resnet_v2.resnet_v2_50                contrib.slim.nets.resnet_v2.resnet_v2_50
contrib.seq2seq.python.ops.attention_wrapper.BahdanauAttention      contrib.seq2seq.BahdanauAttention
contrib.seq2seq.python.ops.helper.TrainingHelper                    contrib.seq2seq.TrainingHelper
contrib.legacy_seq2seq.python.ops.seq2seq.model_with_buckets        contrib.legacy_seq2seq.model_with_buckets
contrib.losses.python.losses.loss_ops.softmax_cross_entropy         contrib.losses.softmax_cross_entropy
contrib.lookup.lookup_ops.index_table_from_tensor                   contrib.lookup.index_table_from_tensor
contrib.keras.python.keras.layers.Dense                             keras.layers.Dense
models.rnn.rnn_cell.MultiRNNCell                                    nn.rnn_cell.MultiRNNCell
"""


def pairs():
    return [line.split() for line in INSIDE.split("\n") if line]


def public(name):
    thing = tenon
    for part in name.split("."):
        thing = getattr(thing, part)
    return thing


@pytest.mark.parametrize("inside, name", pairs())
def test_it_is_the_public_one(inside, name):
    module, _, attribute = inside.rpartition(".")
    assert getattr(import_module(f"tenon.{module}"), attribute) is public(name)


def test_the_same_under_the_old_name():
    lines = ["import tensorflow as tf"]
    for inside, name in pairs():
        module, _, attribute = inside.rpartition(".")
        lines += [f"from tensorflow.{module} import {attribute} as x", f"assert x is tf.{name}, x"]
    text = f"from tenon import compat; compat.install(); exec({chr(10).join(lines)!r}); print('all')"
    done = subprocess.run([sys.executable, "-c", text], env={**os.environ, "PYTHONPATH": str(ROOT / "python")},
                          capture_output=True, text=True, timeout=60)  # fmt: skip
    assert done.stdout == "all\n", done.stderr


def test_the_whole_table():
    """Every place can be imported, unless all that it stands for is missing itself."""
    wrong = []
    for name, homes in _places.places().items():
        there = [home for home in homes if not home or _found(f"tenon.{home}")]
        if bool(there or not homes) != _found(f"tenon.{name}"):
            wrong.append(name)
    assert not wrong


def _found(name):
    try:
        import_module(name)
    except ModuleNotFoundError:
        return False
    return True


def test_what_is_nowhere():
    import tenon.python.ops.rnn_cell as place

    with pytest.raises(AttributeError, match=r"'tenon\.python\.ops\.rnn_cell' has no attribute 'no_such_cell'"):
        _ = place.no_such_cell
    with pytest.raises(ModuleNotFoundError):
        import_module("tenon.python.ops.no_such_module")
    assert "BasicLSTMCell" in dir(place)
