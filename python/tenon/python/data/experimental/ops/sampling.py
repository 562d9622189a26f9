"""Datasets by chance and by choice."""

from tenon.python.data.ops.dataset_ops import Dataset, _wrap, get_seed
from tenon.python.data.util import nest, structure
from tenon.python.framework import dtypes, ops
from tenon.python.framework.tensor import Tensor
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


@tf_export("data.experimental.RandomDataset", "contrib.data.RandomDataset")
class RandomDataset(Dataset):
    """Random numbers of 32 bits (int64 scalars), without an end."""

    def __init__(self, seed=None, rerandomize_each_iteration=None, name=None):
        spec = structure.TensorSpec([], dtypes.int64)
        a, b = get_seed(seed)
        self._set(gen_ops.random_dataset(a, b, name=name, **structure.flat(spec)), spec)


def _directed(selector, datasets, stop_on_empty_dataset):
    spec = datasets[0]._structure
    for dataset in datasets[1:]:
        if not structure.compatible(nest.map_structure(_any_shape, spec),
                                    nest.map_structure(_any_shape, dataset._structure)):  # fmt: skip
            raise TypeError("All inputs to `directed_interleave` must have the same dtypes and classes. "
                            f"{datasets[0].output_types} and {dataset.output_types} differ.")  # fmt: skip
        spec = nest.map_structure(lambda a, b: a.merged(b), spec, dataset._structure)
    variant = gen_ops.directed_interleave_dataset(
        selector._variant_tensor, [d._variant_tensor for d in datasets], stop_on_empty_dataset=stop_on_empty_dataset,
        **structure.flat(spec),
    )  # fmt: skip
    return _wrap(variant, spec, (selector, *datasets))


def _any_shape(spec):
    return spec.with_shape(None)


@tf_export("data.experimental.sample_from_datasets", "contrib.data.sample_from_datasets")
def sample_from_datasets(datasets, weights=None, seed=None, stop_on_empty_dataset=False):
    """Elements of DATASETS by chance, according to WEIGHTS: None, a vector, or a dataset of vectors."""
    datasets = list(datasets)
    if not datasets:
        raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
    numbers = RandomDataset(seed).batch(2)
    if isinstance(weights, Dataset):

        def choose(seeds, probabilities):
            return _draw(gen_ops.log(gen_ops.expand_dims(probabilities, 0)), seeds)

        selector = Dataset.zip((numbers, weights)).map(choose)
        return _directed(selector, datasets, stop_on_empty_dataset)
    if weights is None:
        logits = [[1.0] * len(datasets)]
    else:
        if not isinstance(weights, Tensor):
            if len(weights) != len(datasets):
                raise ValueError(f"Invalid `weights`. The shape of `weights` should be compatible with "
                                 f"`[len(datasets)]` but is {[len(weights)]}.")  # fmt: skip
            kept = [i for i, w in enumerate(weights) if w > 0]
            weights, datasets = [float(weights[i]) for i in kept], [datasets[i] for i in kept]
        logits = gen_ops.expand_dims(gen_ops.log(ops.convert_to_tensor(weights, name="weights")), 0)
    if len(datasets) == 1:
        return datasets[0]
    return _directed(numbers.map(lambda seeds: _draw(logits, seeds)), datasets, stop_on_empty_dataset)


def _draw(logits, seeds):
    drawn = gen_ops.stateless_multinomial(ops.convert_to_tensor(logits), 1, seeds)
    return gen_ops.squeeze(drawn, [0, 1])


@tf_export("data.experimental.choose_from_datasets", "contrib.data.choose_from_datasets")
def choose_from_datasets(datasets, choice_dataset, stop_on_empty_dataset=False):
    """An element of the dataset that each number of CHOICE_DATASET (int64 scalars) names."""
    datasets = list(datasets)
    if not datasets:
        raise ValueError("Invalid `datasets`. `datasets` should not be empty.")
    if str(choice_dataset.output_types) != str(dtypes.int64) or choice_dataset.output_shapes.rank not in (0, None):
        raise TypeError("Invalid `choice_dataset`. Elements of `choice_dataset` must be scalar `tf.int64` tensors but "
                        f"are {choice_dataset.element_spec}.")  # fmt: skip
    return _directed(choice_dataset, datasets, stop_on_empty_dataset)
