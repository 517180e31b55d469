// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/type_layout.h"

#include <unordered_map>

#include <llvm/Support/LEB128.h>

#include "common/elf/dwarf.h"

namespace hotpatch::elf {
namespace {

using namespace llvm::dwarf;  // DW_TAG_*, DW_AT_*
using llvm::DWARFDie;

constexpr std::uint64_t kPointerSize = 8;  // bytes
constexpr unsigned kMaxDepth = 64;         // of types in types; C sources come nowhere near

bool is_qualifier(Tag tag) noexcept {
  return tag == DW_TAG_const_type || tag == DW_TAG_volatile_type || tag == DW_TAG_restrict_type || tag == DW_TAG_atomic_type;
}
bool is_composite(Tag tag) noexcept {
  return tag == DW_TAG_structure_type || tag == DW_TAG_union_type || tag == DW_TAG_enumeration_type;
}

const char* keyword(Tag tag) noexcept {
  if (tag == DW_TAG_structure_type) return "struct";
  return tag == DW_TAG_union_type ? "union" : "enum";
}

std::string name_of(const DWARFDie& die) {
  const char* name = die.getShortName();
  return name == nullptr ? std::string() : std::string(name);
}

/// Those that can be read: LLVM's own range goes on to an invalid one where the list is cut off.
std::vector<DWARFDie> children_of(const DWARFDie& die) {
  std::vector<DWARFDie> children;
  for (DWARFDie child = die.getFirstChild(); child && child.getTag() != DW_TAG_null; child = child.getSibling())
    children.push_back(child);
  return children;
}

DWARFDie type_of(const DWARFDie& die) { return die.getAttributeValueAsReferencedDie(DW_AT_type); }
bool is_declaration(const DWARFDie& die) { return die.find(DW_AT_declaration).has_value(); }

std::optional<std::uint64_t> number(const DWARFDie& die, Attribute attribute) {
  const auto value = die.find(attribute);
  if (!value) return std::nullopt;
  if (const auto plain = value->getAsUnsignedConstant()) return plain;
  if (const auto plain = value->getAsSignedConstant()) return static_cast<std::uint64_t>(*plain);
  return std::nullopt;
}

/// Bytes from the start of the type: a number, or in DWARF 2 the expression "add this number" (section 2.4.3.2 there). Nothing for
/// another expression: those are for C++.
std::optional<std::uint64_t> member_offset(const DWARFDie& die) {
  const auto value = die.find(DW_AT_data_member_location);
  if (!value) return 0;  // of a union, or of a bit-field that says it in bits
  const auto block = value->getAsBlock();
  if (!block) return number(die, DW_AT_data_member_location);
  if (block->size() < 2 || block->front() != DW_OP_plus_uconst) return std::nullopt;
  unsigned length = 0;
  const char* error = nullptr;
  const std::uint64_t offset = llvm::decodeULEB128(block->data() + 1, &length, block->data() + block->size(), &error);
  if (error != nullptr || length + 1 != block->size()) return std::nullopt;
  return offset;
}

/// Past qualifiers, and past typedefs if `typedefs`.
DWARFDie strip(DWARFDie type, bool typedefs) {
  for (unsigned depth = 0; type && depth < kMaxDepth; ++depth) {
    if (!is_qualifier(type.getTag()) && !(typedefs && type.getTag() == DW_TAG_typedef)) break;
    type = type_of(type);
  }
  return type;
}

/// Past qualifiers, typedefs and arrays: the type whose bytes are in an object of `type`.
DWARFDie element(DWARFDie type) {
  for (unsigned depth = 0; depth < kMaxDepth; ++depth) {
    type = strip(type, true);
    if (!type || type.getTag() != DW_TAG_array_type) break;
    type = type_of(type);
  }
  return type;
}

class Reader {
 public:
  explicit Reader(Dwarf& dwarf) : dwarf_(dwarf) {}
  /// First every type gets its key, then layouts are written down: a spelling needs the keys of what it mentions.
  Result<TypeTable> read() {
    for (const auto& unit : dwarf_.context().compile_units()) collect(unit->getUnitDIE(false), "", 0);
    for (const DWARFDie& die : typedefs_) {
      const DWARFDie type = strip(type_of(die), false);
      if (type && is_composite(type.getTag()) && name_of(type).empty()) set_key(type, name_of(die));
    }
    for (const auto& [die, scope] : composites_)
      if (!name_of(die).empty()) set_key(die, scope + keyword(die.getTag()) + " " + name_of(die));
    for (const auto& [die, scope] : composites_) name_members(die, 0);
    for (const auto& [die, scope] : variables_) {
      const DWARFDie type = element(type_of(die));
      if (type && is_composite(type.getTag()) && set_key(type, scope + "variable " + name_of(die))) name_members(type, 0);
    }
    for (const auto& [die, scope] : composites_) name_enumeration(die, scope);
    for (const auto& [die, scope] : composites_) describe(die);
    if (!unreadable_.empty()) return fail(Errc::kUnsupported, "the place of " + unreadable_ + " is not a number");
    return std::move(table_);
  }

 private:
  using Scoped = std::pair<DWARFDie, std::string>;  // the functions around it: "f()::"

  void collect(const DWARFDie& parent, const std::string& scope, unsigned depth) {
    if (!parent || depth > kMaxDepth) return;
    for (const DWARFDie& die : children_of(parent)) {
      const Tag tag = die.getTag();
      if (is_composite(tag) && !is_declaration(die)) composites_.emplace_back(die, scope);
      if (tag == DW_TAG_typedef) typedefs_.push_back(die);
      if (tag == DW_TAG_variable && !name_of(die).empty()) variables_.emplace_back(die, scope);
      const bool is_function = tag == DW_TAG_subprogram && !name_of(die).empty();
      if (is_composite(tag) || tag == DW_TAG_lexical_block || is_function)
        collect(die, is_function ? name_of(die) + "()::" : scope, depth + 1);
    }
  }

  /// Whether it had none before.
  bool set_key(const DWARFDie& die, std::string key) {
    return !key.empty() && !is_declaration(die) && keys_.try_emplace(die.getOffset(), std::move(key)).second;
  }

  [[nodiscard]] std::string key_of(const DWARFDie& die) const {
    const auto found = keys_.find(die.getOffset());
    return found == keys_.end() ? std::string() : found->second;
  }

  void name_members(const DWARFDie& die, unsigned depth) {
    const std::string outer = key_of(die);
    if (outer.empty() || depth > kMaxDepth) return;
    unsigned unnamed = 0;
    for (const DWARFDie& member : children_of(die)) {
      if (member.getTag() != DW_TAG_member) continue;
      std::string name = name_of(member);
      if (name.empty()) name = "#" + std::to_string(++unnamed);
      DWARFDie type = element(type_of(member));
      if (type && type.getTag() == DW_TAG_pointer_type) type = element(type_of(type));
      if (type && is_composite(type.getTag()) && name_of(type).empty() && set_key(type, outer + "::" + name))
        name_members(type, depth + 1);
    }
  }

  void name_enumeration(const DWARFDie& die, const std::string& scope) {
    if (die.getTag() != DW_TAG_enumeration_type) return;
    for (const DWARFDie& child : children_of(die)) {
      if (child.getTag() != DW_TAG_enumerator) continue;
      set_key(die, scope + "enum {" + name_of(child) + "}");
      return;
    }
  }

  void describe(const DWARFDie& die) {
    const std::string key = key_of(die);
    if (key.empty()) return;
    Type type;
    type.kind = die.getTag() == DW_TAG_structure_type ? TypeKind::kStruct
                : die.getTag() == DW_TAG_union_type   ? TypeKind::kUnion
                                                      : TypeKind::kEnum;
    type.size = number(die, DW_AT_byte_size).value_or(0);
    type.alignment = number(die, DW_AT_alignment).value_or(0);
    type.source = source_of(die);
    for (const DWARFDie& child : children_of(die)) {
      if (child.getTag() == DW_TAG_member) type.members.push_back(describe_member(child));
      if (child.getTag() == DW_TAG_enumerator)
        type.enumerators.push_back({name_of(child), static_cast<std::int64_t>(number(child, DW_AT_const_value).value_or(0))});
    }
    table_.types.try_emplace(key, std::move(type));
  }

  /// Of the unit's files, by number. The header of its line table alone is read for that, not the lines.
  const std::string& file_of(llvm::DWARFUnit& unit, std::uint64_t index) {
    if (names_of_ != &unit) {
      names_of_ = &unit;
      header_ = dwarf_.line_header(unit);
      files_.clear();
    }
    const auto [entry, is_new] = files_.try_emplace(index);
    std::string& file = entry->second;
    if (!is_new || !header_) return file;
    if (!header_->getFileNameByIndex(index, "", llvm::DILineInfoSpecifier::FileLineInfoKind::RelativeFilePath, file))
      file.clear();
    if (file.starts_with("./")) file.erase(0, 2);
    return file;
  }

  std::string source_of(const DWARFDie& die) {
    const auto index = number(die, DW_AT_decl_file);
    if (!index) return {};
    const std::string& file = file_of(*die.getDwarfUnit(), *index);
    if (file.empty()) return {};
    return file + ":" + std::to_string(number(die, DW_AT_decl_line).value_or(0));
  }

  TypeMember describe_member(const DWARFDie& die) {
    TypeMember member;
    member.name = name_of(die);
    const auto offset = member_offset(die);
    if (!offset) unreadable_ = key_of(die.getParent()) + "." + member.name;
    member.offset = offset.value_or(0);
    const DWARFDie type = type_of(die);
    member.type = spell(type, "", 0);
    member.size = size_of(type, 0);
    const DWARFDie inner = element(type);
    if (inner && is_composite(inner.getTag())) member.holds = key_of(inner);
    if (const auto bits = number(die, DW_AT_bit_size)) {
      member.bit_size = static_cast<std::uint32_t>(*bits);
      std::uint64_t first = member.offset * 8;
      if (const auto from_start = number(die, DW_AT_data_bit_offset)) {
        first = *from_start;
      } else if (const auto from_top = number(die, DW_AT_bit_offset)) {  // DWARF 2 and 3: from the storage unit's top bit
        first += number(die, DW_AT_byte_size).value_or(member.size) * 8 - *from_top - *bits;
      }
      member.bit_offset = static_cast<std::uint32_t>(first);
      member.offset = first / 8;
    }
    return member;
  }

  [[nodiscard]] std::uint64_t size_of(DWARFDie type, unsigned depth) const {
    type = strip(type, true);
    if (!type || depth > kMaxDepth) return 0;
    if (type.getTag() == DW_TAG_pointer_type) return kPointerSize;
    if (const auto size = number(type, DW_AT_byte_size)) return *size;
    if (type.getTag() != DW_TAG_array_type) return 0;
    std::uint64_t size = size_of(type_of(type), depth + 1);
    for (const DWARFDie& range : children_of(type))
      if (range.getTag() == DW_TAG_subrange_type) size *= length_of(range).value_or(0);
    return size;
  }

  /// Elements; nothing for a flexible array.
  static std::optional<std::uint64_t> length_of(const DWARFDie& range) {
    if (const auto count = number(range, DW_AT_count)) return count;
    if (const auto last = number(range, DW_AT_upper_bound)) return *last + 1;
    return std::nullopt;
  }

  /// In C's order, with `declarator` where the name would stand.
  [[nodiscard]] std::string spell(DWARFDie type, const std::string& declarator, unsigned depth) const {
    const auto with = [&](const std::string& base) { return declarator.empty() ? base : base + " " + declarator; };
    if (depth > kMaxDepth) return with("...");
    type = strip(type, false);
    if (!type) return with("void");
    const Tag tag = type.getTag();
    if (tag == DW_TAG_typedef) {
      const DWARFDie underlying = strip(type, true);
      return underlying ? spell(underlying, declarator, depth + 1) : with("void");
    }
    if (is_composite(tag)) {
      const std::string name = name_of(type);
      if (!name.empty()) return with(std::string(keyword(tag)) + " " + name);
      const std::string key = key_of(type);
      return with(key.empty() ? std::string(keyword(tag)) + " {}" : key);
    }
    if (tag == DW_TAG_pointer_type) {
      const DWARFDie target = strip(type_of(type), true);
      const bool parentheses = target && (target.getTag() == DW_TAG_subroutine_type || target.getTag() == DW_TAG_array_type);
      const std::string pointer = "*" + declarator;
      return spell(type_of(type), parentheses ? "(" + pointer + ")" : pointer, depth + 1);
    }
    if (tag == DW_TAG_array_type) {
      std::string bounds = declarator;
      for (const DWARFDie& range : children_of(type)) {
        if (range.getTag() != DW_TAG_subrange_type) continue;
        const auto length = length_of(range);
        bounds += "[" + (length ? std::to_string(*length) : std::string()) + "]";
      }
      return spell(type_of(type), bounds, depth + 1);
    }
    if (tag == DW_TAG_subroutine_type) {
      std::string parameters;
      for (const DWARFDie& child : children_of(type)) {
        if (child.getTag() != DW_TAG_formal_parameter && child.getTag() != DW_TAG_unspecified_parameters) continue;
        if (!parameters.empty()) parameters += ", ";
        parameters += child.getTag() == DW_TAG_formal_parameter ? spell(type_of(child), "", depth + 1) : "...";
      }
      return spell(type_of(type), declarator + "(" + (parameters.empty() ? "void" : parameters) + ")", depth + 1);
    }
    return with(name_of(type));
  }

  Dwarf& dwarf_;
  TypeTable table_;
  const llvm::DWARFUnit* names_of_ = nullptr;  // whose files these are
  std::optional<llvm::DWARFDebugLine::Prologue> header_;
  std::unordered_map<std::uint64_t, std::string> files_;
  std::string unreadable_;  // a member whose place is said in a way that we do not know
  std::vector<Scoped> composites_;
  std::vector<Scoped> variables_;
  std::vector<DWARFDie> typedefs_;
  std::map<std::uint64_t, std::string> keys_;  // by offset in .debug_info
};

}  // namespace

Result<TypeTable> read_types(const Object& object) {
  HP_ASSIGN(const std::unique_ptr<Dwarf> dwarf, Dwarf::open(object));
  HP_ASSIGN_DOING(object.name() + ": debugging information", TypeTable table, Reader(*dwarf).read());
  HP_TRY(dwarf->check());
  return table;
}

}  // namespace hotpatch::elf
