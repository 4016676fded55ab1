// Who hears what becomes of a command: a caller's function, or somebody who has sent many.
#pragma once

#include <cstddef>
#include <functional>
#include <memory>
#include <type_traits>
#include <utility>
#include <variant>

#include "gate.hpp"
#include "tyto/command.hpp"

namespace tyto::detail {

/// Gets the answers to commands that it has numbered.
class answer_taker {
 public:
  virtual ~answer_taker() = default;
  /// Takes the answer to the command `number`, from any thread.
  virtual void answered(std::size_t number, const command_result& outcome) = 0;
};

/// Called once, from any thread. Where a gate has let the command in, the command leaves it then. A caller who waits
/// has lent the thread, see lent_thread: being called does nothing but wake that thread up.
class command_reply {
 public:
  using function = std::function<void(const command_result&)>;

  template <class Done>
  requires std::is_constructible_v<function, Done> command_reply(Done done, gate* let_in = nullptr, bool waits = false)
      : to_(caller{std::move(done), let_in, waits}) {}
  command_reply(std::shared_ptr<answer_taker> to, std::size_t number) : to_(one_of_many{std::move(to), number}) {}

  void operator()(const command_result& outcome) const {
    if (const auto* many = std::get_if<one_of_many>(&to_)) return many->sender->answered(many->number, outcome);
    const auto& one = std::get<caller>(to_);
    if (one.let_in == nullptr) return one.done(outcome);
    one.let_in->leave_with(one.done, outcome);
  }

  [[nodiscard]] bool caller_waits() const {
    const auto* one = std::get_if<caller>(&to_);
    return one != nullptr && one->waits;
  }

 private:
  struct caller {
    function done;
    gate* let_in;
    bool waits;
  };
  struct one_of_many {
    std::shared_ptr<answer_taker> sender;
    std::size_t number;
  };

  std::variant<caller, one_of_many> to_;
};

}  // namespace tyto::detail
