// SPDX-License-Identifier: GPL-2.0-or-later
//
// A name for each thing that makes two pieces of code or data differ. In the product HP_DIFFERS(name, condition) is the condition and
// nothing else; common/support/mutation.h says what else it can be.
#pragma once

#include "common/support/mutation.h"

#ifdef HOTPATCH_MUTATIONS
#define HP_DIFFERS(rule, ...) (::hotpatch::holds_unless_forgotten(#rule, (__VA_ARGS__)))
#else
#define HP_DIFFERS(rule, ...) (__VA_ARGS__)
#endif
