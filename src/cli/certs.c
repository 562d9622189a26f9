/* `tenon certs`: a certificate authority of one's own, and a certificate that it signed for each task. */
#include <arpa/inet.h>
#include <errno.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "cli/cli.h"

enum { PATH_SIZE = 4096, NAME_SIZE = 64, NAMES_SIZE = 1024 };

/* A key and its certificate. */
typedef struct identity {
  EVP_PKEY *key;
  X509 *certificate;
} identity;

static void free_identity(identity *i) {
  EVP_PKEY_free(i->key);
  X509_free(i->certificate);
}

static tn_error *openssl_error(const char *what) {
  const char *reason = ERR_reason_error_string(ERR_get_error());
  return tn_errorf(TN_INTERNAL, "%s: %s", what, reason ? reason : "OpenSSL gives no reason");
}

/* --- files --- */

static tn_error *path_of(const char *folder, const char *name, const char *suffix, char path[PATH_SIZE]) {
  if (snprintf(path, PATH_SIZE, "%s/%s.%s", folder, name, suffix) < PATH_SIZE) return NULL;
  return tn_errorf(TN_INVALID_ARGUMENT, "'%s' is too long for a folder's name", folder);
}

/* Opens a file that must not exist yet; only its owner may read a key. */
static tn_error *create(const char *path, bool secret, FILE **out) {
  int fd = open(path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, secret ? 0600 : 0644);
  *out = fd < 0 ? NULL : fdopen(fd, "w");
  if (*out) return NULL;
  return tn_errorf(errno == EEXIST ? TN_ALREADY_EXISTS : TN_PERMISSION_DENIED, "cannot write %s: %s", path,
                   strerror(errno));
}

static tn_error *save(const char *folder, const char *name, const identity *i) {
  char path[PATH_SIZE];
  FILE *file;
  TN_TRY(path_of(folder, name, "key", path));
  TN_TRY(create(path, true, &file));
  bool good = PEM_write_PrivateKey(file, i->key, NULL, NULL, 0, NULL, NULL) == 1;
  if (fclose(file) || !good) return tn_errorf(TN_INTERNAL, "cannot write %s", path);
  TN_TRY(path_of(folder, name, "pem", path));
  TN_TRY(create(path, false, &file));
  good = PEM_write_X509(file, i->certificate) == 1;
  if (fclose(file) || !good) return tn_errorf(TN_INTERNAL, "cannot write %s", path);
  return NULL;
}

/* The authority that lies in FOLDER; *FOUND is false if there is none. */
static tn_error *load_authority(const char *folder, identity *out, bool *found) {
  char key_path[PATH_SIZE], path[PATH_SIZE];
  TN_TRY(path_of(folder, "ca", "key", key_path));
  TN_TRY(path_of(folder, "ca", "pem", path));
  *found = !access(key_path, F_OK) || !access(path, F_OK);
  if (!*found) return NULL;
  FILE *file = fopen(key_path, "r");
  if (file) {
    out->key = PEM_read_PrivateKey(file, NULL, NULL, NULL);
    fclose(file);
  }
  if (!out->key) return tn_errorf(TN_INVALID_ARGUMENT, "%s holds no key that can be read", key_path);
  file = fopen(path, "r");
  if (file) {
    out->certificate = PEM_read_X509(file, NULL, NULL, NULL);
    fclose(file);
  }
  if (!out->certificate) return tn_errorf(TN_INVALID_ARGUMENT, "%s holds no certificate that can be read", path);
  if (X509_check_private_key(out->certificate, out->key) != 1)
    return tn_errorf(TN_INVALID_ARGUMENT, "%s is not the key of %s", key_path, path);
  return NULL;
}

/* --- certificates --- */

static bool add_extension(X509 *certificate, X509 *issuer, int kind, const char *value) {
  X509V3_CTX context;
  X509V3_set_ctx(&context, issuer, certificate, NULL, NULL, 0);
  X509_EXTENSION *extension = X509V3_EXT_conf_nid(NULL, &context, kind, value);
  bool good = extension && X509_add_ext(certificate, extension, -1) == 1;
  X509_EXTENSION_free(extension);
  return good;
}

/* A random serial number of 127 bits. */
static bool set_serial(X509 *certificate) {
  BIGNUM *number = BN_new();
  bool good = number && BN_rand(number, 127, BN_RAND_TOP_ANY, BN_RAND_BOTTOM_ANY) == 1 &&
              BN_to_ASN1_INTEGER(number, X509_get_serialNumber(certificate));
  BN_free(number);
  return good;
}

static bool set_fields(X509 *c, const char *name, X509 *issuer, EVP_PKEY *key, int64_t days) {
  X509_NAME *subject = X509_get_subject_name(c);
  return X509_set_version(c, 2) == 1 && set_serial(c) && X509_gmtime_adj(X509_getm_notBefore(c), -300) &&
         X509_time_adj_ex(X509_getm_notAfter(c), (int)days, 0, NULL) && X509_set_pubkey(c, key) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "O", MBSTRING_UTF8, (const unsigned char *)"tenon", -1, -1, 0) == 1 &&
         X509_NAME_add_entry_by_txt(subject, "CN", MBSTRING_UTF8, (const unsigned char *)name, -1, -1, 0) == 1 &&
         X509_set_issuer_name(c, X509_get_subject_name(issuer)) == 1;
}

/* A new identity NAME, signed by AUTHORITY (NULL: by itself, to be one). NAMES is its subjectAltName. */
static tn_error *make(const char *name, const char *names, const identity *authority, int64_t days, identity *out) {
  out->key = EVP_EC_gen("P-256");
  out->certificate = X509_new();
  X509 *c = out->certificate, *issuer = authority ? authority->certificate : c;
  bool good = out->key && c && set_fields(c, name, issuer, out->key, days);
  if (good && authority)
    good = add_extension(c, issuer, NID_basic_constraints, "critical,CA:FALSE") &&
           add_extension(c, issuer, NID_key_usage, "critical,digitalSignature") &&
           add_extension(c, issuer, NID_ext_key_usage, "serverAuth,clientAuth") &&
           add_extension(c, issuer, NID_subject_alt_name, names);
  else if (good)
    good = add_extension(c, issuer, NID_basic_constraints, "critical,CA:TRUE,pathlen:0") &&
           add_extension(c, issuer, NID_key_usage, "critical,keyCertSign,cRLSign") &&
           add_extension(c, issuer, NID_subject_key_identifier, "hash");
  if (good && authority) good = add_extension(c, issuer, NID_authority_key_identifier, "keyid:always");
  good = good && X509_sign(c, authority ? authority->key : out->key, EVP_sha256());
  return good ? NULL : openssl_error(name);
}

/* --- tasks --- */

static bool is_word(const char *text, size_t size) {
  for (size_t i = 0; i < size; i++)
    if (!strchr("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.:", text[i])) return false;
  return size > 0;
}

/* "worker0=10.0.0.7,w0.example": the file's name, and all names and numbers under which the task is reached. */
static tn_error *parse_task(const char *text, char name[NAME_SIZE], char names[NAMES_SIZE]) {
  const char *equals = strchr(text, '=');
  size_t size = equals ? (size_t)(equals - text) : strlen(text);
  if (!is_word(text, size) || size >= NAME_SIZE || *text == '.' || memchr(text, ':', size))
    return tn_errorf(TN_INVALID_ARGUMENT, "'%s': expected NAME or NAME=HOST,HOST...", text);
  snprintf(name, NAME_SIZE, "%.*s", (int)size, text);
  int used = snprintf(names, NAMES_SIZE, "DNS:localhost,IP:127.0.0.1,IP:::1,DNS:%s", name);
  for (const char *host = equals ? equals + 1 : NULL; host;) {
    size_t length = strcspn(host, ",");
    char one[256], bytes[16];
    if (!is_word(host, length) || length >= sizeof one)
      return tn_errorf(TN_INVALID_ARGUMENT, "'%s': after the = stand hosts, with commas between", text);
    snprintf(one, sizeof one, "%.*s", (int)length, host);
    bool number = inet_pton(AF_INET, one, bytes) == 1 || inet_pton(AF_INET6, one, bytes) == 1;
    used += snprintf(names + used, (size_t)(NAMES_SIZE - used), ",%s:%s", number ? "IP" : "DNS", one);
    if (used >= NAMES_SIZE) return tn_errorf(TN_INVALID_ARGUMENT, "'%s': too many hosts", text);
    host = host[length] ? host + length + 1 : NULL;
  }
  return NULL;
}

static tn_error *make_task(const char *folder, const char *text, const identity *authority, int64_t days, bool quiet) {
  char name[NAME_SIZE], names[NAMES_SIZE];
  identity task = {0};
  TN_TRY(parse_task(text, name, names));
  tn_error *error = make(name, names, authority, days, &task);
  if (!error) error = save(folder, name, &task);
  free_identity(&task);
  if (!error && !quiet) printf("%s/%s.pem and .key: %s\n", folder, name, names);
  return error;
}

tn_error *cli_make_certificates(const char *folder, int n, char *const *tasks, int64_t days, bool quiet) {
  identity authority = {0};
  bool found = false;
  if (mkdir(folder, 0755) && errno != EEXIST)
    return tn_errorf(TN_PERMISSION_DENIED, "cannot make the folder %s: %s", folder, strerror(errno));
  tn_error *error = load_authority(folder, &authority, &found);
  if (!error && !found) {
    error = make("tenon authority", NULL, NULL, days, &authority);
    if (!error) error = save(folder, "ca", &authority);
    if (!error && !quiet) printf("%s/ca.pem and .key: a new authority\n", folder);
  }
  for (int i = 0; i < n && !error; i++) error = make_task(folder, tasks[i], &authority, days, quiet);
  free_identity(&authority);
  return error;
}

static int run(const cli_command *command, int argc, char **argv) {
  int64_t days = 365;
  const cli_option options[] = {{"days", CLI_INT, &days, "N", "how long the certificates hold"}, {.name = NULL}};
  int n, code = cli_parse(command, options, argc, argv, &n);
  if (code >= 0) return code;
  if (n < 1) return cli_usage(command, "expected a folder, then tasks");
  if (days < 1 || days > 36500) return cli_usage(command, "--days takes 1 to 36500, not %lld", (long long)days);
  tn_error *error = cli_make_certificates(argv[0], n - 1, argv + 1, days, false);
  return error ? cli_fail(error) : CLI_OK;
}

const cli_command cli_certs = {
    .name = "certs",
    .arguments = "FOLDER [TASK[=HOST,...]]... [--days N]",
    .summary = "Make certificates for the tasks of a cluster.",
    .details =
        "FOLDER gets ca.pem and ca.key, unless they are there, and TASK.pem and TASK.key for each task: good for\n"
        "the hosts that are given, and for localhost. Keep ca.key away from the tasks.",
    .run = run,
};
