#include "prelude.hpp"

#pragma GCC diagnostic error "-Wunused-result"

void close_all() {
  // expect error: a command is sent when a handler returns it or runtime::execute() gets it
  tyto::send<account>("1", close_account{});
}
