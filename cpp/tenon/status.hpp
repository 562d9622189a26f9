/* Errors in C++: a Status to look at, or an Error to catch. Functions with a capital letter return a Status; those
 * without throw (they are there only where exceptions are enabled). */
#ifndef TENON_STATUS_HPP
#define TENON_STATUS_HPP

#include <ostream>
#include <stdexcept>
#include <string>
#include <tenon/error.h>
#include <utility>

#if defined(__cpp_exceptions)
#define TENON_EXCEPTIONS 1
#else
#define TENON_EXCEPTIONS 0
#endif

namespace tenon {

/* The canonical codes: TN_OK, TN_INVALID_ARGUMENT, ... */
using Code = tn_code;

#if TENON_EXCEPTIONS
/* What functions throw: a code and a message that names the op and the node. */
class Error : public std::runtime_error {
public:
  Error(Code code, const std::string &message) : std::runtime_error(message), code_(code) {}
  Code code() const { return code_; }

private:
  Code code_;
};
#endif

/* Success, or a code and a message. */
class [[nodiscard]] Status {
public:
  Status() = default;
  Status(Code code, std::string message) : code_(code), message_(std::move(message)) {}
  /* Takes ERROR over and frees it; NULL is success. */
  explicit Status(tn_error *error) : code_(tn_error_code(error)), message_(tn_error_message(error)) {
    tn_error_free(error);
  }
  static Status OK() { return Status(); }

  bool ok() const { return code_ == TN_OK; }
  Code code() const { return code_; }
  const std::string &message() const { return message_; }
  /* "OK" or "INVALID_ARGUMENT: what and where". */
  std::string ToString() const { return ok() ? "OK" : std::string(tn_code_name(code_)) + ": " + message_; }
  /* Keeps the first error. */
  void Update(const Status &other) {
    if (ok()) *this = other;
  }
  void IgnoreError() const {}
#if TENON_EXCEPTIONS
  /* Throws an Error unless this is success. */
  void check() const {
    if (!ok()) throw Error(code_, message_);
  }
#endif

private:
  Code code_ = TN_OK;
  std::string message_;
};

inline std::ostream &operator<<(std::ostream &out, const Status &status) { return out << status.ToString(); }

/* Returns the Status of CALL from the enclosing function, if it is an error. */
#define TENON_RETURN_IF_ERROR(call)                                                                                    \
  do {                                                                                                                 \
    ::tenon::Status tenon_status_(call);                                                                               \
    if (!tenon_status_.ok()) return tenon_status_;                                                                     \
  } while (0)

} // namespace tenon
#endif
