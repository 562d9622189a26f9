/* `tenon run`: a cluster of local processes that run one program, and end when its job is done. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cli/cli.h"

enum { MOST = 512, LINE = 1 << 16 }; /* longer lines are told in parts */

/* A process of the job. */
typedef struct task {
  const char *job;
  int index, port;
  pid_t pid; /* 0: it has ended */
  int code;  /* how it ended: an exit code, or 128 and the signal */
  int pipe;  /* what it prints; -1: closed */
  int restarts;
  size_t used;
  char line[LINE];
} task;

typedef struct job {
  int n, n_ps;
  task *tasks; /* the parameter servers come first; then the chief */
  bool flags, sync;
  int restarts;           /* how often a task that failed is started again */
  double patience, grace; /* seconds for the others when the chief is done, and for all once they are told to end */
  int argc;
  char **argv;              /* the program */
  char certificates[64];    /* a folder for this run; "": without TLS */
  char hosts[2][16 * MOST]; /* of parameter servers and of workers */
  double started;
} job;

static volatile sig_atomic_t interrupted;
static void note_signal(int number) { interrupted = number; }

/* --- addresses --- */

/* The ports from here on are given to who asks for none, as all do that connect. */
static int first_ephemeral_port(void) {
  int first = 0;
  FILE *range = fopen("/proc/sys/net/ipv4/ip_local_port_range", "r");
  if (!range) return 0;
  if (fscanf(range, "%d", &first) != 1) first = 0;
  fclose(range);
  return first;
}

static bool bind_port(int fd, int port, int *bound) {
  struct sockaddr_in address = {
      .sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK), .sin_port = htons((uint16_t)port)};
  socklen_t size = sizeof address;
  if (bind(fd, (struct sockaddr *)&address, size) < 0 || getsockname(fd, (struct sockaddr *)&address, &size) < 0) {
    return false;
  }
  *bound = ntohs(address.sin_port);
  return true;
}

/* A port that is free now, and that nobody gets by chance while its task is being restarted. */
static bool choose_port(int fd, int *port) {
  enum { LOWEST = 10000, FEWEST = 1000, ATTEMPTS = 50 };
  int end = first_ephemeral_port();
  for (int i = 0; i < ATTEMPTS && end >= LOWEST + FEWEST; i++) {
    uint32_t number = 0;
    if (getrandom(&number, sizeof number, 0) != sizeof number) break;
    if (bind_port(fd, LOWEST + (int)(number % (uint32_t)(end - LOWEST)), port)) return true;
  }
  return bind_port(fd, 0, port);
}

/* The sockets stay open until all ports are chosen, so that no two are the same. */
static tn_error *choose_ports(job *j) {
  int sockets[MOST];
  tn_error *error = NULL;
  int n = 0;
  for (; n < j->n && !error; n++) {
    sockets[n] = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (sockets[n] < 0 || !choose_port(sockets[n], &j->tasks[n].port)) {
      error = tn_errorf(TN_UNAVAILABLE, "the system has no free port: %s", strerror(errno));
    }
  }
  while (n-- > 0) {
    if (sockets[n] >= 0) close(sockets[n]);
  }
  for (int i = 0; i < j->n; i++) {
    char *hosts = j->hosts[i < j->n_ps ? 0 : 1];
    size_t used = strlen(hosts);
    snprintf(hosts + used, sizeof j->hosts[0] - used, "%s127.0.0.1:%d", used ? "," : "", j->tasks[i].port);
  }
  return error;
}

/* --- processes --- */

/* "host","host" as JSON has it. */
static void put_json(FILE *out, const char *hosts) {
  for (const char *c = hosts; *c; c++) {
    if (c == hosts) fputc('"', out);
    if (*c == ',') {
      fputs("\",\"", out);
    } else {
      fputc(*c, out);
    }
    if (!c[1]) fputc('"', out);
  }
}

static void set_certificates(const char *folder) {
  static const char *const names[] = {"TENON_CERTIFICATE", "TENON_KEY", "TENON_AUTHORITY"};
  static const char *const files[] = {"task.pem", "task.key", "ca.pem"};
  for (int i = 0; i < 3; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", folder, files[i]);
    setenv(names[i], path, 1);
  }
}

static void set_environment(const job *j, const task *t) {
  char text[4 * 16 * MOST] = "";
  FILE *out = fmemopen(text, sizeof text, "w");
  if (!out) return;
  fputs("{\"cluster\":{\"ps\":[", out);
  put_json(out, j->hosts[0]);
  fputs("],\"worker\":[", out);
  put_json(out, j->hosts[1]);
  fprintf(out, "]},\"task\":{\"type\":\"%s\",\"index\":%d}}", t->job, t->index);
  fclose(out);
  setenv("TF_CONFIG", text, 1);
  if (j->certificates[0]) set_certificates(j->certificates);
  snprintf(text, sizeof text, "%d", t->restarts);
  setenv("TENON_RESTART", text, 1);
  snprintf(text, sizeof text, "%.3g", j->grace * 0.8);
  setenv("TENON_GRACE", text, 0);
  setenv("PYTHONUNBUFFERED", "1", 0);
}

/* In the child: becomes the program. */
static void become(const job *j, const task *t) {
  int argc = j->argc;
  char **argv = j->argv;
  char **arguments = calloc((size_t)argc + 16, sizeof *arguments);
  char ps[16 * MOST + 32], workers[16 * MOST + 32], name[64], index[64];
  size_t size = strlen(argv[0]);
  int n = 0;
  if (!arguments) _exit(CLI_FAILED);
  if (size > 3 && strcmp(argv[0] + size - 3, ".py") == 0) {
    const char *python = getenv("TENON_PYTHON");
    arguments[n++] = (char *)(python ? python : "python3");
    arguments[n++] = "-m";
    arguments[n++] = "tenon.compat";
  }
  for (int i = 0; i < argc; i++) arguments[n++] = argv[i];
  snprintf(ps, sizeof ps, "--ps_hosts=%s", j->hosts[0]);
  snprintf(workers, sizeof workers, "--worker_hosts=%s", j->hosts[1]);
  snprintf(name, sizeof name, "--job_name=%s", t->job);
  snprintf(index, sizeof index, "--task_index=%d", t->index);
  char *const flags[] = {ps, workers, name, index};
  for (int i = 0; j->flags && i < 4; i++) arguments[n++] = flags[i];
  if (j->sync && j->flags) arguments[n++] = "--sync_replicas";
  set_environment(j, t);
  execvp(arguments[0], arguments);
  fprintf(stderr, "cannot start '%s': %s\n", arguments[0], strerror(errno));
  _exit(127);
}

static tn_error *start(const job *j, task *t) {
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return tn_errorf(TN_RESOURCE_EXHAUSTED, "no pipe: %s", strerror(errno));
  pid_t parent = getpid();
  t->pid = fork();
  if (t->pid == 0) {
    /* Nobody stays behind, even if this process is killed. */
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent) _exit(CLI_FAILED);
    dup2(ends[1], STDOUT_FILENO);
    dup2(ends[1], STDERR_FILENO);
    int nothing = open("/dev/null", O_RDONLY);
    if (nothing >= 0) dup2(nothing, STDIN_FILENO);
    setpgid(0, 0);
    become(j, t);
  }
  close(ends[1]);
  t->pipe = ends[0];
  fcntl(t->pipe, F_SETFL, O_NONBLOCK); /* a process that left the group may hold the other end for ever */
  if (t->pid < 0) {
    t->pid = 0;
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "no process for %s %d: %s", t->job, t->index, strerror(errno));
  }
  return NULL;
}

/* --- output --- */

static void flush_line(task *t) {
  if (!t->used) return;
  printf("[%s %d] %.*s\n", t->job, t->index, (int)t->used, t->line);
  fflush(stdout);
  t->used = 0;
}

static void close_output(task *t) {
  flush_line(t);
  if (t->pipe >= 0) close(t->pipe);
  t->pipe = -1;
}

/* Prints what has come; false if nothing had. */
static bool take_output(task *t) {
  char bytes[4096];
  ssize_t n = read(t->pipe, bytes, sizeof bytes);
  if (n < 0 && errno == EINTR) return true;
  if (n < 0 && errno == EAGAIN) return false;
  if (n <= 0) {
    close_output(t);
    return false;
  }
  for (ssize_t i = 0; i < n; i++) {
    if (bytes[i] == '\n' && !t->used) {
      printf("[%s %d]\n", t->job, t->index);
    } else if (bytes[i] == '\n') {
      flush_line(t);
    } else {
      t->line[t->used++] = bytes[i];
      if (t->used == LINE) flush_line(t);
    }
  }
  return true;
}

/* Prints the rest of what a task that has ended left behind. */
static void take_rest(task *t) {
  while (t->pipe >= 0 && take_output(t)) {
  }
  close_output(t);
}

static void watch_output(job *j) {
  struct pollfd fds[MOST];
  for (int i = 0; i < j->n; i++) fds[i] = (struct pollfd){.fd = j->tasks[i].pipe, .events = POLLIN};
  if (poll(fds, (nfds_t)j->n, 50) <= 0) return;
  for (int i = 0; i < j->n; i++) {
    if (fds[i].revents) take_output(&j->tasks[i]);
  }
}

/* --- the end --- */

static void reap(job *j) {
  for (int i = 0; i < j->n; i++) {
    task *t = &j->tasks[i];
    siginfo_t ended = {0};
    int status = 0;
    if (!t->pid || waitid(P_PID, (id_t)t->pid, &ended, WEXITED | WNOHANG | WNOWAIT) < 0 || !ended.si_pid) continue;
    kill(-t->pid, SIGKILL); /* what it had started itself */
    if (waitpid(t->pid, &status, 0) != t->pid) continue;
    t->pid = 0;
    t->code = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
  }
}

static void tell_all(job *j, int signal) {
  for (int i = 0; i < j->n; i++) {
    if (j->tasks[i].pid) kill(-j->tasks[i].pid, signal);
  }
}

static int n_running(const job *j, int from) {
  int n = 0;
  for (int i = from; i < j->n; i++) n += j->tasks[i].pid != 0;
  return n;
}

/* A worker that failed, or a parameter server that ended while there were workers; or NULL. */
static task *failed_task(const job *j) {
  for (int i = j->n_ps; i < j->n; i++) {
    if (!j->tasks[i].pid && j->tasks[i].code) return &j->tasks[i];
  }
  for (int i = 0; i < j->n_ps; i++) {
    if (!j->tasks[i].pid && n_running(j, j->n_ps)) return &j->tasks[i];
  }
  return NULL;
}

/* Starts T, which has ended, again; false if it may not be or cannot. */
static bool restart(const job *j, task *t) {
  const char *when = t < j->tasks + j->n_ps ? " before the workers" : "";
  bool again = t->restarts < j->restarts;
  fprintf(stderr, "tenon: %s %d ended with exit code %d%s", t->job, t->index, t->code, when);
  if (!again) {
    fprintf(stderr, j->restarts ? ", after %d restarts\n" : "\n", t->restarts);
    return false;
  }
  t->restarts++;
  fprintf(stderr, "; restart %d of %d\n", t->restarts, j->restarts);
  take_rest(t);
  tn_error *error = start(j, t);
  return !error || cli_fail(error) == CLI_OK;
}

/* Ends what runs: it is asked first. */
static void end_all(job *j) {
  tell_all(j, SIGTERM);
  double until = cli_seconds() + j->grace;
  while (n_running(j, 0) && cli_seconds() < until) {
    watch_output(j);
    reap(j);
  }
  tell_all(j, SIGKILL);
  while (n_running(j, 0)) {
    watch_output(j);
    reap(j);
  }
  for (int i = 0; i < j->n; i++) take_rest(&j->tasks[i]);
}

/* Until the job is done: all workers have ended, or one failed, or the chief is done and the others don't follow. */
static int wait_for_job(job *j) {
  double chief_done = 0;
  for (;;) {
    watch_output(j);
    reap(j);
    if (interrupted) return CLI_INTERRUPTED;
    task *failed = failed_task(j);
    if (failed && !restart(j, failed)) return CLI_FAILED;
    if (failed) continue;
    if (!n_running(j, j->n_ps)) return CLI_OK;
    if (j->tasks[j->n_ps].pid) continue;
    if (chief_done == 0) chief_done = cli_seconds();
    if (cli_seconds() - chief_done > j->patience) return CLI_OK;
  }
}

/* Certificates for this run alone. The authority's key is not needed any more. */
static tn_error *make_certificates(job *j) {
  char path[128], *task[] = {"task"};
  snprintf(j->certificates, sizeof j->certificates, "/tmp/tenon-run-XXXXXX");
  if (!mkdtemp(j->certificates)) {
    j->certificates[0] = '\0';
    return tn_errorf(TN_RESOURCE_EXHAUSTED, "no folder for certificates in /tmp: %s", strerror(errno));
  }
  TN_TRY(cli_make_certificates(j->certificates, 1, task, 3650, true));
  snprintf(path, sizeof path, "%s/ca.key", j->certificates);
  unlink(path);
  return NULL;
}

static void remove_certificates(const job *j) {
  static const char *const files[] = {"task.pem", "task.key", "ca.pem", "ca.key"};
  for (int i = 0; i < 4; i++) {
    char path[128];
    snprintf(path, sizeof path, "%s/%s", j->certificates, files[i]);
    unlink(path);
  }
  rmdir(j->certificates);
}

static int run_job(job *j, bool tls) {
  signal(SIGINT, note_signal);
  signal(SIGTERM, note_signal);
  tn_error *error = choose_ports(j);
  if (!error && tls) error = make_certificates(j);
  for (int i = 0; i < j->n && !error; i++) error = start(j, &j->tasks[i]);
  int code = error ? CLI_FAILED : wait_for_job(j);
  end_all(j);
  if (j->certificates[0]) remove_certificates(j);
  return error ? cli_fail(error) : code;
}

static job *new_job(int n_ps, int n_workers) {
  job *j = calloc(1, sizeof *j);
  if (j) j->tasks = calloc((size_t)(n_ps + n_workers), sizeof *j->tasks);
  if (!j || !j->tasks) {
    free(j);
    return NULL;
  }
  j->n = n_ps + n_workers;
  j->n_ps = n_ps;
  for (int i = 0; i < j->n; i++) {
    bool server = i < n_ps;
    j->tasks[i].job = server ? "ps" : "worker";
    j->tasks[i].index = server ? i : i - n_ps;
    j->tasks[i].pipe = -1;
  }
  return j;
}

static int run_run(const cli_command *command, int argc, char **argv) {
  int64_t ps = 1, workers = 2, patience = 30, restarts = 0, grace = 10;
  bool sync = false, no_flags = false, tls = false;
  const cli_option options[] = {
      {"ps", CLI_INT, &ps, "N", "how many parameter servers"},
      {"workers", CLI_INT, &workers, "N", "how many workers; the first is the chief"},
      {"sync", CLI_FLAG, &sync, NULL, "passes --sync_replicas on"},
      {"tls", CLI_FLAG, &tls, NULL, "TLS between the tasks, with certificates for this run alone"},
      {"no-flags", CLI_FLAG, &no_flags, NULL, "tells the program its task by TF_CONFIG alone"},
      {"patience", CLI_INT, &patience, "S", "seconds that the others get to end after the chief is done"},
      {"restarts", CLI_INT, &restarts, "N", "how often each task is started again that fails"},
      {"grace", CLI_INT, &grace, "S", "seconds that the tasks get to end when they are told to"},
      {NULL, CLI_FLAG, NULL, NULL, NULL}};
  int own = 0;
  while (own < argc && strcmp(argv[own], "--") != 0) own++;
  int n = 0, code = cli_parse(command, options, own, argv, &n);
  if (code >= 0) return code;
  if (n > 0) return cli_usage(command, "'%s' is one argument too many before --", argv[0]);
  if (own + 1 >= argc) return cli_usage(command, "no program: it comes after --");
  if (ps < 0 || workers < 1 || ps + workers > MOST) {
    return cli_usage(command, "a job has at least one worker, and %d tasks at most", MOST);
  }
  if (restarts < 0 || restarts > 1000000) return cli_usage(command, "--restarts is 0 to 1000000");
  job *j = new_job((int)ps, (int)workers);
  if (!j) return cli_fail(tn_errorf(TN_RESOURCE_EXHAUSTED, "memory is out"));
  j->sync = sync;
  j->flags = !no_flags;
  j->restarts = (int)restarts;
  j->patience = (double)patience;
  j->grace = (double)grace;
  j->argc = argc - own - 1;
  j->argv = argv + own + 1;
  code = run_job(j, tls);
  free(j->tasks);
  free(j);
  return code;
}

const cli_command cli_run = {
    .name = "run",
    .arguments = "[options] -- PROGRAM [ARGUMENT...]",
    .summary = "Run a program as a cluster of local processes.",
    .details =
        "Each process is told its task by TF_CONFIG and by --ps_hosts, --worker_hosts, --job_name and --task_index,\n"
        "as TensorFlow's distributed programs have it. A PROGRAM that ends in .py is run by python3 (TENON_PYTHON)\n"
        "with Tenon as its tensorflow. What the processes print gets their names before it. The job is done when\n"
        "the workers are; then the parameter servers are ended. It fails with the first task that fails, unless\n"
        "that may be restarted: it gets the same addresses, and TENON_RESTART says how often it was started before.",
    .run = run_run};
