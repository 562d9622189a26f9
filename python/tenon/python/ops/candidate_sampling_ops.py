"""Candidate samplers for losses over many classes."""

from tenon.python.framework import random_seed
from tenon.python.ops import gen_ops
from tenon.python.util.tf_export import tf_export


def _sampler(op, *arguments, seed, **more):
    seed1, seed2 = random_seed.get_seed(seed)
    return op(*arguments, seed=seed1, seed2=seed2, **more)


@tf_export("random.uniform_candidate_sampler", "nn.uniform_candidate_sampler")
def uniform_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
    """Classes drawn uniformly from [0, RANGE_MAX): (sampled, expected counts of the true ones, of the sampled ones)."""
    return _sampler(
        gen_ops.uniform_candidate_sampler, true_classes, num_true, num_sampled, unique, range_max, seed=seed, name=name
    )


@tf_export("random.log_uniform_candidate_sampler", "nn.log_uniform_candidate_sampler")
def log_uniform_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
    """Classes drawn by Zipf's law, small numbers most often: (sampled, true expected counts, sampled ones')."""
    return _sampler(
        gen_ops.log_uniform_candidate_sampler, true_classes, num_true, num_sampled, unique, range_max, seed=seed,
        name=name,
    )  # fmt: skip


@tf_export("random.learned_unigram_candidate_sampler", "nn.learned_unigram_candidate_sampler")
def learned_unigram_candidate_sampler(true_classes, num_true, num_sampled, unique, range_max, seed=None, name=None):
    """Classes drawn as often as they were true in the steps so far: (sampled, true expected counts, sampled ones')."""
    return _sampler(
        gen_ops.learned_unigram_candidate_sampler, true_classes, num_true, num_sampled, unique, range_max, seed=seed,
        name=name,
    )  # fmt: skip


@tf_export("random.fixed_unigram_candidate_sampler", "nn.fixed_unigram_candidate_sampler")
def fixed_unigram_candidate_sampler(
    true_classes, num_true, num_sampled, unique, range_max, vocab_file="", distortion=1.0, num_reserved_ids=0,
    num_shards=1, shard=0, unigrams=(), seed=None, name=None,
):  # fmt: skip
    """Classes drawn by the weights UNIGRAMS, or those in VOCAB_FILE: (sampled, true expected counts, sampled ones')."""
    return _sampler(
        gen_ops.fixed_unigram_candidate_sampler, true_classes, num_true, num_sampled, unique, range_max,
        vocab_file=vocab_file, distortion=distortion, num_reserved_ids=num_reserved_ids, num_shards=num_shards,
        shard=shard, unigrams=list(unigrams), seed=seed, name=name,
    )  # fmt: skip


@tf_export("random.all_candidate_sampler", "nn.all_candidate_sampler")
def all_candidate_sampler(true_classes, num_true, num_sampled, unique, seed=None, name=None):
    """All classes in [0, NUM_SAMPLED), each expected once."""
    return _sampler(gen_ops.all_candidate_sampler, true_classes, num_true, num_sampled, unique, seed=seed, name=name)


@tf_export("nn.compute_accidental_hits")
def compute_accidental_hits(true_classes, sampled_candidates, num_true, seed=None, name=None):
    """Where sampled classes are true: (rows, places among the sampled, weights of minus infinity nearly)."""
    return _sampler(gen_ops.compute_accidental_hits, true_classes, sampled_candidates, num_true, seed=seed, name=name)
