/* Finds what an image holds: programs, the libraries that the loader finds for them, an interpreter. */
#include "cli/image_files.h"

#include <dirent.h>
#include <elf.h>
#include <errno.h>
#include <limits.h>
#include <link.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"
#include "io/file.h"

/* The file src/cli/image_python.py, put in by the build. */
extern const unsigned char tn_image_python[];
extern const size_t tn_image_python_size;

/* What COMMAND prints; an error with its last line if it fails. */
static tn_error *capture(char *const *command, char **out) {
  int ends[2];
  char buffer[16384];
  tn_str text = {0};
  size_t size;
  ssize_t n;
  if (pipe(ends) < 0) return tn_file_error(errno, "make a pipe for", command[0]);
  pid_t child = fork();
  if (child == 0) {
    dup2(ends[1], STDOUT_FILENO);
    close(ends[0]);
    close(ends[1]);
    execvp(command[0], command);
    _exit(127);
  }
  close(ends[1]);
  while (child > 0 && ((n = read(ends[0], buffer, sizeof buffer)) > 0 || (n < 0 && errno == EINTR)))
    if (n > 0) tn_str_add_bytes(&text, buffer, (size_t)n);
  close(ends[0]);
  int status = -1;
  while (child > 0 && waitpid(child, &status, 0) < 0 && errno == EINTR) continue;
  if (status) {
    tn_str_clear(&text);
    return tn_errorf(TN_FAILED_PRECONDITION, "%s could not be run, or failed: what it says stands above", command[0]);
  }
  return tn_str_take(&text, out, &size);
}

/* --- libraries --- */

static int note_loader(struct dl_phdr_info *info, size_t size, void *out) {
  (void)size;
  for (int i = 0; i < info->dlpi_phnum; i++)
    if (info->dlpi_phdr[i].p_type == PT_INTERP)
      *(const char **)out = (const char *)(uintptr_t)(info->dlpi_addr + info->dlpi_phdr[i].p_vaddr);
  return 1; /* the program itself comes first */
}

/* The dynamic loader of this program: it tells what others need, too. */
static const char *loader(void) {
  const char *path = NULL;
  dl_iterate_phdr(note_loader, &path);
  return path;
}

/* Adds the library at PATH: in its folder if that is one of the system's (links in the folder's name resolved), else
 * in HOME, which is the C library's. */
static tn_error *add_library(cli_layer *layer, const char *path, const char *home) {
  char folder[PATH_MAX], target[2 * PATH_MAX];
  const char *name = strrchr(path, '/');
  char *above = tn_strndup(path, (size_t)(name - path));
  char *found = above ? realpath(above, folder) : NULL;
  tn_free(above);
  if (!found) return tn_file_error(errno, "find the folder of", path);
  bool ours = !strncmp(folder, "/usr/lib", 8) || !strncmp(folder, "/lib", 4);
  snprintf(target, sizeof target, "%s%s", ours || !*home ? folder : home, name);
  return cli_layer_file(layer, target, path, 0755);
}

/* The path in a line of the loader's: "name => /path (0x...)" or "/path (0x...)"; NULL: there is none. */
static char *library_path(char *line) {
  char *arrow = strstr(line, "=> "), *path = arrow ? arrow + 3 : line + strspn(line, " \t");
  char *end = strstr(path, " (0x");
  if (*path != '/' || !end) return NULL;
  *end = 0;
  return path;
}

/* Adds the libraries that FILE needs, but for those from KNOWN, a folder that is copied anyway (NULL: none). */
static tn_error *add_needs(cli_layer *layer, const char *file, const char *known) {
  char *text = NULL, home[PATH_MAX] = "", *rest, *line;
  char *command[] = {(char *)loader(), "--list", (char *)file, NULL};
  if (!command[0]) return NULL; /* a program without a loader needs none */
  TN_TRY(capture(command, &text));
  tn_error *error = NULL;
  for (int round = 0; round < 2; round++) {
    char *copy = tn_strdup(text);
    if (!copy) error = tn_out_of_memory();
    for (line = copy; line && *line && !error; line = rest) {
      rest = line + strcspn(line, "\n");
      if (*rest) *rest++ = 0;
      if (strstr(line, "not found"))
        error = tn_errorf(TN_NOT_FOUND, "%s needs a library that is not here:%s", file, line);
      char *path = error ? NULL : library_path(line), *name = path ? strrchr(path, '/') : NULL;
      if (!name || (known && !strncmp(path, known, strlen(known)))) continue;
      /* First where the C library is, then all. */
      if (round == 0 && !strncmp(name, "/libc.so", 8)) {
        *name = 0;
        if (!realpath(path, home)) error = tn_file_error(errno, "find", path);
      } else if (round == 1) {
        error = add_library(layer, path, home);
      }
    }
    tn_free(copy);
  }
  tn_free(text);
  return error;
}

/* --- the runtime --- */

static const char accounts[] = "root:x:0:0:root:/:/bin/false\ntenon:x:65532:65532:tenon:/tmp:/bin/false\n";
static const char groups[] = "root:x:0:\ntenon:x:65532:\n";

/* Links as distributions have them at the root: /lib to usr/lib and so on. */
static tn_error *add_root_links(cli_layer *layer) {
  static const char *const names[] = {"lib", "lib64", "bin", "sbin"};
  char path[16], to[PATH_MAX];
  for (int i = 0; i < 4; i++) {
    snprintf(path, sizeof path, "/%s", names[i]);
    ssize_t n = readlink(path, to, sizeof to - 1);
    if (n <= 0) continue;
    to[n] = 0;
    TN_TRY(cli_layer_link(layer, path, to));
  }
  return NULL;
}

tn_error *cli_image_runtime(cli_layer *layer) {
  static const char trusted[] = "/etc/ssl/certs/ca-certificates.crt";
  char self[PATH_MAX];
  ssize_t n = readlink("/proc/self/exe", self, sizeof self - 1);
  if (n <= 0) return tn_file_error(errno, "find", "this program");
  self[n] = 0;
  TN_TRY(add_root_links(layer));
  TN_TRY(cli_layer_file(layer, "/usr/local/bin/tenon", self, 0755));
  TN_TRY(add_needs(layer, self, NULL));
  TN_TRY(cli_layer_text(layer, "/etc/passwd", accounts));
  TN_TRY(cli_layer_text(layer, "/etc/group", groups));
  TN_TRY(cli_layer_text(layer, "/etc/nsswitch.conf", "hosts: files dns\npasswd: files\ngroup: files\n"));
  if (tn_file_exists(trusted)) TN_TRY(cli_layer_file(layer, trusted, trusted, 0644));
  return cli_layer_folder(layer, "/tmp", 01777);
}

/* --- Python --- */

/* One line of image_python.py's: KIND, SOURCE and TARGET. */
static tn_error *add_line(cli_layer *layer, char *line) {
  char *source = strchr(line, '\t'), *target = source ? strchr(source + 1, '\t') : NULL;
  if (!target) return tn_errorf(TN_INTERNAL, "the interpreter said '%s', where a file's name was expected", line);
  *source++ = 0;
  *target++ = 0;
  if (!strcmp(line, "name")) return cli_layer_link(layer, target, source);
  bool library = !strcmp(line, "library");
  TN_TRY(cli_layer_file(layer, target, source, library ? 0755 : 0644));
  if (!library) return NULL;
  /* Libraries that a package brings along lie in the packages' folder, and come with it. */
  const char *packages = strstr(source, "-packages/");
  char *known = packages ? tn_strndup(source, (size_t)(packages - source) + 10) : NULL;
  tn_error *error = packages && !known ? tn_out_of_memory() : add_needs(layer, source, known);
  tn_free(known);
  return error;
}

tn_error *cli_image_python(cli_layer *layer, const char *python, const char *packages, const char *scratch) {
  enum { MOST = 64 };
  char *script = tn_strndup((const char *)tn_image_python, tn_image_python_size);
  char *names = tn_strdup(packages ? packages : ""), *text = NULL;
  char *command[MOST] = {(char *)python, "-c", script, (char *)scratch, CLI_IMAGE_PACKAGES, "numpy", "tenon"};
  int n = 7;
  tn_error *error = script && names ? NULL : tn_out_of_memory();
  for (char *name = error ? NULL : strtok(names, ","); name && n < MOST - 1; name = strtok(NULL, ","))
    command[n++] = name;
  /* The order in which a set is written into bytecode follows from this, and where others' bytecode lies. */
  setenv("PYTHONHASHSEED", "0", 1);
  setenv("PYTHONDONTWRITEBYTECODE", "1", 1);
  if (!error) error = capture(command, &text);
  for (char *line = text, *rest; line && *line && !error; line = rest) {
    rest = line + strcspn(line, "\n");
    if (*rest) *rest++ = 0;
    error = add_line(layer, line);
  }
  tn_free(script);
  tn_free(names);
  tn_free(text);
  return error;
}

/* --- the program --- */

static tn_error *add_tree(cli_layer *layer, const char *source, const char *target) {
  struct stat info;
  if (stat(source, &info) < 0) return tn_file_error(errno, "read", source);
  if (S_ISREG(info.st_mode)) return cli_layer_file(layer, target, source, info.st_mode & 0111 ? 0755 : 0644);
  if (!S_ISDIR(info.st_mode)) return NULL; /* sockets and the like stay here */
  TN_TRY(cli_layer_folder(layer, target, 0755));
  DIR *folder = opendir(source);
  if (!folder) return tn_file_error(errno, "open", source);
  tn_error *error = NULL;
  for (struct dirent *e; !error && (e = readdir(folder));) {
    char from[PATH_MAX], to[PATH_MAX];
    if (e->d_name[0] == '.' || !strcmp(e->d_name, "__pycache__")) continue;
    if (snprintf(from, sizeof from, "%s/%s", source, e->d_name) >= PATH_MAX ||
        snprintf(to, sizeof to, "%s/%s", target, e->d_name) >= PATH_MAX)
      error = tn_errorf(TN_INVALID_ARGUMENT, "the names below %s are too long", source);
    else
      error = add_tree(layer, from, to);
  }
  closedir(folder);
  return error;
}

tn_error *cli_image_program(cli_layer *layer, const char *path) {
  char full[PATH_MAX], target[PATH_MAX + 16];
  struct stat info;
  if (!realpath(path, full) || stat(full, &info) < 0) return tn_file_error(errno, "read", path);
  snprintf(target, sizeof target, CLI_IMAGE_PROGRAMS "%s", S_ISDIR(info.st_mode) ? "" : strrchr(full, '/'));
  return add_tree(layer, full, target);
}
