"""Functions of tf, tf.math, tf.nn and tf.random against TensorFlow: values, dtypes and static shapes.

Each line is an expression; A is [3,4] floats, I [2,3] integers, X pictures [2,6,6,3], K filters [3,3,3,2], SP and SW
sparse ids and their weights.
"""

import numpy as np
import pytest

import tenon
from api.both import both, run, same, tensorflow

MATH = """
tf.add(A,1.)
tf.subtract(A,.5)
tf.multiply(A,A)
tf.divide(A,2.)
tf.divide(I,2)
tf.div(I,2)
tf.truediv(I,4)
tf.floordiv(I,2)
tf.floor_div(I,2)
tf.mod(I,3)
tf.floormod(I,3)
tf.truncatediv(I,2)
tf.truncatemod(I,2)
tf.pow(A,2.)
tf.abs(-A)
tf.negative(A)
tf.sign(A-.5)
tf.square(A)
tf.sqrt(A)
tf.rsqrt(A)
tf.exp(A)
tf.log(A)
tf.log1p(A)
tf.expm1(A)
tf.ceil(A)
tf.floor(A*3)
tf.round(A*3)
tf.rint(A*3)
tf.sin(A)
tf.cos(A)
tf.tan(A)
tf.asin(A)
tf.acos(A)
tf.atan(A)
tf.atan2(A,A+1)
tf.sinh(A)
tf.cosh(A)
tf.tanh(A)
tf.asinh(A)
tf.acosh(A+1)
tf.atanh(A*.9)
tf.erf(A)
tf.erfc(A)
tf.lgamma(A+1)
tf.digamma(A+1)
tf.maximum(A,.5)
tf.minimum(A,.5)
tf.squared_difference(A,.3)
tf.reciprocal(A)
tf.is_nan(A)
tf.is_inf(A)
tf.is_finite(A)
tf.equal(I,5)
tf.not_equal(I,5)
tf.less(A,.5)
tf.less_equal(I,5)
tf.greater(A,.5)
tf.greater_equal(I,5)
tf.logical_and(A>.3,A<.8)
tf.logical_or(A>.8,A<.2)
tf.logical_not(A>.3)
tf.logical_xor(A>.3,A<.8)
tf.reduce_sum(A)
tf.reduce_sum(A,1)
tf.reduce_sum(A,[0,1],keepdims=True)
tf.reduce_mean(A,0)
tf.reduce_mean(A,reduction_indices=[1])
tf.reduce_max(A,1,keep_dims=True)
tf.reduce_min(A)
tf.reduce_prod(A,0)
tf.reduce_all(A>.1)
tf.reduce_any(A>.9,1)
tf.reduce_logsumexp(A,1)
tf.math.reduce_std(A)
tf.math.reduce_variance(A,0)
tf.math.reduce_euclidean_norm(A,1)
tf.count_nonzero(I-5)
tf.argmax(A,1)
tf.argmin(A,0,output_type=tf.int32)
tf.arg_max(A,1)
tf.cumsum(A,1)
tf.cumprod(A,0,exclusive=True)
tf.cumsum(A,reverse=True)
tf.math.cumulative_logsumexp(A,1)
tf.matmul(A,A,transpose_b=True)
tf.matmul(tf.stack([A,A]),tf.stack([A,A]),transpose_a=True)
tf.tensordot(A,A,[[1],[1]])
tf.tensordot(A,A,2)
tf.einsum('ij,kj->ik',A,A)
tf.einsum('ij,ij,ij->j',A,A,A)
tf.einsum('ij->ji',A)
tf.trace(A)
tf.add_n([A,A,A])
tf.accumulate_n([A,A])
tf.sigmoid(A)
tf.log_sigmoid(A)
tf.range(5)
tf.range(1,9,3)
tf.range(0.,1.,.25)
tf.lin_space(0.,1.,5)
tf.linspace(1.,2.,3)
tf.cast(A*5,tf.int32)
tf.to_float(I)
tf.to_int32(A*4)
tf.to_double(A)
tf.to_int64(I)
tf.saturate_cast(A*1000,tf.uint8)
tf.complex(A,A)
tf.real(tf.complex(A,A))
tf.imag(tf.complex(A,-A))
tf.conj(tf.complex(A,A))
tf.angle(tf.complex(A,A))
tf.bincount(tf.constant([1,1,3]))
tf.bincount(tf.constant([1,1,3]),weights=tf.constant([1.,2.,3.]),minlength=6)
tf.math.polyval([1.,2.,3.],A)
tf.math.xlogy(A,A)
tf.math.xdivy(A,A)
tf.math.divide_no_nan(A,tf.zeros_like(A))
tf.math.multiply_no_nan(A,A)
tf.math.reciprocal_no_nan(A)
tf.scalar_mul(2.,A)
tf.lbeta(A)
tf.math.bessel_i0(A*8)
tf.math.bessel_i1e(A*8)
tf.math.bessel_i0e(A*3)
tf.math.bessel_i1(A*3)
tf.segment_sum(A,[0,0,1])
tf.segment_mean(A,[0,0,1])
tf.unsorted_segment_sum(A,[1,0,1],2)
tf.unsorted_segment_max(A,[1,0,1],2)
tf.math.unsorted_segment_mean(A,[1,0,1],3)
tf.math.unsorted_segment_sqrt_n(A,[1,0,1],3)
tf.sparse_segment_sum(A,[0,2],[0,0])
tf.sparse_segment_mean(A,[0,2,1],[0,0,1])
tf.cross(tf.ones([2,3]),A[:2,:3])
tf.polygamma(1.,A+1)
tf.zeta(A+2,A+1)
"""

ARRAY = """
tf.zeros([2,3])
tf.ones([2],tf.int32)
tf.zeros_like(A)
tf.ones_like(I,dtype=tf.float32)
tf.fill([2,2],7.)
tf.zeros([40,40])
tf.eye(3)
tf.eye(2,3,batch_shape=[2])
tf.shape(A)
tf.size(A)
tf.rank(A)
tf.shape_n([A,A])
tf.reshape(A,[2,-1])
tf.expand_dims(A,0)
tf.expand_dims(A,dim=-1)
tf.squeeze(A[None])
tf.squeeze(A[None],[0])
tf.squeeze(A[None],squeeze_dims=[0])
tf.transpose(A)
tf.transpose(A[None],[2,0,1])
tf.matrix_transpose(A)
tf.concat([A,A],1)
tf.concat([A],0)
tf.stack([A,A],1)
tf.stack([1,2,3])
tf.stack([A[0,0],2.])
tf.unstack(A)
tf.unstack(A,axis=1)
tf.split(A,2,1)
tf.split(A,[1,3],1)
tf.slice(A,[0,1],[2,-1])
tf.strided_slice(A,[0,0],[3,4],[2,2])
A[1]
A[:,1:3]
A[::-1]
A[...,None]
A[1,2]
A[-1:,tf.newaxis]
A[I[0,0]:]
tf.tile(A,[2,1])
tf.pad(A,[[1,0],[0,2]])
tf.pad(A,[[1,1],[1,1]],'REFLECT')
tf.pad(A,[[1,1],[1,1]],'symmetric')
tf.pad(A,[[1,1],[0,0]],constant_values=5.)
tf.gather(A,[2,0])
tf.gather(A,[1],axis=1)
tf.gather(tf.stack([A,A]),[[0],[1]],batch_dims=1,axis=1)
tf.batch_gather(A,tf.constant([[0],[1],[2]]))
tf.gather_nd(A,[[0,1],[2,2]])
tf.where(A>.5)
tf.where(A>.5,A,-A)
tf.where_v2(A>.5,A,0.)
tf.boolean_mask(A,[True,False,True])
tf.boolean_mask(A,A>.5)
tf.boolean_mask(A,[True,False,True,True],axis=1)
tf.one_hot([0,2],3)
tf.one_hot([0,2],3,on_value=5,off_value=1,axis=0)
tf.sequence_mask([1,3])
tf.sequence_mask([1,2],5,tf.float32)
tf.reverse(A,[1])
tf.reverse_sequence(A,[1,2,3],1)
tf.reverse_sequence(A,[1,2,3],seq_dim=1,batch_dim=0)
tf.unique([1,2,1])
tf.unique_with_counts([1,2,1])
tf.setdiff1d([1,2,3],[2])
tf.meshgrid([1,2],[3,4,5])
tf.meshgrid([1,2],[3,4,5],indexing='ij')
tf.invert_permutation([1,0,2])
tf.diag([1.,2.])
tf.diag_part(tf.diag([1.,2.]))
tf.matrix_diag(A)
tf.matrix_diag_part(A)
tf.matrix_set_diag(A,[9.,8.,7.])
tf.matrix_band_part(A,0,1)
tf.space_to_batch(tf.ones([1,4,4,1]),[[0,0],[0,0]],2)
tf.batch_to_space(tf.ones([4,2,2,1]),[[0,0],[0,0]],2)
tf.space_to_depth(tf.ones([1,4,4,1]),2)
tf.depth_to_space(tf.ones([1,2,2,4]),2)
tf.roll(A,1,0)
tf.sort(A)
tf.sort(A,0,'DESCENDING')
tf.argsort(A)
tf.searchsorted([[1,3,5,7]],[[2,3,8]])
tf.searchsorted([[1,3,5,7]],[[2,3,8]],side='right')
tf.repeat([1,2,3],2)
tf.reduce_sum(tf.repeat(A,[1,2,0],axis=0),0)
tf.histogram_fixed_width([0.,.5,2.,9.],[0.,5.],5)
tf.histogram_fixed_width_bins([0.,.5,2.,9.],[0.,5.],5)
tf.unravel_index([2,5],[3,4])
tf.broadcast_to(A[0],[2,4])
tf.broadcast_dynamic_shape([1,4],[3,1])
tf.scatter_nd([[1],[3]],[5.,6.],[5])
tf.tensor_scatter_update([1,2,3],[[1]],[9])
tf.dynamic_partition(A,[0,1,0],2)
tf.dynamic_stitch([[0,2],[1]],[A[:2],A[2:]])
tf.identity(A)
tf.identity_n([A,I])
tf.stop_gradient(A)
tf.check_numerics(A,'m')
tf.ensure_shape(A,[None,4])
tf.bitwise.bitwise_and(I,3)
tf.bitwise.bitwise_xor(I,3)
tf.bitwise.invert(I)
tf.bitwise.left_shift(I,1)
tf.parallel_stack([A,A])
tf.required_space_to_batch_paddings([5,5],[2,2])
tf.extract_image_patches(tf.ones([1,4,4,1]),[1,2,2,1],[1,1,1,1],[1,1,1,1],'VALID')
tf.norm(A)
tf.norm(A,1)
tf.norm(A,axis=1,keepdims=True)
tf.norm(A,np.inf,axis=0)
tf.linalg.norm(A,'fro',axis=[0,1])
tf.linalg.trace(A)
tf.cholesky(tf.eye(2)*4.)
tf.cholesky_solve(tf.eye(2)*2.,tf.ones([2,1]))
tf.matrix_inverse(tf.eye(2)*2.)
tf.matrix_determinant(tf.eye(2)*2.)
tf.matrix_solve(tf.eye(2)*2.,tf.ones([2,1]))
tf.matrix_solve_ls(A,A[:,:1],fast=True)
tf.qr(A)
tf.random.stateless_uniform([3],[1,2])
tf.random.stateless_normal([3],[1,2])
tf.verify_tensor_all_finite(A,'x')
tf.clip_by_value(A,.2,.7)
tf.clip_by_norm(A,.5)
tf.clip_by_norm(A,.5,axes=[1])
tf.global_norm([A,A])
tf.clip_by_global_norm([A,A],1.)
tf.clip_by_average_norm(A,.1)
"""

NN_AND_RANDOM = """
tf.nn.relu(A-.5)
tf.nn.relu6(A*9)
tf.nn.elu(A-.5)
tf.nn.selu(A-.5)
tf.nn.crelu(A-.5)
tf.nn.leaky_relu(A-.5)
tf.nn.leaky_relu(A-.5,.1)
tf.nn.swish(A)
tf.nn.softplus(A)
tf.nn.softsign(A)
tf.nn.softmax(A)
tf.nn.softmax(A,0)
tf.nn.softmax(A,dim=0)
tf.nn.log_softmax(A)
tf.nn.sigmoid(A)
tf.nn.tanh(A)
tf.nn.bias_add(A,[1.,2.,3.,4.])
tf.nn.xw_plus_b(A,tf.ones([4,2]),[1.,2.])
tf.nn.relu_layer(A,tf.ones([4,2]),[1.,2.])
tf.nn.l2_loss(A)
tf.nn.l2_normalize(A,1)
tf.nn.l2_normalize(A,dim=0)
tf.nn.moments(A,[0])
tf.nn.moments(A,[0],keep_dims=True)
tf.nn.weighted_moments(A,[0],A)
tf.nn.sufficient_statistics(A,[0])
tf.nn.normalize_moments(tf.constant(3.),A[0],A[1],None)
tf.nn.batch_normalization(A,A[0],A[1],A[2],A[0],.1)
tf.nn.fused_batch_norm(X,[1.,1.,1.],[0.,0.,0.])
tf.nn.conv2d(X,K,[1,1,1,1],'SAME')
tf.nn.conv2d(X,K,strides=[1,2,2,1],padding='VALID')
tf.nn.conv2d(X,filters=K,strides=2,padding=[[0,0],[1,0],[0,1],[0,0]])
tf.nn.conv1d(X[0],K[0],1,'SAME')
tf.nn.conv1d(X[0],K[0],stride=2,padding='VALID')
tf.nn.conv2d_transpose(X,tf.transpose(K,[0,1,3,2]),[2,6,6,2],[1,1,1,1])
tf.nn.atrous_conv2d(X,K,2,'SAME')
tf.nn.atrous_conv2d(X,K,2,'VALID')
tf.nn.convolution(X,K,'SAME')
tf.nn.convolution(X,K,'VALID',dilation_rate=[2,2])
tf.nn.depthwise_conv2d(X,K,[1,1,1,1],'SAME')
tf.nn.depthwise_conv2d(X,K,[1,1,1,1],'VALID',rate=[2,2])
tf.nn.separable_conv2d(X,K,tf.ones([1,1,6,4]),[1,1,1,1],'SAME')
tf.nn.max_pool(X,[1,2,2,1],[1,2,2,1],'SAME')
tf.nn.max_pool(X,2,2,'VALID')
tf.nn.avg_pool(X,[1,3,3,1],[1,1,1,1],'SAME')
tf.nn.max_pool_with_argmax(X,[1,2,2,1],[1,2,2,1],'SAME')
tf.nn.pool(X,[2,2],'MAX','SAME')
tf.nn.pool(X,[2,2],'AVG','VALID',dilation_rate=[2,2])
tf.nn.max_pool1d(X[0],2,2,'SAME')
tf.nn.avg_pool1d(X[0],2,2,'SAME')
tf.nn.conv3d(X[None],K[None],[1,1,1,1,1],'SAME')
tf.nn.max_pool3d(X[None],[1,2,2,2,1],[1,2,2,2,1],'SAME')
tf.nn.avg_pool3d(X[None],[1,2,2,2,1],[1,2,2,2,1],'SAME')
tf.nn.lrn(X)
tf.nn.local_response_normalization(X,2,1.,.1,.5)
tf.nn.softmax_cross_entropy_with_logits(labels=A,logits=A)
tf.nn.softmax_cross_entropy_with_logits_v2(labels=A,logits=A,axis=0)
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[0,1,2],logits=A)
tf.nn.sparse_softmax_cross_entropy_with_logits(labels=[[0,1,2]],logits=A[None])
tf.nn.sigmoid_cross_entropy_with_logits(labels=A,logits=A)
tf.nn.weighted_cross_entropy_with_logits(A,A,2.)
tf.nn.log_poisson_loss(A,A,compute_full_loss=True)
tf.nn.top_k(A,2)
tf.nn.in_top_k(A,[0,1,2],2)
tf.nn.zero_fraction(I-5)
tf.nn.dilation2d(X,K[...,0],[1,1,1,1],[1,1,1,1],'SAME')
tf.nn.erosion2d(X,K[...,0],[1,1,1,1],[1,1,1,1],'SAME')
tf.nn.embedding_lookup(A,[0,2])
tf.nn.embedding_lookup([A,A],[0,2,5],partition_strategy='div')
tf.nn.embedding_lookup(A,[[0],[1]],max_norm=.5)
tf.nn.embedding_lookup_sparse(A,SP,None)
tf.nn.embedding_lookup_sparse(A,SP,SW,combiner='sqrtn')
tf.nn.embedding_lookup_sparse(A,SP,SW,combiner='mean')
tf.nn.safe_embedding_lookup_sparse([A],SP)
tf.nn.depthwise_conv2d_native(X,K,[1,1,1,1],'SAME')
tf.nn.space_to_depth(X,2)
tf.nn.batch_norm_with_global_normalization(X,A[0,:3],A[1,:3],[0.,0.,0.],[1.,1.,1.],.1,True)
tf.random_uniform([3],seed=1)
tf.random_normal([2,2],1.,2.,seed=3)
tf.truncated_normal([5],seed=2)
tf.random_uniform([4],0,10,tf.int32,seed=4)
tf.random_shuffle(tf.range(6),seed=1)
tf.multinomial(A,3,seed=2)
tf.random.categorical(A,3,seed=2)
tf.random_gamma([3],2.,seed=1)
tf.random_poisson(3.,[4],seed=1)
tf.random_crop(A,[2,2],seed=5)
"""


def values(tf):
    """The names that expressions use."""
    random = np.random.RandomState(1)
    a, x, k = (tf.constant(random.rand(*s).astype("f")) for s in ([3, 4], [2, 6, 6, 3], [3, 3, 3, 2]))
    places = [[0, 0], [0, 1], [2, 0]]
    ids = tf.SparseTensor(places, tf.constant([0, 2, 1], tf.int64), [3, 2])
    weights = tf.SparseTensor(places, [0.5, 1.0, 2.0], [3, 2])
    i = tf.constant([[1, 5, 2], [7, 3, 9]])
    return {"tf": tf, "np": np, "A": a, "I": i, "X": x, "K": k, "SP": ids, "SW": weights}


def flat(value):
    if isinstance(value, (list, tuple)):
        return [leaf for item in value for leaf in flat(item)]
    return [] if value is None else [value]


def evaluate(lines):
    def program(tf):
        names = values(tf)
        found = []
        for i, line in enumerate(lines):
            with tf.name_scope(f"line{i}"):
                leaves = flat(eval(line, names))
            found.append(
                [leaves, [getattr(x, "shape", None) for x in leaves], [getattr(x, "dtype", None) for x in leaves]]
            )
        return found

    return program


@pytest.mark.parametrize("text", [MATH, ARRAY, NN_AND_RANDOM], ids=["math", "array", "nn and random"])
def test_values(text):
    lines = text.strip().splitlines()
    ours, theirs = run(tenon, evaluate(lines)), run(tensorflow(), evaluate(lines))
    wrong = []
    for line, a, b in zip(lines, ours, theirs):
        try:
            same(a, b, rtol=2e-5, atol=1e-5)
        except AssertionError as error:
            wrong.append(f"{line}: {str(error).strip()[:300]}")
    assert not wrong, "\n".join(wrong)


def test_printing(capfd):
    def program(tf):
        x = tf.constant([1.0, 2.0, 3.0, 4.0])
        with tf.Session() as session:
            session.run(tf.Print(x, [x, "text"], "seen: ", summarize=2))
            session.run(tf.print("a", x, {"k": x[0]}, [x, 2], sep="|"))
        return 0

    run(tenon, program)
    ours = capfd.readouterr().err
    run(tensorflow(), program)
    theirs = [line for line in capfd.readouterr().err.splitlines() if "seen" in line or "|" in line]
    for line in theirs:
        assert line in ours


BAD = [
    lambda tf: tf.add(tf.ones([2]), tf.ones([3])),
    lambda tf: tf.constant(1) + tf.constant(1.0),
    lambda tf: tf.matmul(tf.ones([2, 3]), tf.ones([2, 3])),
    lambda tf: tf.reshape(tf.ones([4]), [3]),
    lambda tf: tf.concat([tf.ones([1, 2]), tf.ones([1, 3])], 0),
    lambda tf: tf.expand_dims(tf.ones([1])),
    lambda tf: tf.expand_dims(tf.ones([1]), 0, dim=0),
    lambda tf: tf.split(tf.ones([4]), 3),
    lambda tf: tf.unstack(tf.placeholder(tf.float32)),
    lambda tf: tf.stack([tf.ones([1])], axis=3),
    lambda tf: tf.truediv(tf.constant(1), tf.constant(1.0)),
    lambda tf: tf.nn.sparse_softmax_cross_entropy_with_logits(labels=tf.ones([1, 2]), logits=tf.ones([1, 2])),
    lambda tf: tf.boolean_mask(tf.ones([2]), True),
    lambda tf: tf.ones([3])["a"],
    lambda tf: tf.ones([3])[1.5],
    lambda tf: tf.random_uniform([1], dtype=tf.int32),
    lambda tf: tf.nn.dropout(tf.constant([1]), 0.5),
    lambda tf: tf.add_n([]),
    lambda tf: tf.where(tf.constant([True]), 1),
    lambda tf: bool(tf.constant(True)),
    lambda tf: tf.nn.embedding_lookup([], [1]),
    lambda tf: tf.einsum("ij,jk", tf.ones([1, 2])),
    lambda tf: tf.pad(tf.ones([2]), [[1, 1]], "WRONG"),
]


@pytest.mark.parametrize("program", BAD)
def test_errors(program):
    both.error(program)


MORE = """
tf.igamma(A*8+.1,A*5)
tf.igamma([.5,1.,10.,3.],[0.,100.,9.,-1.])
tf.igammac(A*8+.1,A[::-1]*12)
tf.math.igammac(tf.constant([.5,2.,50.],tf.float64),tf.constant([.1,7.,49.],tf.float64))
tf.betainc(A*4+.1,A[::-1]*6+.1,A)
tf.math.betainc(2.,3.,[0.,.5,1.])
tf.linalg.adjoint(tf.complex(A,A))
tf.linalg.matvec(A,A[0])
tf.linalg.logdet(tf.eye(2)*3.)
tf.linalg.normalize(A,axis=1)
tf.linalg.pinv(A)
tf.sparse_matmul(A,A,transpose_b=True)
tf.nn.depthwise_conv2d_native_backprop_input([2,6,6,3],K,tf.ones([2,6,6,6]),[1,1,1,1],'SAME')
tf.nn.depthwise_conv2d_native_backprop_filter(X,[3,3,3,2],tf.ones([2,6,6,6]),[1,1,1,1],'SAME')
"""


def test_more_values():
    lines = MORE.strip().splitlines()
    both(evaluate(lines), rtol=1e-4, atol=1e-5)


def test_sampled_losses():
    def program(tf):
        w = tf.get_variable("w", [20, 4], initializer=tf.random_uniform_initializer(-1, 1, seed=1))
        b = tf.get_variable("b", [20], initializer=tf.zeros_initializer())
        x, y = values(tf)["A"], tf.constant([[1], [5], [7]], tf.int64)
        sample = tf.nn.log_uniform_candidate_sampler(y, 1, 5, True, 20, seed=3)
        nce = tf.nn.nce_loss(w, b, y, x, 5, 20, sampled_values=sample)
        softmax = tf.nn.sampled_softmax_loss(w, b, y, x, 5, 20, sampled_values=sample)
        hits = tf.nn.nce_loss(w, b, y, x, 5, 20, sampled_values=sample, remove_accidental_hits=True)
        gradient = tf.convert_to_tensor(tf.gradients(tf.reduce_mean(nce), [w])[0])
        return [nce, softmax, hits, gradient]

    both(program)
