/* Tenon for C++17: header-only, over the C library (-ltenon). */
#ifndef TENON_TENON_HPP
#define TENON_TENON_HPP

#include <tenon/model.hpp>
#include <tenon/ops.hpp>
#include <tenon/saved_model.hpp>
#include <tenon/scope.hpp>
#include <tenon/session.hpp>
#include <tenon/status.hpp>
#include <tenon/tensor.hpp>

#endif
