"""What of tf.compat.v1's public names is missing here, and whose signatures differ.

usage: python tests/api/parity.py [MODULE...] [--update]     (no MODULE: all of MODULES; "tf" is the root)

--update rewrites missing.txt, the list that test_signatures.py compares with: it may only shrink.
"""

import enum
import inspect
import sys
from pathlib import Path

HERE = Path(__file__).resolve().parent
if __name__ == "__main__":
    sys.path[:0] = [str(HERE.parent), str(HERE.parent.parent / "python")]

MODULES = (
    "tf nn nn.rnn_cell math image losses metrics layers initializers summary train data data.experimental gfile "
    "flags app logging errors test io strings sparse linalg random sets lookup queue debugging dtypes distributions "
    "graph_util resource_loader "
    "sysconfig user_ops manip bitwise signal spectral saved_model saved_model.utils saved_model.tag_constants "
    "saved_model.signature_constants saved_model.signature_def_utils saved_model.builder saved_model.loader "
    "saved_model.main_op saved_model.constants python_io nest keras compat feature_column estimator quantization audio "
    "autograph types version xla profiler ragged"
).split()  # fmt: skip
LISTED = [*MODULES[: MODULES.index("test") + 1], "strings", "ragged"]
# Of later times and other machines; nothing of TensorFlow 1's programs.
SKIPPED = set(
    "tpu distribute experimental lite mlir xla mixed_precision compat v1 v2 contrib raw_ops autograph types profiler "
    "python tools security".split()
)


# What 2.21 changed since 1.15, and what is there for its own insides only.
CHANGED = {
    "DType.__init__()": "handle_data came later",
    "dtypes.DType.__init__()": "handle_data came later",
    "Graph.as_graph_def()": "use_pybind11_proto came later",
    "test.TestCase.assertProtoEqualsVersion()": "producer is a number of its time",
    "test.TestCase.fail()": "user_msg is absl's",
    "layers.BatchNormalization.trainable": "an attribute of each layer",
    "size()": "out_type=None means what int32 means",
    "TensorArraySpec.is_compatible_with()": "the argument's name is that of the class it inherits from",
    "shape()": "out_type=None means what int32 means",
    "DeviceSpec.from_string()": "the inspected one is of version 2",
    **dict.fromkeys(
        [f"nn.rnn_cell.{cell}.build()" for cell in ("BasicLSTMCell", "BasicRNNCell", "GRUCell", "LSTMCell")],
        "a decorator names `self` instance",
    ),
    "data.Dataset.__init__()": "the inspected one has no constructor of its own",
    "data.Iterator.__init__()": "shapes and classes may be left out here",
    "data.experimental.OptimizationOptions.__init__()": "its base's takes whatever comes",
    "data.experimental.ThreadingOptions.__init__()": "its base's takes whatever comes",
    "data.experimental.DistributeOptions.__init__()": "its base's takes whatever comes",
    "data.experimental.make_saveable_from_iterator()": "external_state_policy came later",
}
# What version 2's functions ask of types, and members that came after 1.15.
TRACING = set("cast experimental_as_proto experimental_from_proto experimental_type_proto flatten from_tensors "
              "to_tensors is_subtype_of most_specific_common_supertype placeholder_value "
              "convolution_op".split())  # fmt: skip
LATER = set("NoneTensorSpec.most_specific_compatible_shape Graph.get Graph.new_operations "
            "Graph.num_operations Graph.op_def_for_type Graph.Dismantle "
            "Operation.experimental_set_type Operation.from_node_def Options.autotune Options.dataset_name "
            "Options.deterministic Options.experimental_service Options.experimental_symbolic_checkpoint "
            "Options.experimental_warm_start Options.framework_type Options.threading Options.merge "
            "Options.experimental_external_state_policy".split())  # fmt: skip
LATER_OF_DATASETS = set(
    "as_numpy_iterator bucket_by_sequence_length choose_from_datasets counter fingerprint get_single_element "
    "group_by_window ignore_errors load ragged_batch random rebatch rejection_resample sample_from_datasets save scan "
    "snapshot sparse_batch cardinality".split()
)
NEW_ARGUMENTS = ("skip_gradients_aggregation=False", "use_own_namescope_for_non_slot_vars=False",
                 "use_pybind11_proto=False", "handle_data=None", "output_signature=None")  # fmt: skip
# What is written in other modules than TensorFlow's own of 1.15.
ELSEWHERE = ("absl.testing", "unittest", "keras.", "tf_keras.src.engine", "tf_keras.engine", "tensorflow.python.module",
             "tensorflow.python.trackable", "tensorflow.python.types")  # fmt: skip
# Names that 1.15 did not have.
AFTER = set(
    "math.approx_max_k math.approx_min_k data.experimental.AutotuneAlgorithm data.experimental.AutotuneOptions "
    "data.experimental.DatasetInitializer data.experimental.ExternalStatePolicy data.experimental.SHARD_HINT "
    "data.experimental.ServiceOptions data.experimental.dense_to_ragged_batch data.experimental.distributed_save "
    "data.experimental.enable_debug_mode data.experimental.from_list data.experimental.get_model_proto "
    "data.experimental.index_table_from_dataset data.experimental.pad_to_cardinality data.experimental.snapshot "
    "data.experimental.table_from_dataset train.CheckpointOptions data.NumpyIterator data.DatasetSpec "
    "data.ThreadingOptions nondifferentiable_batch_function "
    "approx_top_k conv conv2d_backprop_filter_v2 conv2d_backprop_input_v2 check_pinned fftnd ifftnd rfftnd irfftnd "
    "nn.approx_max_k nn.approx_min_k random_index_shuffle ragged_fill_empty_rows ragged_fill_empty_rows_grad "
    "linalg.LinearOperatorBlockLowerTriangular linalg.LinearOperatorPermutation "
    "linalg.LinearOperatorTridiag linalg.eigh_tridiagonal".split()
)
# Names of 1.15 that are left out, as docs/roadmap.md says: quantization, sdca, LMDB.
LEFT_OUT = set(
    "train.do_quantize_training_on_graphdef train.sdca_fprint train.sdca_optimizer train.sdca_shrink_l1 "
    "OptionalSpec LMDBReader data.experimental.OptionalStructure "
    "quantized_concat quantize quantize_v2 dequantize nn.quantized_avg_pool nn.quantized_conv2d nn.quantized_max_pool "
    "nn.quantized_relu_x fake_quant_with_min_max_args fake_quant_with_min_max_args_gradient "
    "fake_quant_with_min_max_vars fake_quant_with_min_max_vars_gradient fake_quant_with_min_max_vars_per_channel "
    "fake_quant_with_min_max_vars_per_channel_gradient".split()
)


def members(module):
    """The public names of a module that are no modules."""
    found = {}
    for name in dir(module):
        if name.startswith("_") or name in SKIPPED:
            continue
        try:
            value = getattr(module, name)
        except AttributeError:
            continue
        if not inspect.ismodule(value):
            found[name] = value
    return found


def default(value):
    """A default as text in which both packages agree."""
    if hasattr(value, "as_numpy_dtype"):
        return f"tf.{value.name}"
    if isinstance(value, enum.Enum):
        return repr(value.value)
    if inspect.isfunction(value) or inspect.isclass(value):
        return getattr(value, "__name__", repr(value))
    if isinstance(value, float) and abs(value) < 1e9 and value == int(value):
        return repr(int(value))
    if isinstance(value, (int, float, str, bytes, bool, list, tuple, dict, type(None))):
        return repr(value)
    return type(value).__name__


def signature(thing):
    """The parameters of a callable as text, None if it does not tell them."""
    try:
        from tensorflow.python.util import tf_inspect

        spec = tf_inspect.getfullargspec(inspect.unwrap(thing) if "tenon" in str(thing.__module__) else thing)
    except (TypeError, ValueError, ImportError, AttributeError):
        try:
            spec = inspect.getfullargspec(inspect.unwrap(thing))
        except (TypeError, ValueError):
            return None
    args = list(spec.args)
    defaults = [default(d) for d in spec.defaults or ()]
    plain = len(args) - len(defaults)
    parts = args[:plain] + [f"{a}={d}" for a, d in zip(args[plain:], defaults)]
    if spec.varargs:
        parts.append("*args")
    elif spec.kwonlyargs:
        parts.append("*")
    parts += [f"{a}={default(spec.kwonlydefaults[a])}" if a in (spec.kwonlydefaults or {}) else a
              for a in spec.kwonlyargs]  # fmt: skip
    if spec.varkw:
        parts.append("**kwargs")
    return ", ".join(parts)


def compare_class(path, ours, theirs):
    """The differences of two classes: their constructors, public methods and properties."""
    if not inspect.isclass(ours):
        return
    if issubclass(theirs, (Exception, enum.Enum)) or hasattr(theirs, "DESCRIPTOR"):
        return
    if theirs.__init__ is not object.__init__ and "__new__" not in theirs.__dict__:
        yield from compare_calls(f"{path}.__init__", ours.__init__, theirs.__init__)
    for name in dir(theirs):
        if name.startswith("_"):
            continue
        home = next((cls.__module__ for cls in theirs.__mro__ if name in vars(cls)), "")
        if home.startswith(ELSEWHERE):
            continue
        if name in TRACING or f"{theirs.__name__}.{name}" in LATER:
            continue
        if name in LATER_OF_DATASETS and hasattr(theirs, "from_tensor_slices"):
            continue
        their, our = getattr(theirs, name), getattr(ours, name, None)
        if our is None and not hasattr(ours, name):
            yield f"{path}.{name}", "missing"
        elif inspect.isfunction(their) or inspect.ismethod(their):
            yield from compare_calls(f"{path}.{name}", our, their)


def plain(text):
    """A signature without the arguments that came after 1.15, and without what only forbade arguments by position."""
    if text is not None:
        for later in NEW_ARGUMENTS:
            text = text.replace(f", {later}", "")
        text = text.replace("_sentinel=None, ", "")
    return text


def compare_calls(path, ours, theirs):
    wanted, got = plain(signature(theirs)), plain(signature(ours))
    if wanted is None or "*args, **kw" in wanted or got == wanted:
        return
    yield f"{path}()", f"({got}) should be ({wanted})"


def resolve(package, name):
    """The module called NAME ("" or "tf" is the package itself), or None."""
    found = package
    for part in name.split(".") if name != "tf" else ():
        found = getattr(found, part, None)
    return found


def differences(name, tenon, tensorflow):
    """(path, what is wrong) of the module called NAME."""
    theirs, ours = resolve(tensorflow, name), resolve(tenon, name)
    if theirs is None:
        return
    lead = "" if name == "tf" else name + "."
    for key, their in sorted(members(theirs).items()):
        path = lead + key
        try:
            our = getattr(ours, key)
        except AttributeError:
            yield path, "missing"
            continue
        except Exception as error:
            yield path, f"missing ({type(error).__name__}: {error})"
            continue
        if key == "FLAGS":  # asking it for anything reads the command line
            continue
        if inspect.isclass(their):
            yield from compare_class(path, our, their)
        elif inspect.isfunction(their) or callable(their) and hasattr(their, "__wrapped__"):
            yield from compare_calls(path, our, their)


def all_differences(names):
    import tenon
    from api.both import tensorflow

    found = {}
    for name in names:
        found.update((path, what) for path, what in differences(name, tenon, tensorflow())
                     if path not in CHANGED and not {path, path.rpartition(".")[0]} & (AFTER | LEFT_OUT))  # fmt: skip
    return found


def main(arguments):
    names = [a for a in arguments if not a.startswith("-")]
    found = all_differences(names or MODULES)
    for path, what in found.items():
        print(f"{path}: {what}")
    print(f"{len(found)} differences; {len(LEFT_OUT)} names of 1.15 are left out: {' '.join(sorted(LEFT_OUT))}")
    if "--update" in arguments:
        listed = all_differences(LISTED)
        (HERE / "missing.txt").write_text("".join(f"{path}\n" for path in sorted(listed)), encoding="utf-8")


if __name__ == "__main__":
    given, sys.argv = sys.argv[1:], sys.argv[:1]  # flags read what is left
    main(given)
