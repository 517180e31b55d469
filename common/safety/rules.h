// SPDX-License-Identifier: GPL-2.0-or-later
//
// Rules on what may change while it runs, as data: each is a row with what it means for the patch, and the one detector that finds it.
// A detector looks at the two objects, at what the differ made of them, and at what is known of their sources; what it cannot see is a
// finding too. There is no way to turn a rule off.
//
// Some hazards are none of the change itself, but of the moment in which it takes effect: old and new code must not run beside each
// other, or not in one thread. Such a rule names the consistency model that it needs (target::Consistency). What the target provides by
// itself is in its profile: a model that covers the need makes the finding a note or a warning, one that does not makes it a refusal.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/diff/compare.h"
#include "common/diff/correlate.h"
#include "common/diff/model.h"
#include "common/elf/prototypes.h"
#include "common/elf/source_lines.h"
#include "common/extract/closure.h"
#include "common/support/diagnostics.h"
#include "common/target/profile.h"

namespace hotpatch::safety {

/// What a rule's finding means for the patch where it holds in full.
enum class Answer : std::uint8_t {
  kReject,
  kNeedsHook,  // refused, unless a declared and tested hook makes up for it
  kModel,      // accepted where the target's consistency model suffices
  kWarn,       // accepted; to be tried on a few hosts first, and watched
  kInfo,
};
/// "reject", "needs-hook", "model", "warn", "info"
[[nodiscard]] const char* answer_name(Answer answer) noexcept;

/// What the passes before know of one pair of objects. Requires: all of it outlives this.
struct Subject {
  const diff::ObjectModel& original;
  const diff::ObjectModel& patched;
  const diff::Correlation& correlation;
  const diff::ChangeSet& changes;
  const extract::Closure& closure;
  const std::string& unit;
  const elf::Prototypes* original_prototypes = nullptr;  // null: the object has no debugging information
  const elf::Prototypes* patched_prototypes = nullptr;
  bool sees_all_units =
      false;  // all units that include what the patch changes were compiled, and those that differ are judged as this one

  [[nodiscard]] const target::Profile& profile() const { return patched.profile(); }
  [[nodiscard]] diff::Verdict verdict(diff::EntityIndex index) const { return changes.of(index).verdict; }
  /// A function of the original that is to be spliced: its counterpart, and itself, in that order.
  struct Spliced {
    diff::EntityIndex original;
    diff::EntityIndex patched;
  };
  [[nodiscard]] std::vector<Spliced> spliced() const;
};

/// Who uses what in one object. The first question goes through all of its references.
class UserIndex {
 public:
  /// Requires: the model outlives this.
  explicit UserIndex(const diff::ObjectModel& model) : model_(model) {}

  /// All functions that call or jump to it, but itself, and whether anything takes its address.
  struct Users {
    std::vector<diff::EntityIndex> callers;
    bool is_address_taken = false;
  };
  [[nodiscard]] const Users& of(diff::EntityIndex function);

 private:
  const diff::ObjectModel& model_;
  std::vector<Users> users_;  // by entity; empty: nobody has asked
};

/// What the rules say of a patch, or of one unit of it.
struct Assessment {
  Diagnostics findings;
  target::Consistency need;         // the weakest model that is enough
  std::set<std::string> because;    // "HP024-prototype helper": what needs more than the weakest of all
  std::set<std::string> anchors;    // unchanged functions that no thread may be inside of when it is switched
  std::set<std::string> pinned_by;  // why the patch must never be unloaded: "HP041-new-function-pointer expire2"

  void append(const Assessment& other);
};

struct Rule;

/// Where detectors put what they find.
class Report {
 public:
  Report(const Subject& subject, Assessment& product) : subject_(subject), product_(product) {}
  void begin(const Rule& rule) { rule_ = &rule; }

  /// A finding of the current rule with the severity of its answer; the place is that of the original's or the patched entity.
  void add(const diff::ObjectModel& model, diff::EntityIndex entity, std::string text, std::string remedy = {},
           std::uint64_t offset = 0);
  /// The same with another severity than the rule's.
  void add_as(Severity severity, const diff::ObjectModel& model, diff::EntityIndex entity, std::string text,
              std::string remedy = {}, std::uint64_t offset = 0);
  /// A finding of a rule about the moment of the switch: a refusal where the target does not cover `need`.
  void add_model(target::Consistency need, const diff::ObjectModel& model, diff::EntityIndex entity, std::string text,
                 std::string remedy);
  void anchor(std::string_view function) { product_.anchors.emplace(function); }
  /// The patch must not be unloaded any more once it was applied.
  void pin(std::string_view because);
  [[nodiscard]] const Subject& subject() const noexcept { return subject_; }

 private:
  std::string source_of(const diff::ObjectModel& model, const diff::Entity& entity, std::uint64_t offset);

  const Subject& subject_;
  Assessment& product_;
  const Rule* rule_ = nullptr;
  std::map<const diff::ObjectModel*, std::optional<elf::LineTable>> lines_;  // read when the first finding asks
};

struct Rule {
  std::string_view id;
  Answer answer;
  std::string_view title;
  void (*detect)(const Subject&, Report&);
};

/// The rules that two objects alone can answer.
[[nodiscard]] std::span<const Rule> object_rules() noexcept;
/// Runs all of them.
[[nodiscard]] Assessment assess(const Subject& subject);

/// The severity of a finding about the moment of the switch, on a target that provides `provided`.
[[nodiscard]] Severity model_severity(target::Consistency need, target::Consistency provided) noexcept;
/// The stronger of the two in each respect.
[[nodiscard]] target::Consistency stronger(target::Consistency left, target::Consistency right) noexcept;

// The detectors, by file.
void find_entry_targets(const Subject& subject, Report& report);  // entry_rules.cc
void find_inner_labels(const Subject& subject, Report& report);
void find_patching_path(const Subject& subject, Report& report);
void find_endless_functions(const Subject& subject, Report& report);  // flow_rules.cc
void find_boot_only_references(const Subject& subject, Report& report);
void find_functions_of_the_boot(const Subject& subject, Report& report);
void find_prototype_changes(const Subject& subject, Report& report);
void find_larger_frames(const Subject& subject, Report& report);
void find_called_patched_code(const Subject& subject, Report& report);
void find_new_function_pointers(const Subject& subject, Report& report);  // state_rules.cc
void find_new_keys(const Subject& subject, Report& report);
void find_new_state(const Subject& subject, Report& report);
void find_once_flags(const Subject& subject, Report& report);
void find_removed_functions(const Subject& subject, Report& report);

}  // namespace hotpatch::safety
