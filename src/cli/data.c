/* `tenon data`: which data sets there are, where they lie, and getting them. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli/cli.h"

static void list(void) {
  printf("%-10s %-8s %s\n", "name", "can get", "where");
  static const char *const names[] = {"mnist", "cifar10", "flowers", "text", "ptb", NULL};
  for (const char *const *name = names; *name; name++) {
    bool can_get = false;
    for (const char *const *n = cli_data_names; *n; n++) can_get |= !strcmp(*n, *name);
    char *folder;
    tn_error *error = tn_data_find(*name, &folder);
    printf("%-10s %-8s %s\n", *name, can_get ? "yes" : "no", error ? "not here" : folder);
    if (!error) free(folder);
    tn_error_free(error);
  }
  printf("%-10s %-8s %s\n", "digits", "-", "part of the library");
}

static int get(const cli_command *command, const char *name) {
  bool known = false;
  for (const char *const *n = cli_data_names; *n; n++) known |= !strcmp(*n, name);
  if (!known) {
    const char *near = cli_nearest(name, cli_data_names);
    return near ? cli_usage(command, "there is no data set '%s' to get; did you mean '%s'?", name, near)
                : cli_usage(command, "there is no data set '%s' to get", name);
  }
  tn_error *error = cli_download(name);
  if (error) return cli_fail(error);
  char *folder;
  error = tn_data_cache(name, &folder);
  if (error) return cli_fail(error);
  printf("%s is in %s\n", name, folder);
  free(folder);
  return CLI_OK;
}

static int run(const cli_command *command, int argc, char **argv) {
  const cli_option options[] = {{.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n == 1 && !strcmp(argv[0], "list")) {
    list();
    return CLI_OK;
  }
  if (n == 2 && !strcmp(argv[0], "get")) return get(command, argv[1]);
  return cli_usage(command, n ? "expected `list` or `get NAME`" : "it needs to be told what to do");
}

const cli_command cli_data = {
    .name = "data",
    .arguments = "list | get NAME",
    .summary = "List the data sets, or download one into the cache.",
    .details = "Data is looked for in $TENON_DATA, in ../shared/data beside the project, and in the user's cache.",
    .run = run,
};
