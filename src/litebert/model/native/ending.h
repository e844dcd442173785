// How a call ends. An exception that leaves a thread, or the library, would end the process.

#pragma once

#include <new>

namespace {

enum { DONE, NO_MEMORY, UNKNOWN };  // Unknown: a number that is none of a table's rows.

template <class Work>
int ended(Work work) {
    try {
        work();
    } catch (const std::bad_alloc &) {
        return NO_MEMORY;
    }
    return DONE;
}

}  // namespace
