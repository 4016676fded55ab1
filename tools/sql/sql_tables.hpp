// A storage as tables of SQLite, for whoever embeds it: the command `tyto sql`, and the extension that the sqlite3
// shell and Python load. docs/sql.md says what the tables hold.
#pragma once

#include "tyto/result.hpp"
#include "tyto/storage.hpp"

struct sqlite3;

namespace tyto::sql {

/// Makes the tables of `opened` part of the schema `temp` of `db`: events, streams, consumers, dead_letters, and one
/// for each read model that there is by now. They can be read only. Those of a storage that was added before go, and on
/// an error they stay.
///
/// `opened` is a storage as open_lmdb() or open_memory() returns it: events are shown as they are stored. `db` shares
/// it until its tables are replaced or `db` is closed. What the tables need of it is used by the thread that uses `db`.
///
/// Fails where the read models cannot be listed; with errc::conflict if `temp` has another table of such a name, or if
/// a statement still reads the tables that were there; and with errc::io for what else SQLite refuses.
result<void> add_tables(sqlite3* db, const storage& opened);

}  // namespace tyto::sql
