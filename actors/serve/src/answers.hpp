// What the page's server answers to requests for data, in JSON: a function of the request and of what is served. Knows
// no HTTP but for the numbers of its answers.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "history.hpp"
#include "journal_reader.hpp"
#include "served.hpp"
#include "tyto/result.hpp"

namespace tyto::detail {

/// What a request's address says after the question mark, decoded.
using parameters = std::multimap<std::string, std::string>;

struct reply {
  int status = 200;
  std::string body;  // JSON
};

/// What answers are made of.
struct answering {
  served& what;
  const history& past;
  std::string title;
  bool may_act = false;
};

/// Answers GET `path`, one of data_paths(). Throws nothing but std::bad_alloc.
reply answer_get(const answering& with, std::string_view path, const parameters& given);

/// Answers POST `path`, one of act_paths().
reply answer_post(const answering& with, std::string_view path, const std::string& body);

/// The answer that says `why` there is no other.
reply refuse(int status, std::string_view code, std::string_view message);
reply refuse(const error& why);

/// Which events `given` asks for, but for those parameters that are named in `others`.
result<wanted_events> parse_wanted(const parameters& given, std::initializer_list<std::string_view> others);
/// Returns the number `name` of `given`, or `otherwise`.
result<std::uint64_t> parse_number(const parameters& given, const char* name, std::uint64_t otherwise);

bool is_data_path(std::string_view path);
bool is_act_path(std::string_view path);

}  // namespace tyto::detail
