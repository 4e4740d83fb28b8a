// Batch reading of DWARF for coresnap._libdw.
//
// libdw answers one question per call, and each call from Python costs as much as a
// hundred of libdw's own. These functions ask many questions in one crossing and
// hold no policy. A DIE is named by its address in libdw's mapped section
// (dwarf_die_addr_die), so that a handle is a number that survives in Python.
//
// Every function returns 0 or -errno, with results in the last parameters. Every walk
// goes forward in the section only and counts what it visits, so that damaged input
// cannot loop.

#ifndef CORESNAP_CSDW_H
#define CORESNAP_CSDW_H

#include <elfutils/libdw.h>
#include <stddef.h>
#include <stdint.h>

#include "../libdw.cdef.h"

#endif
