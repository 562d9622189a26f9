/* Groups of nodes that share a device: merging names, resources, colocation. */
#include "compile/place_groups.h"

#include <string.h>

#include "base/str.h"

static const tn_device_spec nothing = {.replica = -1, .task = -1, .index = -1};

/* --- device names --- */

static bool numbers_agree(int a, int b) { return a < 0 || b < 0 || a == b; }
static bool words_agree(const char *a, const char *b) { return !a[0] || !b[0] || strcmp(a, b) == 0; }

static bool compatible(const tn_device_spec *a, const tn_device_spec *b) {
  return words_agree(a->job, b->job) && numbers_agree(a->replica, b->replica) && numbers_agree(a->task, b->task) &&
         words_agree(a->type, b->type) && numbers_agree(a->index, b->index);
}

static tn_error *dont_merge(const char *what, const tn_device_spec *a, const tn_device_spec *b) {
  char first[TN_DEVICE_TEXT], second[TN_DEVICE_TEXT];
  return tn_errorf(TN_INVALID_ARGUMENT, "Cannot merge devices with incompatible %s: '%s' and '%s'", what,
                   tn_device_text(a, first), tn_device_text(b, second));
}

/* Adds to BASE what OTHER sets, part by part. Where they disagree about a type or a number, soft merging leaves it
 * open.
 */
static tn_error *merge_names(tn_device_spec *base, const tn_device_spec *other, bool soft) {
  tn_device_spec merged = *base;
  if (!words_agree(base->job, other->job)) return dont_merge("jobs", &merged, other);
  if (other->job[0]) memcpy(merged.job, other->job, sizeof merged.job);
  if (!numbers_agree(base->replica, other->replica)) return dont_merge("replicas", &merged, other);
  if (other->replica >= 0) merged.replica = other->replica;
  if (!numbers_agree(base->task, other->task)) return dont_merge("tasks", &merged, other);
  if (other->task >= 0) merged.task = other->task;
  bool types = words_agree(base->type, other->type), numbers = numbers_agree(base->index, other->index);
  if (!types && !soft) return dont_merge("types", &merged, other);
  if (other->type[0]) memcpy(merged.type, other->type, sizeof merged.type);
  if (types && !numbers && !soft) return dont_merge("ids", &merged, other);
  if (other->index >= 0) merged.index = other->index;
  if (!types) merged.type[0] = 0;
  if (!types || !numbers) merged.index = -1;
  *base = merged;
  return NULL;
}

/* --- the forest --- */

int tn_place_root(tn_placer *p, int id) {
  int root = id;
  while (p->groups[root].parent != root) root = p->groups[root].parent;
  while (p->groups[id].parent != root) {
    int up = p->groups[id].parent;
    p->groups[id].parent = root;
    id = up;
  }
  return root;
}

bool tn_place_supports(const tn_placer *p, const tn_place_group *group, const tn_device_spec *device) {
  for (int t = 0; t < p->n_types; t++) {
    if (strcmp(p->types[t], device->type) == 0) return group->types >> t & 1;
  }
  return false;
}

/* Says which ops of the group stand in the way. */
void tn_place_describe_group(tn_placer *p, int id, tn_str *out) {
  int root = tn_place_root(p, id);
  const tn_place_group *group = &p->groups[root];
  char requested[TN_DEVICE_TEXT], assigned[TN_DEVICE_TEXT], resource[TN_DEVICE_TEXT];
  tn_str_addf(out,
              "\nColocation Debug Info:\nColocation group had the following types and supported devices: \nRoot "
              "Member(requested_device_name_='%s' assigned_device_name_='%s' resource_device_name_='%s' "
              "supported_device_types_=[",
              tn_device_text(&group->requested, requested), tn_device_text(&group->assigned, assigned),
              tn_device_text(&group->resource, resource));
  bool first = true;
  for (int t = 0; t < p->n_types; t++) {
    if (!(group->types >> t & 1)) continue;
    tn_str_addf(out, first ? "%s" : ", %s", p->types[t]);
    first = false;
  }
  tn_str_add(out, "])\n\nColocation members, user-requested devices, and framework assigned devices, if any:");
  for (int i = 0; i < p->request->n_nodes; i++) {
    if (tn_place_root(p, i) != root) continue;
    const tn_node *node = tn_graph_node(p->request->graph, (size_t)i);
    tn_str_addf(out, "\n  %s (%s) %s", node->name, node->op->name, node->device);
  }
  tn_str_add(out, "\n");
}

/* The error for two nodes whose ops have no device type in common. */
static tn_error *no_common_type(tn_placer *p, const tn_node *x, const tn_node *y) {
  tn_str text = {0};
  tn_place_describe_group(p, x->id, &text);
  tn_place_describe_group(p, y->id, &text);
  tn_error *error = tn_errorf(TN_INVALID_ARGUMENT,
                              "Cannot colocate nodes {{colocation_node %s}} and {{colocation_node %s}} because no "
                              "device type supports both of those nodes and the other nodes colocated with them.%s",
                              x->name, y->name, text.data ? text.data : "");
  tn_str_clear(&text);
  return error;
}

/* Joins the groups of X and Y; on an error nothing has changed. */
static tn_error *colocate(tn_placer *p, const tn_node *x, const tn_node *y) {
  int a = tn_place_root(p, x->id), b = tn_place_root(p, y->id);
  if (a == b) return NULL;
  bool grows = p->groups[a].rank == p->groups[b].rank;
  int into = p->groups[a].rank < p->groups[b].rank ? b : a, gone = into == a ? b : a;
  tn_place_group merged = p->groups[into];
  const tn_place_group *other = &p->groups[gone];
  tn_error *error = merge_names(&merged.assigned, &other->assigned, false);
  if (!error) error = merge_names(&merged.resource, &other->resource, false);
  if (!error) error = merge_names(&merged.requested, &other->requested, p->request->soft);
  if (error) {
    return tn_error_context(error, "Cannot colocate nodes {{colocation_node %s}} and {{colocation_node %s}}", x->name,
                            y->name);
  }
  tn_device_merge(&merged.requested, &merged.assigned);
  tn_device_merge(&merged.requested, &merged.resource);
  merged.types &= other->types;
  if (!merged.types) return no_common_type(p, x, y);
  merged.rank += grows;
  p->groups[into] = merged;
  p->groups[gone].parent = into;
  return NULL;
}

void tn_place_bind(tn_placer *p, int id, int device) {
  tn_place_group *group = &p->groups[tn_place_root(p, id)];
  group->assigned = group->resource = group->requested = p->request->devices->devices[device];
}

/* --- what the nodes say --- */

static bool makes_resource(const tn_node *node) {
  return node->n_inputs == 0 && node->n_outputs == 1 &&
         (tn_dtype_is_ref(node->output_types[0]) || node->output_types[0] == TN_RESOURCE);
}

static tn_error *begin_group(tn_placer *p, const tn_node *node) {
  tn_place_group *group = &p->groups[node->id];
  *group = (tn_place_group){.parent = node->id, .requested = nothing, .assigned = nothing, .resource = nothing};
  const tn_device_set *set = p->request->devices;
  for (int t = 0; t < p->n_types; t++) {
    bool supported = set->supports ? set->supports(node, p->types[t]) : strcmp(p->types[t], "CPU") == 0;
    if (supported) group->types |= 1u << t;
  }
  const int *kept = p->request->kept;
  if (kept && kept[node->id] >= 0) {
    tn_place_bind(p, node->id, kept[node->id]);
    return NULL;
  }
  TN_TRY(tn_device_parse(node->device, &group->requested));
  if (makes_resource(node)) group->resource = group->requested;
  return NULL;
}

/* DST works on the variable or resource that SRC hands it, and so gives up a device that SRC's group can't have. */
static tn_error *follow_resource(tn_placer *p, const tn_node *src, const tn_node *dst) {
  const tn_place_group *from = &p->groups[tn_place_root(p, src->id)];
  tn_place_group *to = &p->groups[tn_place_root(p, dst->id)];
  const char *what = compatible(&from->assigned, &to->assigned) ? NULL : "assigned";
  const tn_device_spec *a = &from->assigned, *b = &to->assigned;
  if (!what && !compatible(&from->resource, &to->resource)) {
    what = "resource";
    a = &from->resource;
    b = &to->resource;
  }
  if (what) {
    char first[TN_DEVICE_TEXT], second[TN_DEVICE_TEXT];
    return tn_errorf(TN_INVALID_ARGUMENT,
                     "Cannot place the graph because a reference or resource edge connects colocation groups with "
                     "incompatible %s devices: %s vs %s. The edge src node is %s , and the dst node is %s",
                     what, tn_device_text(a, first), tn_device_text(b, second), src->name, dst->name);
  }
  if (!compatible(&from->requested, &to->requested)) {
    to->requested = from->requested;
    tn_device_merge(&to->requested, &to->assigned);
    tn_device_merge(&to->requested, &to->resource);
  }
  tn_error *error = colocate(p, src, dst);
  return tn_error_context(error,
                          "Nodes were connected by a reference or resource connection (requiring them to be on the "
                          "same device), but the two nodes were assigned two different devices");
}

/* "MapDataset", "BatchDatasetV2": what hands on a dataset. */
static bool is_dataset(const tn_node *node) {
  const char *name = node->op->name;
  size_t size = strlen(name);
  if (size > 2 && name[size - 2] == 'V') size -= 2;
  return size >= 7 && memcmp(name + size - 7, "Dataset", 7) == 0;
}

/* A called function's nodes have devices of their own. */
static bool passes_resources_on(const tn_node *node) {
  static const char *const ops[] = {"PartitionedCall", "StatefulPartitionedCall", "ReduceDataset"};
  for (size_t i = 0; i < sizeof ops / sizeof *ops; i++) {
    if (strcmp(node->op->name, ops[i]) == 0) return true;
  }
  return false;
}

static tn_error *follow_resources(tn_placer *p, const tn_node *node) {
  for (int i = 0; i < node->n_inputs; i++) {
    const tn_node *src = node->inputs[i].node;
    if (!src || src->id >= p->request->n_nodes) continue;
    bool resource = node->input_types[i] == TN_RESOURCE || tn_dtype_is_ref(node->input_types[i]);
    bool dataset = node->input_types[i] == TN_VARIANT && is_dataset(src) && is_dataset(node);
    if (dataset || (resource && !passes_resources_on(node))) TN_TRY(follow_resource(p, src, node));
  }
  return NULL;
}

/* Joins NODE to the group called NAME; where placement is soft it stays alone if it can't. */
static tn_error *join(tn_placer *p, const tn_node *node, const char *name, size_t size) {
  tn_node *first = tn_map_get(p->named, name, size);
  if (!first) return tn_map_set(p->named, name, size, (void *)node, NULL);
  tn_error *error = colocate(p, node, first);
  if (!error || !p->request->soft) return error;
  tn_error_free(error);
  return NULL;
}

static tn_error *join_named(tn_placer *p, const tn_node *node) {
  static const char prefix[] = "loc:@";
  const tn_attr *classes = tn_node_attr(node, "_class");
  for (size_t i = 0; classes && classes->kind == TN_ATTR_STRING && i < (classes->is_list ? classes->n : 1); i++) {
    tn_string s = classes->is_list ? classes->strings[i] : classes->string;
    if (s.size < sizeof prefix || memcmp(s.data, prefix, sizeof prefix - 1) != 0) continue;
    TN_TRY(join(p, node, s.data + sizeof prefix - 1, s.size - (sizeof prefix - 1)));
  }
  return join(p, node, node->name, strlen(node->name));
}

tn_error *tn_place_make_groups(tn_placer *p) {
  static tn_error *(*const passes[])(tn_placer *, const tn_node *) = {begin_group, follow_resources, join_named};
  for (size_t k = 0; k < sizeof passes / sizeof *passes; k++) {
    for (int i = 0; i < p->request->n_nodes; i++) {
      const tn_node *node = tn_graph_node(p->request->graph, (size_t)i);
      tn_error *error = passes[k](p, node);
      if (error) {
        return tn_errorf(tn_error_code(error), "%s\n\t [[{{node %s}}]]", tn_error_message(error), node->name);
      }
    }
  }
  return NULL;
}
