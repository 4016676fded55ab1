// A small and complete process manager, into which each case brings one mistake.
#pragma once

#include "prelude.hpp"
#include "tyto/process_manager.hpp"

using tyto::metadata;

struct waiting {
  tyto::timestamp until;
};
struct ended {};
TYTO_EVENT(waiting, "visit.waiting", until)
TYTO_EVENT(ended, "visit.ended")

struct visit {
  static constexpr std::string_view name = "visit";
  using inputs = tyto::events<opened>;
  using event = std::variant<waiting, ended>;
  struct state {
    bool over = false;
  };
  static tyto::correlation correlate(const opened&, const metadata& m) { return tyto::starts(m.entity_id()); }
  static tyto::decision<event> on(const state&, const opened&, const metadata& m) { return waiting{m.time}; }
  static state evolve(state s, const waiting&) { return s; }
  static state evolve(state, const ended&) { return {true}; }
};
TYTO_VALUE(visit::state, over)
