// SPDX-License-Identifier: GPL-2.0-or-later
//
// The modules of a base as they were shipped: what a machine with this kernel loads, signature included. They come out of the image
// package in the cache, one by one; where in the package each lies is found out once, and remembered beside it.
#pragma once

#include <string>
#include <vector>

#include "buildenv/base.h"
#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::buildenv {

struct StockModule {
  std::string name;  // as lsmod prints it: '_' for '-'
  Bytes file;
};

/// The modules of these names, each once, with those that they depend on before them, softly too. Of an algorithm that a module wants it
/// is NAME_generic, as the plain ones are called: which machine has a quicker one, modprobe would find out. A module that is built into
/// the kernel, or unknown, is kNotFound. Fetches the packages if they are no longer in the cache; kUnsupported for a compressed module.
/// Requires: a Linux base.
Result<std::vector<StockModule>> stock_modules(const Base& base, const std::vector<std::string>& names);

}  // namespace hotpatch::buildenv
