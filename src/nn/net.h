/* Networks from the inside: what the files that build layers share. */
#ifndef TN_NN_NET_H
#define TN_NN_NET_H

#include <tenon/nn.h>

#include "base/map.h"
#include "base/str.h"
#include "graph/build.h"

/* Nodes or outputs in a growing array. */
typedef struct tn_output_list {
  size_t n, capacity;
  tn_output *items;
} tn_output_list;

struct tn_net {
  tn_graph *graph;
  tn_scope scope; /* builds nodes; its error is the network's */
  bool training, reuse, averages;
  int depth; /* name scopes that are open */
  size_t n_variables, variable_capacity;
  tn_net_variable *variables;
  tn_map *by_name;      /* name to index + 1 */
  tn_map *average_of;   /* name of a variable to index + 1 of its moving average */
  tn_map *layer_counts; /* base name of layers to how many there were */
  tn_output_list updates, penalties;
  struct tn_net_servers *servers; /* where variables go; NULL: nowhere special */
  bool pinned;                    /* they go where the device scope says all the same */
};

/* --- building with names --- */
/* As a node's name: the name of the scope that is open, as TensorFlow names the last node of a composed operation. */
#define TN_AS_SCOPE "/"
/* A node of type OP called NAME (NULL: OP) in the current scope; its output 0. */
tn_output tn_net_op(tn_net *net, const char *op, const char *name, const tn_output *inputs, const tn_named_attr *attrs);
/* Constants called NAME. */
tn_output tn_net_scalar(tn_net *net, const char *name, tn_dtype dtype, double value);
tn_output tn_net_ints(tn_net *net, const char *name, int n, const int64_t *values); /* an int32 vector */
/* Opens a name scope; a name that ends in '/' is absolute. Every push has its pop; an error closes them all. */
void tn_net_push(tn_net *net, const char *name);
void tn_net_pop(tn_net *net);
/* Makes an error of the network. */
void tn_net_failf(tn_net *net, tn_code code, const char *format, ...) TN_PRINTF(3, 4);
static inline bool tn_net_failed(const tn_net *net) { return net->scope.error != NULL; }
/* Appends; out of memory becomes the network's error. */
void tn_net_append(tn_net *net, tn_output_list *list, tn_output item);

/* --- variables --- */
/* A variable that is VALUE at first, made in the root scope whatever scope is open. */
tn_output tn_net_variable_of(tn_net *net, const char *name, tn_output value, bool trainable);
/* The value of INITIALIZER (never the default one) for the variable NAME, and the scope that its nodes lie in. */
tn_output tn_net_initial(tn_net *net, const char *name, tn_dtype dtype, const tn_shape *shape,
                         const tn_initializer *initializer);
/* Opens the device scope of the next parameter server, for a variable of N_BYTES; false: none was opened. */
bool tn_net_push_server(tn_net *net, int64_t n_bytes);
/* Opens VARIABLE's own; false after an error. tn_graph_pop_device leaves either. */
bool tn_net_push_device_of(tn_net *net, const tn_net_variable *variable);
/* Zeros or another number in every element. */
tn_output tn_net_filled(tn_net *net, const char *name, tn_dtype dtype, const tn_shape *shape, double value);
const tn_net_variable *tn_net_variable_behind(const tn_net *net, tn_output read);
/* Records that the variable AVERAGE stands in for the variable NAME in copies that evaluate. */
void tn_net_set_average(tn_net *net, const char *name, const char *average);

/* --- layers --- */
/* The name of a layer, "dense_1": OPTIONS' or the base name and a number. Opens its name scope. */
void tn_net_open_layer(tn_net *net, const char *base, const tn_layer_options *options, char name[64]);
/* The variable PART of the layer NAME. */
tn_output tn_net_layer_variable(tn_net *net, const char *layer, const char *part, const tn_shape *shape,
                                tn_initializer initializer);

#endif
