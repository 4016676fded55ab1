// SQLite's C interface, for both ways in which these sources are compiled: linked to SQLite (SQLITE_CORE is defined),
// or as an extension that is handed the interface of whoever loads it.
#pragma once

#include <sqlite3ext.h>

SQLITE_EXTENSION_INIT3
