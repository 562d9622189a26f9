/* The `tenon` command: finds the command that is asked for. */
#include <stdio.h>
#include <string.h>

#include "cli/cli.h"

static const cli_command *const commands[] = {&cli_train,    &cli_eval,    &cli_predict, &cli_inspect, &cli_data,
                                              &cli_certs,    &cli_run,     &cli_server,  &cli_bench,   &cli_install,
                                              &cli_operator, &cli_submit,  &cli_jobs,    &cli_status,  &cli_logs,
                                              &cli_scale,    &cli_suspend, &cli_resume,  &cli_delete,  &cli_image};
enum { N_COMMANDS = sizeof commands / sizeof *commands };

static void print_commands(FILE *out) {
  fprintf(out, "usage: tenon COMMAND [ARGUMENT...]\n\nTrains and runs dataflow graphs in TensorFlow's terms and "
               "formats.\n\ncommands:\n");
  for (int i = 0; i < N_COMMANDS; i++) fprintf(out, "  %-10s %s\n", commands[i]->name, commands[i]->summary);
  fprintf(out, "\n`tenon COMMAND --help` tells more, `tenon --version` which version this is.\n");
}

static int unknown_command(const char *name) {
  const char *names[N_COMMANDS + 1] = {NULL};
  for (int i = 0; i < N_COMMANDS; i++) names[i] = commands[i]->name;
  const char *near = cli_nearest(name, names);
  fprintf(stderr, "tenon: there is no command '%s'", name);
  if (near) fprintf(stderr, "; did you mean '%s'?", near);
  fprintf(stderr, "\n`tenon --help` lists the commands.\n");
  return CLI_USAGE;
}

int main(int argc, char **argv) {
  if (argc < 2) {
    print_commands(stderr);
    return CLI_USAGE;
  }
  if (!strcmp(argv[1], "--help") || !strcmp(argv[1], "-h") || !strcmp(argv[1], "help")) {
    print_commands(stdout);
    return CLI_OK;
  }
  if (!strcmp(argv[1], "--version")) {
    printf("tenon %s\n", tn_version());
    return CLI_OK;
  }
  for (int i = 0; i < N_COMMANDS; i++)
    if (!strcmp(argv[1], commands[i]->name)) return commands[i]->run(commands[i], argc - 2, argv + 2);
  return unknown_command(argv[1]);
}
