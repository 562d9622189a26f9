/* The names of the methods, as they go over the wire. */
#ifndef TN_CLUSTER_METHODS_H
#define TN_CLUSTER_METHODS_H

#define TN_MASTER_SERVICE "/tensorflow.MasterService/"
#define TN_WORKER_SERVICE "/tensorflow.WorkerService/"
/* What Tenon's workers say to each other. */
#define TN_TENON_SERVICE "/tenon.WorkerService/"

/* What the description of a device begins with where its task is Tenon's, and what it is in whole: the number is that
 * of the words that tasks have for each other alone, and goes up whenever those change. */
#define TN_TENON_DEVICE   "Tenon"
#define TN_TENON_PROTOCOL TN_TENON_DEVICE ", protocol 1"

#define TN_RECV_TENSORS TN_TENON_SERVICE "RecvTensors"

#endif
