/* The placer: a device for every node, group by group. */
#include "compile/place.h"

#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/str.h"
#include "compile/place_groups.h"

static bool same_spec(const tn_device_spec *a, const tn_device_spec *b) {
  return strcmp(a->job, b->job) == 0 && strcmp(a->type, b->type) == 0 && a->replica == b->replica &&
         a->task == b->task && a->index == b->index;
}

/* --- the devices --- */

static bool name_before(const tn_device_set *set, int a, int b) {
  char first[TN_DEVICE_TEXT], second[TN_DEVICE_TEXT];
  return strcmp(tn_device_text(&set->devices[a], first), tn_device_text(&set->devices[b], second)) < 0;
}

/* True if device A comes before device B where both would do. */
static bool comes_before(const tn_device_set *set, int a, int b) {
  if (a == set->preferred || b == set->preferred) return a == set->preferred;
  bool gpu_a = strcmp(set->devices[a].type, "GPU") == 0, gpu_b = strcmp(set->devices[b].type, "GPU") == 0;
  return gpu_a != gpu_b ? gpu_a : name_before(set, a, b);
}

static tn_error *list_devices(tn_placer *p) {
  const tn_device_set *set = p->request->devices;
  if (set->n == 0) return tn_errorf(TN_FAILED_PRECONDITION, "No devices are registered");
  p->order = tn_malloc((size_t)set->n * sizeof *p->order);
  if (!p->order) return tn_out_of_memory();
  for (int i = 0; i < set->n; i++) {
    int at = i;
    for (; at > 0 && comes_before(set, i, p->order[at - 1]); at--) p->order[at] = p->order[at - 1];
    p->order[at] = i;
    int t = 0;
    while (t < p->n_types && strcmp(p->types[t], set->devices[i].type) != 0) t++;
    if (t < p->n_types) continue;
    if (t == TN_DEVICE_TYPES) {
      return tn_errorf(TN_INVALID_ARGUMENT, "devices of more than %d types in one set", TN_DEVICE_TYPES);
    }
    p->types[p->n_types++] = set->devices[i].type;
  }
  return NULL;
}

/* The first device that has what PATTERN says and supports GROUP, -1 if there is none. */
static int first_match(const tn_placer *p, const tn_place_group *group, const tn_device_spec *pattern) {
  const tn_device_set *set = p->request->devices;
  for (int i = 0; i < set->n; i++) {
    const tn_device_spec *device = &set->devices[p->order[i]];
    if (tn_device_matches(pattern, device) && tn_place_supports(p, group, device)) return p->order[i];
  }
  return -1;
}

/* --- errors --- */

/* "/job:a/..., /job:b/..." in order of names. */
static void add_device_names(const tn_placer *p, tn_str *text) {
  const tn_device_set *set = p->request->devices;
  int n = set->n, last = -1;
  for (int k = 0; k < n; k++) {
    int next = -1;
    for (int i = 0; i < n; i++) {
      if (last >= 0 && !name_before(set, last, i)) continue;
      if (next < 0 || name_before(set, i, next)) next = i;
    }
    if (next < 0) return;
    char name[TN_DEVICE_TEXT];
    tn_str_addf(text, k ? ", %s" : "%s", tn_device_text(&set->devices[next], name));
    last = next;
  }
}

static bool exists(const tn_placer *p, const tn_device_spec *pattern) {
  const tn_device_set *set = p->request->devices;
  for (int i = 0; i < set->n; i++) {
    if (tn_device_matches(pattern, &set->devices[i])) return true;
  }
  return false;
}

/* Why there is no device for NODE, whose name is WANTED. */
static void explain(tn_placer *p, const tn_node *node, const tn_device_spec *wanted, tn_str *text) {
  tn_device_spec own = {0};
  tn_error *unreadable = tn_device_parse(node->device, &own);
  tn_error_free(unreadable);
  char name[TN_DEVICE_TEXT];
  if (unreadable || !same_spec(&own, wanted)) {
    tn_str_addf(text,
                "Could not satisfy explicit device specification '%s' because the node {{colocation_node %s}} was "
                "colocated with a group of nodes that required incompatible device '%s'. All available devices [",
                node->device, node->name, tn_device_text(wanted, name));
    add_device_names(p, text);
    tn_str_add(text, "]. ");
    tn_place_describe_group(p, node->id, text);
  } else if (!exists(p, wanted)) {
    tn_str_addf(text, "{{node %s}} was explicitly assigned to %s but available devices are [ ", node->name,
                node->device);
    add_device_names(p, text);
    tn_str_add(text, " ]. Make sure the device specification refers to a valid device.");
    if (strcmp(wanted->type, "GPU") == 0) {
      tn_str_add(text, " The requested device appears to be a GPU, but CUDA is not enabled.");
    }
  } else {
    tn_str_addf(text, "Could not satisfy explicit device specification '%s' because no supported kernel for %s ",
                node->device, wanted->type[0] ? wanted->type : "these");
    tn_str_add(text, "devices is available.");
    tn_place_describe_group(p, node->id, text);
  }
}

static tn_error *no_device(tn_placer *p, const tn_node *node, const tn_device_spec *wanted) {
  tn_str text = {0};
  explain(p, node, wanted, &text);
  tn_error *error = tn_errorf(TN_INVALID_ARGUMENT, "Cannot assign a device for operation %s: %s\n\t [[{{node %s}}]]",
                              node->name, text.data ? text.data : "", node->name);
  tn_str_clear(&text);
  return error;
}

/* --- placing --- */

/* What the devices that NODE's group may go to match, with the first of them. */
typedef struct choice {
  tn_device_spec pattern;
  int device;
} choice;

static tn_error *choose(tn_placer *p, const tn_node *node, choice *out) {
  const tn_place_group *group = &p->groups[tn_place_root(p, node->id)];
  choice c = {.pattern = group->requested};
  c.device = first_match(p, group, &c.pattern);
  if (c.device < 0 && p->request->soft) {
    /* Rather give up what is asked for than move a resource from where it was asked for, */
    if (!group->assigned.type[0] && !group->resource.type[0]) c.pattern.type[0] = 0;
    if (group->assigned.index < 0 && group->resource.index < 0) c.pattern.index = -1;
    c.device = first_match(p, group, &c.pattern);
    /* but if that place does not exist, it has to go somewhere. */
    if (c.device < 0 && !group->assigned.type[0]) c.pattern.type[0] = 0;
    if (c.device < 0 && group->assigned.index < 0) c.pattern.index = -1;
    if (c.device < 0) c.device = first_match(p, group, &c.pattern);
  }
  if (c.device < 0) return no_device(p, node, &group->requested);
  *out = c;
  return NULL;
}

/* WANTED if NODE's group may go there (-1: nothing is wanted), else the first device of CHOICE. */
static int prefer(tn_placer *p, const tn_node *node, const choice *c, int wanted) {
  if (wanted < 0) return c->device;
  const tn_device_spec *spec = &p->request->devices->devices[wanted];
  bool may = tn_device_matches(&c->pattern, spec) && tn_place_supports(p, &p->groups[tn_place_root(p, node->id)], spec);
  return may ? wanted : c->device;
}

static void settle(tn_placer *p, const tn_node *node, int device) {
  p->places[node->id] = device;
  tn_place_bind(p, node->id, device);
  if (p->request->log) p->request->log(p->request->log_argument, node, &p->request->devices->devices[device]);
}

/* What has no inputs and hands on a value waits until all that use it have their places. */
static bool is_generator(const tn_node *node) {
  return node->n_inputs == 0 && node->n_outputs == 1 && !tn_dtype_is_ref(node->output_types[0]);
}

/* Who uses what: the users of all nodes, once for every edge, one list after the other. */
typedef struct user_lists {
  int *first; /* by node id, and one more for the end */
  int *users;
} user_lists;

/* Calls the edges one by one: counts them (LISTS->USERS NULL) or puts them in. */
static void walk_edges(const tn_placer *p, user_lists *lists, int *fill) {
  int n = p->request->n_nodes;
  for (int i = 0; i < n; i++) {
    const tn_node *node = tn_graph_node(p->request->graph, (size_t)i);
    for (int k = 0; k < node->n_inputs + node->n_controls; k++) {
      const tn_node *from = k < node->n_inputs ? node->inputs[k].node : node->controls[k - node->n_inputs];
      if (!from || from->id >= n) continue;
      if (lists->users) {
        lists->users[fill[from->id]++] = i;
      } else {
        lists->first[from->id + 1]++;
      }
    }
  }
}

static tn_error *find_users(const tn_placer *p, user_lists *lists) {
  size_t n = (size_t)p->request->n_nodes;
  lists->first = tn_calloc(n + 1, sizeof *lists->first);
  int *fill = tn_malloc((n + 1) * sizeof *fill);
  if (lists->first && fill) {
    walk_edges(p, lists, fill);
    for (size_t i = 0; i < n; i++) lists->first[i + 1] += lists->first[i];
    memcpy(fill, lists->first, (n + 1) * sizeof *fill);
    lists->users = tn_malloc(((size_t)lists->first[n] + 1) * sizeof *lists->users);
    if (lists->users) walk_edges(p, lists, fill);
  }
  tn_free(fill);
  return lists->users ? NULL : tn_out_of_memory();
}

/* What looks at its input's shape alone had best be where its input is, and so had an Identity between nodes that ask
 * for the same device. */
static bool follows_input(const tn_placer *p, const user_lists *lists, const tn_node *node) {
  const char *op = node->op->name;
  if (strcmp(op, "Shape") == 0 || strcmp(op, "Size") == 0 || strcmp(op, "Rank") == 0) return true;
  const tn_node *input = strcmp(op, "Identity") == 0 ? node->inputs[0].node : NULL;
  if (!input || strcmp(input->device, node->device) != 0) return false;
  int from = lists->first[node->id], n_users = lists->first[node->id + 1] - from;
  if (n_users == 0) return node->device[0] == 0;
  const tn_node *user = tn_graph_node(p->request->graph, (size_t)lists->users[from]);
  return n_users == 1 && strcmp(user->device, node->device) == 0;
}

static tn_error *place_others(tn_placer *p, const user_lists *lists) {
  for (int i = 0; i < p->request->n_nodes; i++) {
    const tn_node *node = tn_graph_node(p->request->graph, (size_t)i);
    if (p->request->kept && p->request->kept[i] >= 0) {
      settle(p, node, p->request->kept[i]);
      continue;
    }
    if (is_generator(node)) continue;
    choice c;
    TN_TRY(choose(p, node, &c));
    const tn_node *input = follows_input(p, lists, node) ? node->inputs[0].node : NULL;
    settle(p, node, prefer(p, node, &c, input && input->id < p->request->n_nodes ? p->places[input->id] : -1));
  }
  return NULL;
}

/* The one device of all users of node ID, -1 if there is no such. */
static int place_of_users(const tn_placer *p, const user_lists *lists, int id) {
  int from = lists->first[id], to = lists->first[id + 1];
  if (from == to) return -1;
  int place = p->places[lists->users[from]];
  for (int i = from + 1; i < to; i++) {
    if (p->places[lists->users[i]] != place) return -1;
  }
  return place;
}

static tn_error *place_generators(tn_placer *p, const user_lists *lists) {
  for (int i = 0; i < p->request->n_nodes; i++) {
    if (p->places[i] >= 0) continue;
    const tn_node *node = tn_graph_node(p->request->graph, (size_t)i);
    choice c;
    TN_TRY(choose(p, node, &c));
    settle(p, node, prefer(p, node, &c, place_of_users(p, lists, i)));
  }
  return NULL;
}

static tn_error *place(tn_placer *p) {
  TN_TRY(list_devices(p));
  TN_TRY(tn_map_new(&p->named));
  TN_TRY(tn_place_make_groups(p));
  user_lists lists = {0};
  tn_error *error = find_users(p, &lists);
  if (!error) error = place_others(p, &lists);
  if (!error) error = place_generators(p, &lists);
  tn_free(lists.first);
  tn_free(lists.users);
  return error;
}

tn_error *tn_place(const tn_place_request *request, int *places) {
  tn_placer p = {.request = request,
                 .groups = tn_malloc(((size_t)request->n_nodes + 1) * sizeof *p.groups),
                 .places = tn_malloc(((size_t)request->n_nodes + 1) * sizeof *p.places)};
  tn_error *error = p.groups && p.places ? NULL : tn_out_of_memory();
  for (int i = 0; !error && i < request->n_nodes; i++) p.places[i] = -1;
  if (!error) error = place(&p);
  if (!error) memcpy(places, p.places, (size_t)request->n_nodes * sizeof *places);
  tn_map_free(p.named);
  tn_free(p.order);
  tn_free(p.groups);
  tn_free(p.places);
  return error;
}
