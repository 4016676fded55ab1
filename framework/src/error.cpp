#include "tyto/error.hpp"

#include <utility>

#include "tyto/printable.hpp"

namespace tyto {

std::string_view name(errc code) {
  switch (code) {
    case errc::invalid_argument:
      return "invalid_argument";
    case errc::conflict:
      return "conflict";
    case errc::overloaded:
      return "overloaded";
    case errc::timeout:
      return "timeout";
    case errc::stopped:
      return "stopped";
    case errc::handler_failed:
      return "handler_failed";
    case errc::unknown_event_type:
      return "unknown_event_type";
    case errc::undecodable:
      return "undecodable";
    case errc::missing_upcaster:
      return "missing_upcaster";
    case errc::closed:
      return "closed";
    case errc::truncated:
      return "truncated";
    case errc::damaged:
      return "damaged";
    case errc::newer_format:
      return "newer_format";
    case errc::foreign:
      return "foreign";
    case errc::locked:
      return "locked";
    case errc::full:
      return "full";
    case errc::permission:
      return "permission";
    case errc::io:
      return "io";
  }
  return "unknown";
}

error::error(errc code, std::string doing, std::string detail)
    : code_(code), doing_(std::move(doing)), detail_(std::move(detail)) {}

std::string error::message() const {
  auto text = printable(doing_);
  text += ": ";
  text += detail_.empty() ? std::string{name(code_)} : printable(detail_);
  if (cause_) text += "; caused by " + cause_->message();
  return text;
}

error error::because(error cause) && {
  cause_ = std::make_shared<const error>(std::move(cause));
  return std::move(*this);
}

error error::with(version_conflict conflict) && {
  conflict_ = conflict;
  return std::move(*this);
}

}  // namespace tyto
