// The workloads, by name. Each measures Tyto and its reference in the same run.
#pragma once

#include <vector>

#include "measurement.hpp"

namespace bench {

measurement commands(const settings& how);      // 10,000 aggregates, 2,000 commands in flight
measurement hot(const settings& how);           // one aggregate, 2,000 in flight
measurement sequential(const settings& how);    // one caller, one command at a time
measurement zipf(const settings& how);          // 100,000 aggregates, some of them much more popular
measurement replay(const settings& how);        // one stream of 1,000,000 events into state
measurement recover_many(const settings& how);  // 100,000 aggregates of 10 events each
measurement memory(const settings& how);        // 1,000,000 live idle aggregates

measurement cost(const settings& how);  // allocations of a command; under callgrind, its instructions

std::vector<measurement> chain(const settings& how);  // three hops: reaction, process manager; context switches

measurement fanout(const settings& how);                 // `commands` with 16 live consumers
measurement rebuild(const settings& how);                // a read model of 100,000 keys from 1,000,000 events
measurement rebuild_shared(const settings& how);         // one that computes for each event, in two partitions
std::vector<measurement> delivery(const settings& how);  // from durable to a subscription's handler
measurement query(const settings& how);                  // point queries from two threads, the projection running

std::vector<measurement> volume(const settings& how);  // `--millions` of events, `--seconds` or not

measurement half_load(const settings& how);            // how long answers take at half of the peak rate
std::vector<measurement> orders(const settings& how);  // the order simulation, `--seconds` or not

/// `commands` beside RocksDB and beside SQLite. Refuses relaxed durability.
std::vector<measurement> peers(const settings& how);

}  // namespace bench
