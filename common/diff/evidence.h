// SPDX-License-Identifier: GPL-2.0-or-later
//
// What entities are told apart by, as numbers that mean the same in both objects. Used by correlate.cc alone.
//
// The bytes of an entity without the fields that relocations and branches fill never change while pairs are found: they are hashed once.
// What its references lead to is hashed with the identities known so far.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "common/diff/model.h"

namespace hotpatch::diff {

/// One object's side of the evidence.
class Evidence {
 public:
  /// Requires: the model outlives this.
  explicit Evidence(const ObjectModel& model);
  [[nodiscard]] const ObjectModel& model() const noexcept { return model_; }

  /// The entity and its counterpart are one thing from here on; not counted by what was hashed since begin_round().
  void identify(EntityIndex index, std::uint64_t identity) { identities_[index.value()] = identity; }
  /// Contents are hashed anew, with the identities known by now.
  void begin_round() { ++round_; }
  [[nodiscard]] std::uint64_t identity(EntityIndex index) const { return identities_[index.value()]; }

  /// What a reference to the entity is a reference to: its identity, or its content, or at least its stem.
  [[nodiscard]] std::uint64_t label(EntityIndex index) const;
  /// Its bytes and what they refer to.
  [[nodiscard]] std::uint64_t content(EntityIndex index);
  /// By rising value, each once.
  [[nodiscard]] std::vector<std::uint64_t> users(EntityIndex index) const;
  /// A user, its content, and the place in it.
  [[nodiscard]] std::vector<std::uint64_t> exact_sites(EntityIndex index);
  /// A user, and the instructions around the place in it.
  [[nodiscard]] std::vector<std::uint64_t> sites(EntityIndex index);
  /// The name without the compiler's numbers; two entities can only be one thing if these are the same.
  [[nodiscard]] const std::string& stem(EntityIndex index) const { return stems_[index.value()]; }
  /// The compiler numbered the name, or may have.
  [[nodiscard]] bool is_numbered(EntityIndex index) const { return is_numbered_[index.value()]; }

 private:
  struct Use {
    EntityIndex user;
    std::uint32_t reference;  // in its references
  };
  [[nodiscard]] std::span<const Use> uses(EntityIndex index) const;
  [[nodiscard]] std::uint64_t user_label(EntityIndex user) const;
  [[nodiscard]] std::uint64_t fixed_content(EntityIndex index);
  [[nodiscard]] std::uint64_t context(const Entity& user, const Reference& site) const;

  const ObjectModel& model_;
  std::vector<std::string> stems_;
  std::vector<std::string_view> bases_;  // the name of the programmer's function that a clone or a part was made of
  std::vector<bool> is_numbered_;
  std::vector<std::uint64_t> identities_;                          // 0: none yet
  std::vector<std::uint64_t> fixed_;                               // 0: not hashed yet
  std::vector<std::pair<std::uint32_t, std::uint64_t>> contents_;  // the round in which it was hashed, and the hash
  std::uint32_t round_ = 1;
  std::vector<Use> uses_;                 // of all entities, one after the other
  std::vector<std::uint32_t> first_use_;  // by entity, and one more
};

}  // namespace hotpatch::diff
