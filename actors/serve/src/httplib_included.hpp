// cpp-httplib, included as Debian's library of it was built, and without warnings of ours.
#pragma once

#pragma GCC system_header
#include <httplib.h>
