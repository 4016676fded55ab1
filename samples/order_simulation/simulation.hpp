// Drives the runtime: hands in the invoices as commands, waits until everything that follows from them has happened,
// and asks the read model.
#pragma once

#include <cstdint>
#include <filesystem>
#include <functional>
#include <map>
#include <memory>
#include <string>
#include <tyto/result.hpp>
#include <tyto/runtime.hpp>
#include <tyto/storage.hpp>

#include "audit.hpp"
#include "invoice.hpp"
#include "mail_server.hpp"
#include "pace.hpp"
#include "payment_gateway.hpp"

namespace shop {

/// How the customers were told, in one run.
struct notification_figures {
  std::uint64_t sent = 0;
  std::uint64_t failures = 0;  // attempts that failed
  std::uint64_t lag = 0;       // events behind the journal's head when every order had its outcome
  std::uint64_t parked = 0;    // dead letters after the last event
  std::uint64_t replayed = 0;  // of them
  std::string last;
};

struct simulation_outcome {
  std::map<std::string, std::uint64_t> rejected_orders;   // by reason
  std::map<std::string, std::uint64_t> rejected_returns;  // by reason
  std::uint64_t events_before = 0;                        // in the journal when the run began
  std::uint64_t events_after = 0;
  double seconds = 0;         // from the start of the runtime until all was settled
  pace over_time;             // of the events
  double orders_seconds = 0;  // until every order had its outcome, told to its customer or not
  notification_figures notifications;
  read_model_view read_model;
};

struct simulation_options {
  payment_gateway gateway;
  mail_faults mail;
  std::int64_t initial_stock = 0;  // units of each stock code
  bool show_progress = false;
  std::function<bool()> stop_asked = {};      // looked at all the time, from any thread; none: never
  std::filesystem::path control_socket = {};  // where the runtime listens while it runs; none: nowhere
  /// Called when the runtime has started. What it returns lives until the runtime stops; a failure ends the run.
  std::function<tyto::result<std::shared_ptr<void>>(tyto::runtime&)> begin_showing = {};
  /// Called when all is done, before the runtime stops.
  std::function<void(const simulation_outcome&)> before_end = {};
};

/// Runs the shop on `stores` until every invoice of `source` is dealt with. Commands that the journal has seen before
/// have no second effect, so a run that was cut off is finished by running it again.
///
/// Gives up when something is broken that is not mended by trying again, with the error, and with errc::stopped when it
/// is asked to stop.
tyto::result<simulation_outcome> simulate(const tyto::storage& stores, const invoice_source& source,
                                          const simulation_options& options);

}  // namespace shop
