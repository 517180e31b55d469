// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules about the layout of types. Objects that are alive when a patch is applied keep the layout they were made with, and code that is
// not patched keeps reading them so: a patched function that was compiled for another layout reads and writes the wrong bytes.
//
//   HP001-layout      a struct or union of the original has another size or alignment, or a member another place or type   error
//   HP002-padding     a member was put where the original had padding: live objects hold no value for it               error
//                     and every object of the type was allocated as zeros                                              warning
//   HP003-enumerator  an enumerator has another value or is gone: values stored already mean something else            error
//                     an enumerator was added                                                                          note
//   HP008-meaning     a member has another name and is otherwise as it was: it may mean something else                 warning
//
// A type inside of a function is as short-lived as the function's variables, as long as none of them is static (which the rules about
// data see): a warning.
#pragma once

#include <map>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "common/elf/type_layout.h"
#include "common/support/diagnostics.h"

namespace hotpatch::safety {

/// Collects over all units of a patch. A type that many units include is reported once; types that only change because they hold a
/// changed one are named with that one.
class TypeChanges {
 public:
  /// `unit` is the object's name in the build.
  void add(const elf::TypeTable& original, const elf::TypeTable& patched, std::string_view unit);
  /// The unit that declares the type `key` in its source, not in a header, allocates zeroed memory for it wherever it does: a member
  /// that is put into the padding of such a type is 0 in all objects alive.
  void add_zeroed(const std::string& key) { zeroed_.insert(key); }
  /// Errors first, then by type.
  [[nodiscard]] Diagnostics findings() const;

 private:
  struct Change {
    Finding finding;
    std::set<std::string> units;
    std::set<std::string> holders;  // "struct domain (2048 bytes, 2056 patched)"
  };
  std::set<std::string> zeroed_;
  std::map<std::pair<std::string, std::string>, Change> changes_;  // by type and text
};

}  // namespace hotpatch::safety
