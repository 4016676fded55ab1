// The tables that msgpuck's inline functions look at. Debian's libmsgpuck.a has them, but it is not compiled for what
// is loaded at run time.
#define MP_SOURCE 1
#include <msgpuck.h>
