/* Tensors in C++: a counted reference to a C tensor, with typed views of its elements. */
#ifndef TENON_TENSOR_HPP
#define TENON_TENSOR_HPP

#include <complex>
#include <cstring>
#include <initializer_list>
#include <tenon/status.hpp>
#include <tenon/tensor.h>
#include <vector>

namespace tenon {

using DataType = tn_dtype;
constexpr DataType DT_FLOAT = TN_FLOAT, DT_DOUBLE = TN_DOUBLE, DT_INT32 = TN_INT32, DT_UINT8 = TN_UINT8,
                   DT_INT16 = TN_INT16, DT_INT8 = TN_INT8, DT_STRING = TN_STRING, DT_COMPLEX64 = TN_COMPLEX64,
                   DT_INT64 = TN_INT64, DT_BOOL = TN_BOOL, DT_BFLOAT16 = TN_BFLOAT16, DT_UINT16 = TN_UINT16,
                   DT_COMPLEX128 = TN_COMPLEX128, DT_HALF = TN_HALF, DT_RESOURCE = TN_RESOURCE, DT_VARIANT = TN_VARIANT,
                   DT_UINT32 = TN_UINT32, DT_UINT64 = TN_UINT64;

/* The dtype of a C++ type: DataTypeOf<float>::value. */
template <typename T> struct DataTypeOf;
#define TENON_DTYPE(type, dtype)                                                                                       \
  template <> struct DataTypeOf<type> { static constexpr DataType value = dtype; }
TENON_DTYPE(float, TN_FLOAT);
TENON_DTYPE(double, TN_DOUBLE);
TENON_DTYPE(int8_t, TN_INT8);
TENON_DTYPE(int16_t, TN_INT16);
TENON_DTYPE(int32_t, TN_INT32);
TENON_DTYPE(int64_t, TN_INT64);
TENON_DTYPE(uint8_t, TN_UINT8);
TENON_DTYPE(uint16_t, TN_UINT16);
TENON_DTYPE(uint32_t, TN_UINT32);
TENON_DTYPE(uint64_t, TN_UINT64);
TENON_DTYPE(bool, TN_BOOL);
TENON_DTYPE(std::complex<float>, TN_COMPLEX64);
TENON_DTYPE(std::complex<double>, TN_COMPLEX128);
TENON_DTYPE(tn_string, TN_STRING);
#undef TENON_DTYPE

/* A shape; in graphs a size may be -1 (unknown), and the whole may be unknown: TensorShape::Unknown(). */
class TensorShape {
public:
  TensorShape() = default;
  TensorShape(std::initializer_list<int64_t> sizes) : TensorShape(sizes.begin(), sizes.size()) {}
  explicit TensorShape(const std::vector<int64_t> &sizes) : TensorShape(sizes.data(), sizes.size()) {}
  TensorShape(const int64_t *sizes, size_t rank) {
    shape_.rank = rank <= TN_MAX_RANK ? static_cast<int>(rank) : TN_MAX_RANK + 1;
    for (size_t i = 0; i < rank && i < TN_MAX_RANK; i++) shape_.dims[i] = sizes[i];
  }
  explicit TensorShape(const tn_shape &shape) : shape_(shape) {}
  static TensorShape Unknown() {
    TensorShape shape;
    shape.shape_.rank = -1;
    return shape;
  }

  /* The rank; -1 if it is not known. */
  int dims() const { return shape_.rank; }
  int64_t dim_size(int i) const { return shape_.dims[i]; }
  int64_t num_elements() const {
    int64_t n = 1;
    for (int i = 0; i < shape_.rank; i++) n *= shape_.dims[i];
    return n;
  }
  /* "[2,?,3]". */
  std::string DebugString() const {
    if (shape_.rank < 0) return "<unknown>";
    std::string text = "[";
    for (int i = 0; i < shape_.rank; i++) {
      text += (i ? "," : "") + (shape_.dims[i] < 0 ? std::string("?") : std::to_string(shape_.dims[i]));
    }
    return text + "]";
  }
  bool operator==(const TensorShape &other) const {
    return shape_.rank == other.shape_.rank &&
           (shape_.rank <= 0 || !std::memcmp(shape_.dims, other.shape_.dims, sizeof(int64_t) * shape_.rank));
  }
  bool operator!=(const TensorShape &other) const { return !(*this == other); }
  const tn_shape *c_shape() const { return &shape_; }

private:
  tn_shape shape_ = {};
};
using PartialTensorShape = TensorShape;

/* A view of RANK dimensions: view(i, j, ...). It does not own the elements. */
template <typename T, int RANK> class View {
public:
  View(T *data, const int64_t *sizes) : data_(data) {
    for (int i = 0; i < RANK; i++) sizes_[i] = sizes[i];
  }
  template <typename... Index> T &operator()(Index... index) const {
    static_assert(sizeof...(Index) == RANK, "one index for each dimension");
    int64_t at = 0;
    int i = 0;
    ((at = at * sizes_[i++] + static_cast<int64_t>(index)), ...);
    return data_[at];
  }
  T &operator[](int64_t i) const { return data_[i]; }
  int64_t dimension(int i) const { return sizes_[i]; }
  int64_t size() const {
    int64_t n = 1;
    for (int i = 0; i < RANK; i++) n *= sizes_[i];
    return n;
  }
  T *data() const { return data_; }
  T *begin() const { return data_; }
  T *end() const { return data_ + size(); }

private:
  T *data_;
  int64_t sizes_[RANK ? RANK : 1] = {1};
};

/* The elements, a row a line. */
template <typename T, int RANK> std::ostream &operator<<(std::ostream &out, const View<T, RANK> &view) {
  int64_t row = RANK > 1 ? view.dimension(RANK - 1) : view.size();
  for (int64_t i = 0; i < view.size(); i++) out << (i == 0 ? "" : i % row ? " " : "\n") << +view[i];
  return out;
}

/* A dense array that shares its elements with its copies. */
class Tensor {
public:
  Tensor() = default;
  /* Takes TENSOR over. */
  explicit Tensor(tn_tensor *tensor) : tensor_(tensor) {}
  Tensor(const Tensor &other) : tensor_(other.tensor_ ? tn_tensor_ref(other.tensor_) : nullptr) {}
  Tensor(Tensor &&other) noexcept : tensor_(std::exchange(other.tensor_, nullptr)) {}
  Tensor &operator=(Tensor other) noexcept {
    std::swap(tensor_, other.tensor_);
    return *this;
  }
  ~Tensor() { tn_tensor_free(tensor_); }

  /* Zeros of DTYPE and SHAPE. */
  static Status Make(DataType dtype, const TensorShape &shape, Tensor *out) {
    return Store(tn_tensor_new, out, dtype, shape.dims(), shape.c_shape()->dims);
  }
  /* A copy of the shape's number of elements from DATA. */
  template <typename T> static Status Copy(const T *data, const TensorShape &shape, Tensor *out) {
    return Store(tn_tensor_copy_of, out, DataTypeOf<T>::value, shape.dims(), shape.c_shape()->dims, data);
  }
  /* A string tensor; SHAPE must have as many elements as STRINGS. */
  static Status Strings(const std::vector<std::string> &strings, const TensorShape &shape, Tensor *out) {
    if (shape.num_elements() != static_cast<int64_t>(strings.size())) {
      return Status(TN_INVALID_ARGUMENT,
                    std::to_string(strings.size()) + " strings do not fill " + shape.DebugString());
    }
    std::vector<tn_string> items;
    for (const auto &text : strings) items.push_back({const_cast<char *>(text.data()), text.size()});
    return Store(tn_tensor_strings, out, shape.dims(), shape.c_shape()->dims, items.data());
  }
  /* Elements that stay the caller's, and must outlive every copy of the tensor. */
  template <typename T> static Status Borrow(T *data, const TensorShape &shape, Tensor *out) {
    size_t size = sizeof(T) * static_cast<size_t>(shape.num_elements());
    return Store(tn_tensor_borrow, out, DataTypeOf<T>::value, shape.dims(), shape.c_shape()->dims, data, size, nullptr,
                 nullptr);
  }
#if TENON_EXCEPTIONS
  Tensor(DataType dtype, const TensorShape &shape) { Make(dtype, shape, this).check(); }
  /* A scalar. */
  template <typename T, DataType = DataTypeOf<T>::value> explicit Tensor(T value) {
    Copy(&value, TensorShape(), this).check();
  }
  explicit Tensor(const std::string &text) { Strings({text}, TensorShape(), this).check(); }
  template <typename T> Tensor(const std::vector<T> &values, const TensorShape &shape) {
    if (shape.num_elements() != static_cast<int64_t>(values.size())) {
      throw Error(TN_INVALID_ARGUMENT, std::to_string(values.size()) + " values do not fill " + shape.DebugString());
    }
    Copy(values.data(), shape, this).check();
  }
#endif

  bool IsInitialized() const { return tensor_ != nullptr; }
  DataType dtype() const { return tensor_ ? tn_tensor_dtype(tensor_) : TN_INVALID; }
  TensorShape shape() const {
    int64_t sizes[TN_MAX_RANK];
    for (int i = 0; i < dims(); i++) sizes[i] = dim_size(i);
    return TensorShape(sizes, static_cast<size_t>(dims()));
  }
  int dims() const { return tensor_ ? tn_tensor_rank(tensor_) : 0; }
  int64_t dim_size(int i) const { return tn_tensor_dim(tensor_, i); }
  int64_t NumElements() const { return tensor_ ? tn_tensor_elements(tensor_) : 0; }
  size_t TotalBytes() const { return tensor_ ? tn_tensor_bytes(tensor_) : 0; }
  tn_tensor *c_tensor() const { return tensor_; }

  /* The first element, NULL if the elements are not of type T. Do not write once the tensor is shared or was run. */
  template <typename T> T *data() const {
    return dtype() == DataTypeOf<T>::value ? static_cast<T *>(tn_tensor_data(tensor_)) : nullptr;
  }
  /* The elements in a row. */
  template <typename T> View<T, 1> flat() const {
    T *first = Checked<T>(-1);
    int64_t size = first ? NumElements() : 0;
    return View<T, 1>(first, &size);
  }
  /* The elements by RANK indices. */
  template <typename T, int RANK> View<T, RANK> tensor() const {
    T *first = Checked<T>(RANK);
    int64_t sizes[TN_MAX_RANK] = {};
    for (int i = 0; first && i < RANK; i++) sizes[i] = dim_size(i);
    return View<T, RANK>(first, sizes);
  }
  template <typename T> View<T, 0> scalar() const { return tensor<T, 0>(); }
  template <typename T> View<T, 1> vec() const { return tensor<T, 1>(); }
  template <typename T> View<T, 2> matrix() const { return tensor<T, 2>(); }
  /* The elements of a string tensor. */
  std::vector<std::string> strings() const {
    std::vector<std::string> texts;
    for (const auto &item : flat<tn_string>()) texts.emplace_back(item.data ? item.data : "", item.size);
    return texts;
  }
  /* The same elements under another shape. */
  Status Reshape(const TensorShape &shape, Tensor *out) const {
    return Store(tn_tensor_reshape, out, tensor_, shape.dims(), shape.c_shape()->dims);
  }

private:
  template <typename Function, typename... Arguments>
  static Status Store(Function make, Tensor *out, Arguments... arguments) {
    tn_tensor *made = nullptr;
    TENON_RETURN_IF_ERROR(Status(make(arguments..., &made)));
    *out = Tensor(made);
    return Status();
  }
  /* The first element if type and rank (-1: any) are right; an Error, or NULL without exceptions, if not. */
  template <typename T> T *Checked(int rank) const {
    T *first = data<T>();
    bool good = dtype() == DataTypeOf<T>::value && (rank < 0 || rank == dims());
#if TENON_EXCEPTIONS
    if (!good) {
      throw Error(TN_INVALID_ARGUMENT, std::string("a ") + tn_dtype_name(dtype()) + " tensor of shape " +
                                           shape().DebugString() + " seen as " + tn_dtype_name(DataTypeOf<T>::value) +
                                           " of rank " + (rank < 0 ? "any" : std::to_string(rank)));
    }
#endif
    return good ? first : nullptr;
  }

  tn_tensor *tensor_ = nullptr;
};

} // namespace tenon
#endif
