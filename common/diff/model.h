// SPDX-License-Identifier: GPL-2.0-or-later
//
// An object file as entities and what refers to what.
//
// ELF names things in too many ways for a comparison: one reference to a string may go through a section symbol, a .LC label or a
// symbol, with an addend that counts from wherever the instruction ends. The model takes an object apart into entities (functions,
// data objects, strings, constants, and what has no name), and says of every relocation which entity it refers to, at which offset
// from that entity's start. Records of special sections (exception tables, alternatives, bug frames) are attached to the function that
// owns them. After this, no pass looks at a section symbol or an addend again.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "common/elf/object.h"
#include "common/support/index.h"
#include "common/support/result.h"
#include "common/target/decode.h"
#include "common/target/fixup.h"
#include "common/target/profile.h"

namespace hotpatch::diff {

using EntityIndex = Index<struct EntityTag>;

enum class EntityKind : std::uint8_t {
  kFunction,
  kData,
  kString,     // in a mergeable section of strings: identified by content
  kConstant,   // in a mergeable section of constants: identified by content
  kAnonymous,  // content without a symbol
  kExternal,   // not defined in this object
};

/// A position relative to an entity. Its offset may lie outside of it: the compiler folds constants into addresses.
struct Place {
  EntityIndex entity;
  std::int64_t offset = 0;  // bytes
  friend bool operator==(const Place&, const Place&) = default;
};

/// How sure it is what an address belongs to that the object gives as a distance from a section's start. Where several things share a
/// section (no -fdata-sections), compilers fold constants into such an address that lead out of the thing that is meant: readings.h.
enum class Reading : std::uint8_t {
  kExact,    // what lies there: a symbol names it, it has its section for itself, or the instruction accesses the very place
  kAddress,  // nothing is accessed at it: it may be compared with, or something be added to it
  kIndexed,  // registers are added to it
};

/// One relocation, seen from the entity that holds its field.
struct Reference {
  std::uint64_t offset = 0;  // of the field, bytes from the entity's start
  target::FixupKind kind = target::FixupKind::kNone;
  Place target;
  std::int64_t bias = 0;   // bytes from the field to where the CPU counts from: true offset = addend + bias
  bool is_branch = false;  // the operand of a direct call or jump
  bool is_slot = false;    // to where the global offset table has the target's address, not to the target
  Reading reading = Reading::kExact;
};

/// A piece of a companion section that belongs to one record.
struct Piece {
  elf::SectionIndex section;
  std::uint64_t offset = 0;
  std::uint64_t size = 0;
};

/// One field of a record.
struct RecordField {
  const target::Field* schema = nullptr;
  std::optional<Place> target;                        // of a field that a relocation fills
  target::FixupKind kind = target::FixupKind::kNone;  // of that relocation
  std::int64_t line = 0;                              // what its line bits hold
};

/// One record of a special section.
struct Record {
  const target::SpecialSection* schema = nullptr;
  elf::SectionIndex section;
  std::uint64_t offset = 0;  // bytes from the section's start
  Place owner;
  std::vector<RecordField> fields;
  std::optional<Piece> companion;
};

struct Entity {
  EntityKind kind = EntityKind::kAnonymous;
  std::string_view name;                   // its first symbol's; empty if it has none, but for data that is written to
  std::vector<std::string_view> aliases;   // other symbols of the same place
  std::string_view file;                   // of the source, by the FILE symbol before it; empty for what has external linkage
  std::optional<elf::SymbolIndex> symbol;  // that symbol
  elf::SectionIndex section;               // unless kExternal
  std::uint64_t offset = 0;                // bytes from the section's start
  std::uint64_t size = 0;                  // bytes
  std::optional<std::uint64_t> value;      // of a kExternal that the object defines as a number: an absolute symbol
  bool is_global = false;
  bool is_writable = false;                       // by flags, but for what the profile knows better
  bool is_private = false;                        // a copy of it is as good as the original
  std::optional<target::SectionRole> role;        // of its section, if the profile has a rule for it; never kPlain
  std::uint64_t prefix_size = 0;                  // bytes before it that belong to it: padding for call thunks, a type's hash
  std::optional<EntityIndex> parent;              // the function that this is an out-of-line part of ("f.cold")
  std::vector<EntityIndex> parts;                 // the reverse
  std::vector<std::size_t> records;               // that it owns; in ObjectModel::records(), by offset of the owner
  std::vector<Reference> references;              // by rising offset
  std::vector<target::Instruction> instructions;  // of code
  std::string tied;                               // why the code cannot be moved away from its neighbours; empty if it can
};

class ObjectModel {
 public:
  /// kMalformed or kUnsupported for an object that cannot be taken apart without guessing: an unknown relocation type in a section
  /// that counts, a special section whose size is no multiple of its record's, a record without an owner. The message names the place
  /// and, for tables, which record size would fit. Requires: the object and the profile outlive the model; the object is relocatable.
  /// `like`, where there is one, is the model of another build of the unit: what is byte for byte the same there is not decoded again.
  static Result<ObjectModel> make(const elf::Object& object, const target::Profile& profile, target::Decoder& decoder,
                                  const ObjectModel* like = nullptr);

  [[nodiscard]] const elf::Object& object() const noexcept { return *object_; }
  [[nodiscard]] const target::Profile& profile() const noexcept { return *profile_; }
  [[nodiscard]] std::span<const Entity> entities() const noexcept { return entities_; }
  [[nodiscard]] const Entity& entity(EntityIndex index) const { return entities_.at(index.value()); }
  [[nodiscard]] std::span<const Record> records() const noexcept { return records_; }
  /// What a place in a special section is: since 6.19 Linux's warnings hand the address of their record of __bug_table over.
  struct PlaceInRecord {
    std::size_t record = 0;    // in records()
    std::uint64_t offset = 0;  // bytes from its start
  };
  /// Nothing for a place that is in no record.
  [[nodiscard]] std::optional<PlaceInRecord> record_at(const Place& place) const;
  /// The entity's bytes; empty for NOBITS and external ones.
  [[nodiscard]] ByteView contents(const Entity& entity) const;
  /// The bytes before the entity that belong to it.
  [[nodiscard]] ByteView prefix(const Entity& entity) const {
    return entity.prefix_size == 0
               ? ByteView()
               : object_->section(entity.section).contents.subspan(entity.offset - entity.prefix_size, entity.prefix_size);
  }
  /// The code of a companion's piece, and the references in it, with offsets from the piece's start.
  [[nodiscard]] ByteView contents(const Piece& piece) const;
  [[nodiscard]] std::vector<Reference> references(const Piece& piece) const;
  [[nodiscard]] std::vector<target::Instruction> instructions(const Piece& piece) const;
  /// Records that belong to code inside the piece, by their places in it.
  [[nodiscard]] std::vector<std::size_t> records(const Piece& piece) const;
  /// The bytes of a record; those that a cut-off last record lacks are zero.
  [[nodiscard]] Bytes contents(const Record& record) const;
  /// Allocated sections that are in no table of the profile and do not follow the compiler's naming, with content.
  [[nodiscard]] std::span<const elf::SectionIndex> unknown_sections() const noexcept { return unknown_sections_; }
  /// For messages: "name", ".rodata+0x10", or the start of a string.
  [[nodiscard]] std::string describe(EntityIndex index) const;

 private:
  friend class ModelBuilder;
  ObjectModel() = default;
  const elf::Object* object_ = nullptr;
  const target::Profile* profile_ = nullptr;
  std::vector<Entity> entities_;
  std::vector<Record> records_;
  std::map<elf::SectionIndex, std::size_t> first_record_;  // of a special section; the others follow it
  std::vector<elf::SectionIndex> unknown_sections_;
  std::deque<std::string> made_names_;  // of data without a symbol, into which entities' names point
  struct CompanionCode {
    std::vector<target::Instruction> instructions;
    std::vector<Reference> references;  // offsets from the section's start
  };
  std::map<elf::SectionIndex, CompanionCode> companions_;
  std::map<elf::SectionIndex, EntityIndex> companion_entities_;  // what stands for the whole of a companion section
};

}  // namespace hotpatch::diff
