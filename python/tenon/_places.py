"""Where the contents of TensorFlow 1.x's own modules lie that have no module of that name here.

Programs reach into those modules (`tensorflow.python.ops.rnn_cell`, `tensorflow.contrib.slim.python.slim.nets.vgg`).
A line of the table has a module's place there and the modules or namespaces here in which its names are looked for;
`{a,b}` stands for one line each, `*` for the folder itself.
"""

import re
from importlib import import_module
from importlib.machinery import ModuleSpec
from types import ModuleType

_ROOT = "tenon"

_TABLE = """
python.client.pywrap_tf_session                                         _core
python.data.experimental.ops.{batching,cardinality,counter,enumerate_ops,error_ops,get_single_element,grouping}  data.experimental
python.data.experimental.ops.{interleave_ops,optimization,prefetching_ops,random_ops,resampling,scan_ops}        data.experimental
python.data.experimental.ops.{shuffle_ops,stats_ops,take_while_ops,unique,parsing_ops,iterator_ops}              data.experimental
python.eager.{function,core,ops,wrap_function,execute}                  python.eager.def_function python.eager.context python.framework.ops
python.feature_column.feature_column_v2                               feature_column python.feature_column.base python.feature_column.feature_column python.feature_column.dense python.feature_column.categorical python.feature_column.learnt python.feature_column.sequence
python.framework.{errors_impl,error_interpolation}                      python.framework.errors
python.framework.{graph_util_impl,convert_to_constants}                 python.framework.graph_util
python.framework.graph_io                                               python.training.training_util
python.framework.smart_cond                                             python.layers.utils
python.framework.tensor_conversion_registry                             python.framework.ops
python.framework.{device_spec,none_tensor,stack}                        python.framework.device python.framework.ops
keras.backend.{tensorflow_backend,load_backend,common}                  keras.backend python.keras.backend
keras.objectives                                                        keras.losses
keras.engine.{network,training,sequential,saving,base_layer,input_layer} python.keras.engine.= keras.models keras
keras.utils.{layer_utils,conv_utils,tf_utils}                           python.keras.utils.= keras.utils
{,python.}keras.utils.vis_utils                                         keras.utils
python.keras._impl.keras                                                keras
python.keras._impl.keras.{layers,models,optimizers,losses,metrics,callbacks,utils,regularizers,initializers}    keras.=
python.keras._impl.keras.{activations,constraints,backend,applications,preprocessing,datasets,engine}           keras.=
contrib.keras.python.keras.engine                                       keras.engine keras
{contrib.keras.python.keras,python.keras._impl.keras}.engine.{topology,training} keras.engine.topology keras.models keras.engine.training
keras.legacy.interfaces                                                 python.keras.utils.legacy
python.keras.models                                                     keras.models keras
python.keras.engine.{topology,input_spec,functional,training_v1}        keras.engine.topology keras.models keras.engine.training
{python.,}keras.layers.{noise,kernelized,cudnn_recurrent,serialization,recurrent_v2,normalization_v2} keras.layers
python.keras.optimizer_v2.{adam,adagrad,rmsprop,gradient_descent,optimizer_v2} keras.optimizers
python.lib.core.error_codes_pb2                                         core.lib.core.error_codes_pb2
python.lib.io.python_io                                                 python_io
python.ops.gen_{array,math,nn,image,io,data_flow,state,random,control_flow,logging,parsing,string,linalg}_ops  python.ops.gen_ops
python.ops.gen_{sparse,dataset,resource_variable,ctc,candidate_sampling,lookup,user,functional,audio,bitwise}_ops python.ops.gen_ops
python.ops.gen_{spectral,manip,script,set,list,checkpoint,summary,rnn,stateless_random,sdca,word2vec,boosted_trees}_ops python.ops.gen_ops
python.training.{gen_training_ops,training_ops}                         python.ops.gen_ops
python.ops.rnn_cell                                                     nn.rnn_cell python.ops.rnn_cell_impl contrib.rnn
python.ops.seq2seq                                                      nn.seq2seq contrib.legacy_seq2seq
python.ops.gradients                                                    python.ops.gradients_impl
python.ops.{gradients_util,unconnected_gradients}                       python.ops.gradients_impl
python.ops.image_ops_impl                                               image python.ops.image_ops
python.ops.standard_ops                                                 *
python.ops.{sets,bitwise_ops,manip_ops,bincount_ops,while_loop}         * sets bitwise manip
python.ops.{control_flow_switch_case,control_flow_v2_toggles,resource_variables_toggle,ref_variable,variable_v1} *
python.ops.signal.{fft_ops,signal,window_ops,spectral_ops,mel_ops,mfcc_ops,dct_ops,shape_ops,reconstruction_ops} signal spectral
python.ops.distributions.{bernoulli,beta,categorical,dirichlet,dirichlet_multinomial,distribution}      distributions
python.ops.distributions.{distributions,exponential,gamma,kullback_leibler,laplace,multinomial,normal,student_t,uniform} distributions
python.ops.summary_ops_v2                                               contrib.summary
python.ops.{linalg,linalg.linalg,linalg.linalg_impl}                    linalg
python.ops.linalg.linear_operator{,_adjoint,_block_diag,_circulant,_composition,_diag,_full_matrix,_householder}  linalg
python.ops.linalg.linear_operator_{identity,inversion,kronecker,low_rank_update,lower_triangular,toeplitz,zeros}  linalg
python.platform.{sysconfig,build_info}                                  sysconfig
python.saved_model.{main_op,main_op_impl}                               saved_model.main_op
python.saved_model.simple_save                                          saved_model
python.training.training                                                train
python.training.checkpoint_state_pb2                                    train
python.training.{checkpointable,tracking}.{base,util,tracking}          train contrib.checkpoint
python.checkpoint.{checkpoint,checkpoint_management}                    train
python.user_ops.user_ops                                                user_ops python.ops.gen_ops
python.util.tf_contextlib                                               python.util.tf_decorator
contrib.{layers,framework,rnn,slim,seq2seq,legacy_seq2seq,losses,metrics,training,data,learn,lookup,crf,opt,image}.python *
contrib.{cudnn_rnn,distributions,tensorboard,util,eager,keras,nn,estimator,summary,predictor,staging,quantize}.python     *
contrib.{rnn,framework,seq2seq,legacy_seq2seq,metrics,data,lookup,crf,image,cudnn_rnn,distributions,nn,layers}.python.ops *
contrib.rnn.python.ops.{core_rnn,core_rnn_cell,core_rnn_cell_impl,rnn,rnn_cell,fused_rnn_cell,lstm_ops,gru_ops} contrib.rnn contrib.rnn.core_rnn_cell python.ops.rnn_cell_impl nn.rnn_cell nn
contrib.layers.python.layers                                            contrib.layers
contrib.layers.python.layers.{layers,initializers,regularizers,optimizers,summaries,embedding_ops,encoders}     contrib.layers
contrib.layers.python.layers.{feature_column,feature_column_ops,normalization,target_column,rev_block_lib}      contrib.layers
contrib.layers.python.layers.utils                                      contrib.layers.utils
contrib.layers.python.ops.{sparse_ops,sparse_feature_cross_op,bucketization_op} contrib.layers
contrib.framework.python.framework                                      contrib.framework
contrib.framework.python.framework.{checkpoint_utils,tensor_util,experimental,graph_util}  contrib.framework python.training.checkpoint_utils
contrib.framework.python.ops.{arg_scope,variables,ops,audio_ops,checkpoint_ops,sort_ops,critical_section_ops,prettyprint_ops} contrib.framework
contrib.slim.python.slim                                                contrib.slim
contrib.slim.python.slim.{learning,evaluation,model_analyzer,queues,summaries} contrib.slim.=
contrib.slim.python.slim.nets                                           contrib.slim.nets
contrib.slim.python.slim.nets.{alexnet,inception,lenet,overfeat,resnet_utils,resnet_v1,resnet_v2,vgg} contrib.slim.nets.=
contrib.slim.{,python.slim.}nets.{inception_v1,inception_v2,inception_v3,inception_v4}     contrib.slim.nets.inception
contrib.slim.{,python.slim.}data                                        contrib.slim
contrib.slim.{,python.slim.}data.{data_decoder,data_provider,dataset,dataset_data_provider}     contrib.slim.= contrib.slim
contrib.slim.{,python.slim.}data.{parallel_reader,prefetch_queue,tfexample_decoder}             contrib.slim.= contrib.slim
contrib.seq2seq.python.ops.attention_wrapper                            contrib.seq2seq contrib.seq2seq.attention_mechanisms contrib.seq2seq.=
contrib.seq2seq.python.ops.{basic_decoder,decoder,helper,beam_search_decoder,loss,beam_search_ops} contrib.seq2seq contrib.seq2seq.= python.ops.rnn
contrib.legacy_seq2seq.python.ops.seq2seq                               contrib.legacy_seq2seq
contrib.losses.python.{losses,losses.loss_ops,metric_learning,metric_learning.metric_loss_ops} contrib.losses contrib.losses.metric_learning
contrib.metrics.python.{metrics,metrics.classification}                 contrib.metrics
contrib.metrics.python.ops.{metric_ops,confusion_matrix_ops,set_ops,histogram_ops} contrib.metrics
contrib.training.python.training                                        contrib.training
contrib.training.python.training.{training,evaluation,hparam,bucket_ops,sampling_ops,resample,sequence_queueing_state_saver,device_setter} contrib.training
contrib.data.python.ops.{dataset_ops,batching,sliding,grouping,interleave_ops,iterator_ops,readers,resampling} contrib.data data
contrib.data.python.ops.{scan_ops,shuffle_ops,unique,error_ops,counter,enumerate_ops,get_single_element,prefetching_ops,random_ops} contrib.data data
contrib.learn.python.learn                                              contrib.learn
contrib.learn.{,python.learn.}datasets                                  contrib.learn.datasets contrib.learn
contrib.learn.{,python.learn.}datasets.{mnist,base,synthetic}           contrib.learn.datasets.= contrib.learn.datasets examples.tutorials.mnist.input_data
contrib.learn.{,python.learn.}estimators                                contrib.learn.estimators contrib.learn
contrib.learn.python.learn.estimators.{model_fn,run_config,estimator,head,dnn,linear,dnn_linear_combined,constants} contrib.learn
contrib.learn.python.learn.estimators.{prediction_key,metric_key,kmeans,svm,logistic_regressor,state_saving_rnn_estimator} contrib.learn
contrib.learn.{,python.learn.}{learn_runner,monitors,preprocessing,utils,ops,graph_actions,learn_io,experiment,metric_spec} contrib.learn.= contrib.learn
contrib.learn.python.learn.{export_strategy,trainable,evaluable,models}             contrib.learn
contrib.learn.python.learn.{basic_session_run_hooks,session_run_hook}   train
contrib.learn.python.learn.preprocessing.{text,categorical,categorical_vocabulary} contrib.learn.preprocessing
contrib.lookup.lookup_ops                                               contrib.lookup
contrib.crf.python.ops.crf                                              contrib.crf
contrib.opt.python.training                                             contrib.opt
contrib.opt.python.training.{external_optimizer,lazy_adam_optimizer,nadam_optimizer,moving_average_optimizer,lars_optimizer} contrib.opt
contrib.image.python.ops.{image_ops,dense_image_warp}                   contrib.image
contrib.cudnn_rnn.python.{ops.cudnn_rnn_ops,layers,layers.cudnn_rnn}    contrib.cudnn_rnn
contrib.distributions.python.ops.{normal,categorical,bernoulli,uniform,mvn_diag,gamma,beta,dirichlet,poisson,mixture} contrib.distributions distributions
contrib.eager.python.{tfe,datasets,metrics,metrics_impl,saver,network}  contrib.eager contrib.eager.metrics
contrib.signal                                                          signal
contrib.signal.python                                                   signal
contrib.signal.python.ops.{mel_ops,mfcc_ops,reconstruction_ops,shape_ops,spectral_ops,window_ops} signal
contrib.cluster_resolver.python.training.{cluster_resolver,tpu_cluster_resolver,tfconfig_cluster_resolver} contrib.cluster_resolver
contrib.tpu.python.tpu.{tpu_estimator,tpu_config,tpu_optimizer,tpu,bfloat16} contrib.tpu
python.tpu.{tpu_estimator,tpu_config,tpu_optimizer,tpu,bfloat16}        contrib.tpu
python.training.checkpointable.{checkpointable,data_structures}         python.training.tracking.tracking
contrib.nn.python.ops.{sampling_ops,alpha_dropout,cross_entropy}        contrib.nn
contrib.staging.python.staging                                          contrib.staging
contrib.summary.summary_ops                                             contrib.summary
contrib.tensorboard.python.plugins.projector                            contrib.tensorboard.plugins.projector
contrib.keras                                                           keras
contrib.keras.{api,python.keras,api.keras}                              keras
contrib.keras.{,python.keras.,api.keras.}{layers,models,utils,optimizers,losses,metrics,callbacks,datasets,backend} keras.=
contrib.keras.{,python.keras.,api.keras.}{preprocessing,applications,activations,constraints,initializers,regularizers} keras.=
contrib.keras.{,python.keras.,api.keras.}preprocessing.{image,sequence,text} keras.preprocessing.=
models.rnn.{rnn_cell,rnn,seq2seq,linear}                                nn.rnn_cell python.ops.rnn_cell_impl nn.seq2seq contrib.legacy_seq2seq nn
user_ops                                                                python.ops.gen_ops
"""  # fmt: skip  # noqa: E501


def _spread(text):
    """The texts that TEXT with {a,b} stands for."""
    match = re.search(r"\{([^}]*)\}", text)
    if match is None:
        return [text]
    return [whole for part in match.group(1).split(",")
            for whole in _spread(text[: match.start()] + part + text[match.end() :])]  # fmt: skip


_places = {}


def places():
    """{module of TensorFlow 1.x: the modules here that have its names}."""
    if not _places:
        for line in filter(None, _TABLE.split("\n")):
            pattern, *targets = line.split()
            for name in _spread(pattern):
                last, outer = name.rpartition(".")[2], name.partition(".python")[0]
                star = outer if name.startswith("contrib.") else ""
                homes = [star if t == "*" else t.replace("=", last) for t in targets]
                _places[name] = [home for home in homes if home != name]
        for name in list(_places):
            while "." in name:
                name = name.rpartition(".")[0]
                _places.setdefault(name, [])
    return _places


class Place(ModuleType):
    """A module that finds its names in others."""

    stand_in = None  # what a module whose contents are nowhere has instead of a name, if anything

    def __init__(self, name, targets):
        super().__init__(name, f"What TensorFlow 1.x has in {name[len(_ROOT) + 1 :]}.")
        self.__dict__["_targets"] = targets

    def _homes(self):
        for target in self._targets:
            try:
                yield import_module(f"{_ROOT}.{target}" if target else _ROOT)
            except ModuleNotFoundError as error:
                if not f"{_ROOT}.{target}.".startswith(f"{error.name}."):
                    raise

    def __getattr__(self, name):
        if name[:2] != "__":
            for home in self._homes():
                try:
                    value = getattr(home, name)
                except AttributeError:
                    continue
                from tenon.python.util.dispatch import of_module

                return of_module(home.__name__, name, value)
            inner = f"{self.__name__[len(_ROOT) + 1 :]}.{name}"
            if self.stand_in and not self._targets and inner not in places():
                return self.stand_in(name)
        elif name == "__all__":
            return [name for name in dir(self) if name[0] != "_"]
        raise AttributeError(f"module '{self.__name__}' has no attribute '{name}'")

    def __setattr__(self, name, value):
        # A module in this one does not hide a function of its name, as `arg_scope` is.
        if isinstance(value, Place) and any(callable(getattr(home, name, None)) for home in self._homes()):
            return
        super().__setattr__(name, value)

    def __dir__(self):
        return sorted({*self.__dict__, *(name for home in self._homes() for name in dir(home))})


class _Loader:
    @staticmethod
    def create_module(spec):
        return Place(spec.name, places()[spec.name[len(_ROOT) + 1 :]])

    @staticmethod
    def exec_module(module):
        """Nothing: its names are looked for when they are asked for."""


def find_spec(name):
    """How the module called NAME is made if the table has it and there is one that it stands for, else None."""
    homes = places().get(name[len(_ROOT) + 1 :])
    if homes is None or (homes and next(Place(name, homes)._homes(), None) is None):
        return None
    return ModuleSpec(name, _Loader, is_package=True)
