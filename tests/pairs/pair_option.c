// SPDX-License-Identifier: GPL-2.0-or-later
// Which static is which cannot be told, and the user says it.
// OPTIONS: --pair state.0=state.1 --pair state.1=state.0
// CLANG-OPTIONS: --pair f.state=f.state.1 --pair f.state.1=f.state
// EXPECT-CHANGED: f
#include "statics_ambiguous.c"
