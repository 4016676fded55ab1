#include "rehearsal_stage.hpp"

#include <algorithm>
#include <string_view>
#include <utility>
#include <variant>

#include "aggregate/state_image.hpp"
#include "runtime_access.hpp"

namespace tyto::testing {
namespace {

// A program that takes more steps at one moment does not come to its end.
constexpr std::uint64_t most_steps_at_once = 20'000'000;

// For what follows from the last event, in the world's time, if a consumer has to try again.
constexpr std::chrono::milliseconds patience = std::chrono::minutes{5};

// Tells events that are put in from commands that are decided: the address of this is what is sent.
constexpr char events_to_put_in = 0;

error no_end(std::string_view what) {
  return {errc::timeout, "rehearsing a journal", std::string{what} + ": no end of it is in sight"};
}

// Whether a command failed for what it is. Else nothing that follows would be worth anything.
bool is_of_command(errc code) {
  switch (code) {
    case errc::full:
    case errc::io:
    case errc::permission:
    case errc::locked:
    case errc::damaged:
    case errc::stopped:
      return false;
    default:
      return true;
  }
}

}  // namespace

// An instance of the program's, which may also be told what it has decided.
class rehearsal_stage::guided_instance final : public aggregate_instance {
 public:
  guided_instance(std::unique_ptr<aggregate_instance> instance, const aggregate_definition& definition,
                  const rehearsal_stage& by)
      : instance_(std::move(instance)), definition_(definition), by_(by) {}

  result<void> replay(const event_view& event) override { return instance_->replay(event); }
  result<std::variant<std::vector<recorded_event>, rejection>> decide(const void* command) override {
    return command == &events_to_put_in ? take(*by_.given_) : instance_->decide(command);
  }
  [[nodiscard]] bool is_broken() const override { return is_broken_ || instance_->is_broken(); }
  [[nodiscard]] bool asks_for_snapshot() const override { return instance_->asks_for_snapshot(); }
  [[nodiscard]] result<std::string> image() const override { return instance_->image(); }
  result<void> restore(std::string_view image) override { return instance_->restore(image); }
  result<void> restore_base(std::string_view image, std::uint32_t schema_version) override {
    return instance_->restore_base(image, schema_version);
  }

 private:
  result<std::variant<std::vector<recorded_event>, rejection>> take(const std::vector<recorded_event>& given) {
    std::vector<recorded_event> decided;
    for (const auto& event : given) {
      if (event.meta.type == stored_name<command_rejected>) {
        auto no = event_cast<command_rejected>(event);
        if (!no) return std::move(no).error();
        return {rejection_of(**no)};
      }
      const auto type = std::ranges::find(definition_.events, event.meta.type, &event_type::name);
      auto value = (*type)->decode(event.payload);
      if (!value) return std::move(value).error();
      if (auto applied = instance_->replay({event.meta, event.payload}); !applied) {
        is_broken_ = !decided.empty();
        return std::move(applied).error();
      }
      auto& taken = decided.emplace_back(recorded_event{{}, event.payload, *std::move(value), *type});
      taken.meta.type = (*type)->name;
      taken.meta.schema_version = (*type)->schema_version;
    }
    return {std::move(decided)};
  }

  const std::unique_ptr<aggregate_instance> instance_;
  const aggregate_definition& definition_;
  const rehearsal_stage& by_;
  bool is_broken_ = false;
};

rehearsal_stage::rehearsal_stage(const event_store& history, const rehearsal_options& options, note_list& notes)
    : history_(history), options_(options), notes_(notes), scheduler_(plain_, clock_) {}

rehearsal_stage::~rehearsal_stage() {
  const detail::simulated_threads::installed here{scheduler_};
  scheduler_.kill();
  program_.reset();
}

result<void> rehearsal_stage::start(storage stores, const std::function<void(runtime&)>& program, timestamp begin) {
  const detail::simulated_threads::installed here{scheduler_};
  const auto head = stores.journal->head();
  if (!head) return head.error();
  if (*head > 0) {
    return error{errc::invalid_argument, "rehearsing a journal",
                 "the storage for the rehearsal holds " + std::to_string(*head) + " events; give an empty one"};
  }
  stores_ = std::move(stores);
  clock_.set(begin);
  auto limits = options_.runtime;
  limits.time = std::shared_ptr<const clock>{std::shared_ptr<void>{}, &clock_};
  limits.ids = counted_ids("rehearsal-");
  limits.log = [this](std::string_view line) { notes_.add(rehearsal_note::kind::logged, std::string{line}); };
  program_ = std::make_unique<runtime>(stores_, std::move(limits));
  program(*program_);
  guide(detail::runtime_access::engine_of(*program_).registered());
  if (auto started = run_to_end("starting the program", [this] { return program_->start(); }); !started) return started;
  return run_now();
}

// Takes note of what was registered, and stands between it and the runtime.
void rehearsal_stage::guide(detail::domain& registered) {
  for (const auto* definition : registered.aggregates) {
    aggregates_.emplace(definition->category, definition);
    const auto known = registered.makers.find(definition);
    auto make = known != registered.makers.end() ? known->second : definition->create;
    registered.makers.insert_or_assign(
        definition, [this, definition, make = std::move(make)](std::string_view entity_id) {
          auto instance = begin_with_base(
              make(entity_id), [&] { return make(entity_id); }, make_persistence_id(definition->category, entity_id));
          return std::make_unique<guided_instance>(std::move(instance), *definition, *this);
        });
  }
  for (auto& each : registered.deadlines) {
    for (auto& [type, handler] : each.handlers) {
      handler = [this, handler = std::move(handler)](const recorded_event& event) {
        auto follows = handler(event);
        for (const auto& step : follows ? *follows : steps{}) {
          if (const auto* on = std::get_if<set_deadline>(&step)) due_.insert(on->due);
        }
        return follows;
      };
    }
  }
  for (const auto& name : registered.consumer_names()) consumers_.emplace(name);
  projections_ = registered.projections;
}

// An aggregate whose first events were removed begins with what stands for them.
std::unique_ptr<aggregate_instance> rehearsal_stage::begin_with_base(
    std::unique_ptr<aggregate_instance> fresh, const std::function<std::unique_ptr<aggregate_instance>()>& make,
    const std::string& persistence_id) {
  const auto stream = history_.info(persistence_id);
  if (!stream || stream->first == 1 || stream->base.empty()) return fresh;
  const auto image = detail::parse_image(stream->base);
  if (!image || image->state == detail::no_state || image->at.sequence_number + 1 != stream->first) return fresh;
  return fresh->restore_base(image->state, image->at.schema_version) ? std::move(fresh) : make();
}

const aggregate_definition* rehearsal_stage::find_aggregate(std::string_view category) const {
  const auto found = aggregates_.find(category);
  return found == aggregates_.end() ? nullptr : found->second;
}

result<void> rehearsal_stage::run_now() { return run_until(clock_.now()); }

result<void> rehearsal_stage::run_until(timestamp time) {
  const auto limit = scheduler_.now() + std::max<timestamp::duration>(time - clock_.now(), {});
  const auto before = scheduler_.steps();
  while (scheduler_.step_until(limit)) {
    if (scheduler_.steps() - before > most_steps_at_once) return no_end("what follows from one event");
  }
  scheduler_.pass(std::chrono::ceil<std::chrono::microseconds>(limit - scheduler_.now()));
  return {};
}

// What has failed is tried again step by step. Then time leaps to the next moment at which there is something to do,
// for a year has millions of moments at which the runtime only looks around.
result<void> rehearsal_stage::move_to(timestamp time) {
  const detail::simulated_threads::installed here{scheduler_};
  if (time < clock_.now()) clock_.set(time);
  while (clock_.now() < time) {
    due_.erase(due_.begin(), due_.upper_bound(clock_.now()));
    const auto next = due_.empty() ? time : std::min(time, *due_.begin());
    if (auto ran = run_until(std::min<timestamp>(next, clock_.now() + 2 * options_.runtime.max_backoff)); !ran) {
      return ran;
    }
    // A deadline may have been set meanwhile that runs out before.
    const auto first = due_.upper_bound(clock_.now());
    const auto leap = first == due_.end() ? next : std::min(next, *first);
    if (leap > clock_.now()) scheduler_.pass(leap - clock_.now());
    program_->check_clock();
    if (auto ran = run_now(); !ran) return ran;
  }
  return {};
}

result<command_result> rehearsal_stage::decide(outgoing_command command, const metadata& past) {
  const detail::simulated_threads::installed here{scheduler_};
  command_options with;
  with.command_id = past.command_id;
  with.correlation_id = past.correlation_id;
  with.causation_id = past.causation_id;
  with.tags = past.tags;
  with.record_rejection = past.type == stored_name<command_rejected>;
  auto answer = std::make_shared<std::optional<command_result>>();
  detail::runtime_access::engine_of(*program_).submit(
      std::move(command), std::move(with), [answer](const command_result& outcome) { answer->emplace(outcome); },
      false);
  if (auto ran = run_now(); !ran) return std::move(ran).error();
  if (!*answer) return no_end("a command to " + past.persistence_id);
  const auto* failed = **answer ? nullptr : (**answer).error().failed();
  if (failed != nullptr && !is_of_command(failed->code())) return *failed;
  if (failed != nullptr) {
    notes_.add(rehearsal_note::kind::not_taken, past.persistence_id, past.position, failed->message());
  }
  return **answer;
}

result<void> rehearsal_stage::put_in(const std::vector<recorded_event>& decision) {
  const auto& past = decision.front().meta;
  const auto* aggregate = find_aggregate(past.category());
  const std::shared_ptr<const void> marked{std::shared_ptr<void>{}, &events_to_put_in};
  given_ = &decision;
  auto answer = decide({aggregate, std::string{past.entity_id()}, marked}, past);
  if (answer && *answer && (*answer)->repeated) {
    // The id had been forgotten when the command came again.
    auto anonymous = past;
    anonymous.command_id.clear();
    answer = decide({aggregate, std::string{past.entity_id()}, marked}, anonymous);
  }
  given_ = nullptr;
  if (!answer) return std::move(answer).error();
  return {};
}

result<void> rehearsal_stage::run_to_end(const std::string& what, const std::function<result<void>()>& work) {
  const auto done = scheduler_.begin(what, work);
  const auto before = scheduler_.steps();
  while (!*done) {
    if (!scheduler_.step() || scheduler_.steps() - before > most_steps_at_once) return no_end(what);
  }
  return **done;
}

result<void> rehearsal_stage::finish() {
  const detail::simulated_threads::installed here{scheduler_};
  const auto is_behind = [](const consumer_status& each) { return each.lag > 0; };
  if (std::ranges::any_of(program_->status().consumers, is_behind)) {
    // What hinders it is in the notes.
    (void)run_to_end("coming to rest", [this] { return program_->settle(patience); });
  }
  for (const auto& each : program_->health().problems) {
    notes_.add(rehearsal_note::kind::problem, each.subject, 0, each.why.message(), each.times);
  }
  for (const auto& each : program_->status().consumers) {
    if (each.refused > 0) {
      notes_.add(rehearsal_note::kind::refused, each.name, 0, "the last one: " + each.last_refusal, each.refused);
    }
    if (is_behind(each)) {
      notes_.add(rehearsal_note::kind::problem, "consumer '" + each.name + "'", 0,
                 "it has not come to the end of the rehearsed journal: " + each.last_error);
    }
  }
  return run_to_end("stopping the program", [this] { return program_->stop(); });
}

}  // namespace tyto::testing
