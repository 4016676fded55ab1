// An errand that outlives the agent: letters that are to be sent, one after the other, by a tool. What the agent is
// about to do is on record before it does it, and what came of it after. An agent that was killed reads there where it
// was: it asks for no letter again whose receipt is on record, and asks for the one that was under way under the same
// id.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tyto/decision.hpp>
#include <tyto/event.hpp>
#include <variant>
#include <vector>

namespace agent {

struct errand_begun {
  std::vector<std::string> letters;
};
struct call_requested {
  std::uint64_t number = 0;  // of the letter, from 0
};
struct call_answered {
  std::uint64_t number = 0;
  std::string receipt;
};
TYTO_EVENT(errand_begun, "errand.begun", letters)
TYTO_EVENT(call_requested, "errand.call_requested", number)
TYTO_EVENT(call_answered, "errand.call_answered", number, receipt)

struct errand {
  static constexpr std::string_view category = "errand";

  struct begin {
    std::vector<std::string> letters;
  };
  struct request_call {
    std::uint64_t number = 0;
  };
  struct record_answer {
    std::uint64_t number = 0;
    std::string receipt;
  };

  using command = std::variant<begin, request_call, record_answer>;
  using event = std::variant<errand_begun, call_requested, call_answered>;
  struct state {
    std::vector<std::string> letters;
    std::vector<std::string> receipts;  // of the first letters
    bool is_under_way = false;          // the letter after these
  };

  static tyto::decision<event> decide(const state& now, const begin& c) {
    if (now.letters.empty()) return errand_begun{c.letters};
    return tyto::nothing;
  }
  static tyto::decision<event> decide(const state& now, const request_call& c) {
    if (c.number != now.receipts.size() || c.number >= now.letters.size()) return tyto::reject("it is not its turn");
    if (now.is_under_way) return tyto::nothing;
    return call_requested{c.number};
  }
  static tyto::decision<event> decide(const state& now, const record_answer& c) {
    if (!now.is_under_way || c.number != now.receipts.size()) return tyto::reject("it was not asked for");
    return call_answered{c.number, c.receipt};
  }

  static state evolve(state, const errand_begun& e) { return {e.letters, {}, false}; }
  static state evolve(state now, const call_requested&) {
    now.is_under_way = true;
    return now;
  }
  static state evolve(state now, const call_answered& e) {
    now.receipts.push_back(e.receipt);
    now.is_under_way = false;
    return now;
  }
};

}  // namespace agent
