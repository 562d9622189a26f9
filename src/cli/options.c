/* Options and help, and errors as people should see them. */
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>

#include "cli/cli.h"

/* The number of single-character edits between A and B (Levenshtein), for short words. */
static int distance(const char *a, const char *b) {
  enum { LONGEST = 40 };
  size_t n = strlen(a), m = strlen(b);
  if (n > LONGEST || m > LONGEST) return LONGEST;
  int row[LONGEST + 1];
  for (size_t j = 0; j <= m; j++) row[j] = (int)j;
  for (size_t i = 1; i <= n; i++) {
    int corner = row[0];
    row[0] = (int)i;
    for (size_t j = 1; j <= m; j++) {
      int replaced = corner + (a[i - 1] != b[j - 1]), shorter = row[j] + 1, longer = row[j - 1] + 1;
      corner = row[j];
      row[j] = replaced < shorter ? replaced : shorter;
      if (longer < row[j]) row[j] = longer;
    }
  }
  return row[m];
}

const char *cli_nearest(const char *word, const char *const *words) {
  const char *best = NULL;
  int least = 3;
  for (; *words; words++) {
    int d = distance(word, *words);
    if (d < least) {
      least = d;
      best = *words;
    }
  }
  return best;
}

static void print_help(const cli_command *c, const cli_option *options) {
  printf("usage: tenon %s %s\n\n%s\n", c->name, c->arguments, c->summary);
  if (c->details) printf("\n%s\n", c->details);
  printf("\noptions:\n");
  for (const cli_option *o = options; o->name; o++) {
    char left[40];
    snprintf(left, sizeof left, "--%s%s%s", o->name, o->argument ? " " : "", o->argument ? o->argument : "");
    printf("  %-22s %s", left, o->help);
    if (o->kind == CLI_INT && *(int64_t *)o->value) printf(" (default %lld)", (long long)*(int64_t *)o->value);
    if (o->kind == CLI_FLOAT) printf(" (default %g)", *(double *)o->value);
    if (o->kind == CLI_TEXT && *(const char **)o->value) printf(" (default %s)", *(const char **)o->value);
    putchar('\n');
  }
  printf("  %-22s %s\n", "--help", "print this and end");
}

int cli_usage(const cli_command *command, const char *format, ...) {
  va_list args;
  va_start(args, format);
  fprintf(stderr, "tenon %s: ", command->name);
  vfprintf(stderr, format, args);
  va_end(args);
  fprintf(stderr, "\nusage: tenon %s %s\n`tenon %s --help` tells more.\n", command->name, command->arguments,
          command->name);
  return CLI_USAGE;
}

/* Sets the option from TEXT; false if it is no such value. */
static bool set_value(const cli_option *o, const char *text) {
  char *end = NULL;
  errno = 0;
  if (o->kind == CLI_TEXT) {
    *(const char **)o->value = text;
    return true;
  }
  if (o->kind == CLI_INT) {
    long long value = strtoll(text, &end, 10);
    if (errno || end == text || *end) return false;
    *(int64_t *)o->value = value;
    return true;
  }
  double value = strtod(text, &end);
  if (errno || end == text || *end) return false;
  *(double *)o->value = value;
  return true;
}

static int unknown_option(const cli_command *c, const cli_option *options, const char *name) {
  const char *names[64];
  size_t n = 0;
  for (; options->name && n + 2 < sizeof names / sizeof *names; options++) names[n++] = options->name;
  names[n++] = "help";
  names[n] = NULL;
  const char *near = cli_nearest(name, names);
  return near ? cli_usage(c, "there is no option --%s; did you mean --%s?", name, near)
              : cli_usage(c, "there is no option --%s", name);
}

/* Handles ARGV[*I], an option; *I moves on over its value. Returns as cli_parse. */
static int take_option(const cli_command *c, const cli_option *options, int argc, char **argv, int *i) {
  char name[64];
  const char *text = argv[*i] + 2, *equals = strchr(text, '=');
  size_t size = equals ? (size_t)(equals - text) : strlen(text);
  snprintf(name, sizeof name, "%.*s", (int)(size < 63 ? size : 63), text);
  const cli_option *o = options;
  while (o->name && strcmp(o->name, name)) o++;
  if (!o->name) return unknown_option(c, options, name);
  if (o->kind == CLI_FLAG) {
    if (equals) return cli_usage(c, "--%s takes no value", name);
    *(bool *)o->value = true;
    return -1;
  }
  if (!equals && *i + 1 >= argc) return cli_usage(c, "--%s needs a value: --%s %s", name, name, o->argument);
  const char *value = equals ? equals + 1 : argv[++*i];
  if (!set_value(o, value)) return cli_usage(c, "--%s takes a number, not '%s'", name, value);
  return -1;
}

/* What a word of one letter stands for, as kubectl has them; WORD itself if this command has no such option. */
static char *long_form(const cli_option *options, char *word) {
  static const struct {
    const char *letter, *name;
  } letters[] = {{"-n", "--namespace"}, {"-A", "--all-namespaces"}, {"-f", "--file"}, {"-f", "--follow"}};
  for (size_t i = 0; i < sizeof letters / sizeof *letters; i++) {
    if (strcmp(letters[i].letter, word) != 0) continue;
    for (const cli_option *o = options; o->name; o++)
      if (!strcmp(o->name, letters[i].name + 2)) return (char *)letters[i].name;
  }
  return word;
}

int cli_parse(const cli_command *c, const cli_option *options, int argc, char **argv, int *n) {
  for (int i = 0; i < argc && strcmp(argv[i], "--"); i++)
    if (!strcmp(argv[i], "--help") || !strcmp(argv[i], "-h")) {
      print_help(c, options);
      return CLI_OK;
    }
  int rest = 0;
  bool only_arguments = false;
  for (int i = 0; i < argc; i++) {
    if (!only_arguments) argv[i] = long_form(options, argv[i]);
    if (!only_arguments && !strcmp(argv[i], "--")) {
      only_arguments = true;
    } else if (!only_arguments && !strncmp(argv[i], "--", 2)) {
      int code = take_option(c, options, argc, argv, &i);
      if (code >= 0) return code;
    } else {
      argv[rest++] = argv[i];
    }
  }
  *n = rest;
  return -1;
}

int cli_fail(tn_error *error) {
  fprintf(stderr, "tenon: %s\n", tn_error_message(error));
  if (getenv("TENON_TRACE")) fprintf(stderr, "%s\n%s", tn_code_name(tn_error_code(error)), tn_error_trace(error));
  tn_error_free(error);
  return CLI_FAILED;
}

const char *cli_bytes(double bytes, char text[32]) {
  static const char *const units[] = {"B", "kB", "MB", "GB", "TB"};
  size_t unit = 0;
  while (bytes >= 1000 && unit + 1 < sizeof units / sizeof *units) {
    bytes /= 1000;
    unit++;
  }
  snprintf(text, 32, unit ? "%.1f %s" : "%.0f %s", bytes, units[unit]);
  return text;
}

long cli_peak_mb(void) {
  struct rusage usage;
  return getrusage(RUSAGE_SELF, &usage) ? 0 : usage.ru_maxrss / 1024;
}

double cli_seconds(void) {
  struct timespec t;
  clock_gettime(CLOCK_MONOTONIC, &t);
  return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}
