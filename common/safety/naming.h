// SPDX-License-Identifier: GPL-2.0-or-later
//
// What the name of a function says of it, where its body is in another unit or says too little: in C of kernels, names are words with
// underscores between them, and the words are conventions.
#pragma once

#include <string>

namespace hotpatch::safety {

/// It only looks at what it is given: it searches, compares, copies, checks or prints, and does not register or set anything.
[[nodiscard]] bool is_reader(const std::string& function);
/// It searches a table for what fits: "usb_match_id".
[[nodiscard]] bool is_search(const std::string& function);
/// It sets something up for later: "sony_probe", "rt_dst_alloc".
[[nodiscard]] bool is_initialiser(const std::string& function);
/// It makes a new object, or finds room for one: "kmalloc", "dst_alloc", "kmem_cache_zalloc".
[[nodiscard]] bool is_allocator(const std::string& function);

}  // namespace hotpatch::safety
