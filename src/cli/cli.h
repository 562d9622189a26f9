/* What the commands of `tenon` share: options, help, errors. A command is one file. */
#ifndef TN_CLI_CLI_H
#define TN_CLI_CLI_H

#include <stdbool.h>
#include <stdint.h>
#include <tenon/tenon.h>

/* Exit codes, as documented in docs/cli.md. */
enum { CLI_OK = 0, CLI_FAILED = 1, CLI_USAGE = 2, CLI_INTERRUPTED = 130 };

typedef enum cli_kind { CLI_FLAG, CLI_INT, CLI_FLOAT, CLI_TEXT } cli_kind;

/* One option: "--epochs N". VALUE points at a bool, int64_t, double or const char *, preset to the default. */
typedef struct cli_option {
  const char *name; /* without the dashes */
  cli_kind kind;
  void *value;
  const char *argument; /* what the help calls the value: "N", "DIR"; NULL for flags */
  const char *help;
} cli_option;

typedef struct cli_command {
  const char *name;
  const char *arguments;                                                /* "mnist [options]" */
  const char *summary;                                                  /* one line */
  const char *details;                                                  /* more lines of help, or NULL */
  int (*run)(const struct cli_command *command, int argc, char **argv); /* without the command's name; an exit code */
} cli_command;

extern const cli_command cli_bench, cli_certs, cli_data, cli_delete, cli_eval, cli_image, cli_inspect, cli_install,
    cli_jobs, cli_logs, cli_operator, cli_predict, cli_resume, cli_run, cli_scale, cli_server, cli_status, cli_submit,
    cli_suspend, cli_train;

/* Takes the options (which end with a NULL name) out of ARGV and leaves the other *N arguments at its beginning.
 * Returns -1, or the exit code with which the command is to end at once: help was asked for and printed, or an option
 * is wrong and was named. */
int cli_parse(const cli_command *command, const cli_option *options, int argc, char **argv, int *n);
/* Prints what is wrong with the arguments and how to get help; returns CLI_USAGE. */
int cli_usage(const cli_command *command, const char *format, ...) TN_PRINTF(2, 3);
/* Prints ERROR, frees it and returns CLI_FAILED. */
int cli_fail(tn_error *error);
/* The word of the NULL-terminated WORDS that is nearest to WORD, NULL if none is near. */
const char *cli_nearest(const char *word, const char *const *words);

/* Bytes for people: "1.5 MB". */
const char *cli_bytes(double bytes, char text[32]);
/* The largest resident size of this process so far, in MiB. */
long cli_peak_mb(void);
/* Seconds on a clock that only goes forward. */
double cli_seconds(void);

/* What `tenon certs` does: FOLDER, made if need be, gets an authority if it has none, and certificates for N TASKS, as
 * "NAME" or "NAME=HOST,...". QUIET: without a line for each. */
tn_error *cli_make_certificates(const char *folder, int n, char *const *tasks, int64_t days, bool quiet) TN_MUST_USE;

/* Gets data set NAME from its public source into the user's cache, checking checksums, with a progress line. */
tn_error *cli_download(const char *name) TN_MUST_USE;
/* The names of the data sets that can be got, NULL at the end, and what each is. */
extern const char *const cli_data_names[];

#endif
