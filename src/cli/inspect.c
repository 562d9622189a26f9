/* `tenon inspect`: what is in a checkpoint or a graph. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/cli.h"
#include "io/file.h"
#include "tensor/tensor.h"

/* Text that may hold anything, as a JSON string. */
static void print_json(const char *text) {
  putchar('"');
  for (; *text; text++) {
    if (*text == '"' || *text == '\\')
      printf("\\%c", *text);
    else if ((unsigned char)*text < 32)
      printf("\\u%04x", *text);
    else
      putchar(*text);
  }
  putchar('"');
}

static void print_json_shape(const tn_shape *shape) {
  if (shape->rank < 0) {
    printf("null");
    return;
  }
  for (int i = 0; i < shape->rank; i++) printf("%c%lld", i ? ',' : '[', (long long)shape->dims[i]);
  printf(shape->rank ? "]" : "[]");
}

static int show_checkpoint(const char *prefix, bool json) {
  tn_checkpoint *c;
  tn_error *error = tn_checkpoint_open(prefix, &c);
  if (error) return cli_fail(error);
  double total = 0;
  char text[32];
  if (!json) printf("%-44s %-10s %-18s %10s\n", "tensor", "dtype", "shape", "bytes");
  for (size_t i = 0; i < tn_checkpoint_size(c); i++) {
    tn_shape shape = tn_checkpoint_shape(c, i);
    tn_dtype dtype = tn_checkpoint_dtype(c, i);
    double bytes = (double)tn_shape_elements(&shape) * (double)tn_dtype_size(dtype);
    total += bytes;
    if (json) {
      printf("{\"tensor\":");
      print_json(tn_checkpoint_name(c, i));
      printf(",\"dtype\":\"%s\",\"shape\":", tn_dtype_name(dtype));
      print_json_shape(&shape);
      printf(",\"slices\":%zu}\n", tn_checkpoint_slices(c, i));
    } else {
      printf("%-44s %-10s %-18s %10s\n", tn_checkpoint_name(c, i), tn_dtype_name(dtype), TN_SHAPE_STR(&shape),
             dtype == TN_STRING ? "-" : cli_bytes(bytes, text));
    }
  }
  if (!json) printf("%zu tensors, %s\n", tn_checkpoint_size(c), cli_bytes(total, text));
  tn_checkpoint_close(c);
  return CLI_OK;
}

static void show_node(const tn_node *node, bool json) {
  if (json) {
    printf("{\"node\":");
    print_json(tn_node_name(node));
    printf(",\"op\":\"%s\",\"inputs\":%d,\"outputs\":[", tn_node_op(node), tn_node_n_inputs(node));
  } else {
    printf("%-36s %-20s", tn_node_name(node), tn_node_op(node));
  }
  for (int i = 0; i < tn_node_n_outputs(node); i++) {
    tn_output output = {(tn_node *)node, i};
    tn_shape shape = tn_output_shape(output);
    if (json) {
      printf("%s{\"dtype\":\"%s\",\"shape\":", i ? "," : "", tn_dtype_name(tn_output_dtype(output)));
      print_json_shape(&shape);
      putchar('}');
    } else {
      printf("%s%s %s", i ? ", " : " ", tn_dtype_name(tn_output_dtype(output)), TN_SHAPE_STR(&shape));
    }
  }
  puts(json ? "]}" : "");
  for (int i = 0; !json && i < tn_node_n_inputs(node); i++) {
    tn_output input = tn_node_input_at(node, i);
    printf("    %s:%d\n", tn_node_name(input.node), input.index);
  }
}

static int show_graph(const char *path, bool json) {
  char *bytes;
  size_t size;
  tn_graph *graph = NULL;
  tn_error *error = tn_file_read(path, &bytes, &size);
  if (error) return cli_fail(error);
  error = tn_graph_new(&graph);
  if (!error) error = tn_error_context(tn_graph_import(graph, bytes, size, NULL), "'%s'", path);
  tn_free(bytes);
  if (!error) {
    for (size_t i = 0; i < tn_graph_n_nodes(graph); i++) show_node(tn_graph_node(graph, i), json);
    if (!json) printf("%zu nodes\n", tn_graph_n_nodes(graph));
  }
  tn_graph_free(graph);
  return error ? cli_fail(error) : CLI_OK;
}

static void show_tensors(const char *kind, size_t n, const tn_signature_tensor *tensors) {
  for (size_t i = 0; i < n; i++) {
    printf("    %-7s %-26s %-8s %-18s %s\n", kind, tensors[i].key, tn_dtype_name(tensors[i].dtype),
           TN_SHAPE_STR(&tensors[i].shape), tensors[i].name);
  }
}

static void print_json_tensors(const char *kind, size_t n, const tn_signature_tensor *tensors) {
  printf(",\"%s\":{", kind);
  for (size_t i = 0; i < n; i++) {
    if (i) putchar(',');
    print_json(tensors[i].key);
    printf(":{\"tensor\":");
    print_json(tensors[i].name);
    printf(",\"dtype\":\"%s\",\"shape\":", tn_dtype_name(tensors[i].dtype));
    print_json_shape(&tensors[i].shape);
    putchar('}');
  }
  putchar('}');
}

static void show_signature(const char *tags, const tn_signature *s, bool json) {
  if (!json) {
    printf("  %s%s%s\n", s->key, s->method[0] ? ": " : "", s->method);
    show_tensors("input", s->n_inputs, s->inputs);
    show_tensors("output", s->n_outputs, s->outputs);
    return;
  }
  printf("{\"tags\":");
  print_json(tags);
  printf(",\"signature\":");
  print_json(s->key);
  printf(",\"method\":");
  print_json(s->method);
  print_json_tensors("inputs", s->n_inputs, s->inputs);
  print_json_tensors("outputs", s->n_outputs, s->outputs);
  puts("}");
}

static int show_saved_model(const char *folder, bool json) {
  tn_saved_model *m;
  tn_error *error = tn_saved_model_open(folder, &m);
  if (error) return cli_fail(error);
  for (size_t i = 0; i < tn_saved_model_n_graphs(m); i++) {
    const char *tags = tn_saved_model_tags(m, i);
    if (!json) printf("graph tagged '%s'\n", tags);
    for (size_t j = 0; j < tn_saved_model_n_signatures(m, i); j++)
      show_signature(tags, tn_saved_model_signature(m, i, j), json);
  }
  tn_saved_model_free(m);
  return CLI_OK;
}

/* PATH without ".index" or ".data-..." at its end, if it has one of these; free with free(). */
static char *checkpoint_prefix(const char *path) {
  char *prefix = strdup(path);
  if (!prefix) return NULL;
  size_t size = strlen(prefix);
  char *data = strstr(prefix, ".data-");
  if (size > 6 && !strcmp(prefix + size - 6, ".index"))
    prefix[size - 6] = 0;
  else if (data)
    *data = 0;
  return prefix;
}

static bool is_checkpoint(const char *prefix) {
  char index[4096];
  snprintf(index, sizeof index, "%s.index", prefix);
  return tn_file_exists(index);
}

static int run(const cli_command *command, int argc, char **argv) {
  bool json = false;
  const cli_option options[] = {{"json", CLI_FLAG, &json, NULL, "one JSON object a line"}, {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n != 1) return cli_usage(command, "expected one path, not %d", n);
  tn_file_info info = {0};
  tn_error *error = tn_path_stat(argv[0], &info);
  tn_error_free(error);
  if (info.folder) return show_saved_model(argv[0], json);
  char *prefix = checkpoint_prefix(argv[0]);
  if (!prefix) return cli_fail(tn_out_of_memory());
  code = is_checkpoint(prefix) ? show_checkpoint(prefix, json) : show_graph(argv[0], json);
  free(prefix);
  return code;
}

const cli_command cli_inspect = {
    .name = "inspect",
    .arguments = "PATH [--json]",
    .summary = "Show what is in a checkpoint, a SavedModel or a serialised graph.",
    .details = "PATH is the prefix of a checkpoint (or one of its files), the folder of a SavedModel, whose graphs and "
               "signatures\n"
               "are shown, or a GraphDef in binary form.",
    .run = run,
};
