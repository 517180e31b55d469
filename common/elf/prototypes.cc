// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/elf/prototypes.h"

#include <algorithm>

#include "common/elf/dwarf.h"

namespace hotpatch::elf {
namespace {

using namespace llvm::dwarf;  // DW_TAG_*, DW_AT_*
using llvm::DWARFDie;

constexpr unsigned kMaxDepth = 64;  // of types in types

DWARFDie type_of(const DWARFDie& die) { return die.getAttributeValueAsReferencedDie(DW_AT_type); }

std::string name_of(const DWARFDie& die) {
  const char* name = die.getShortName();
  return name == nullptr ? std::string() : std::string(name);
}

std::uint64_t number(const DWARFDie& die, Attribute attribute) {
  const auto value = die.find(attribute);
  return value ? value->getAsUnsignedConstant().value_or(0) : 0;
}

bool is_transparent(Tag tag) noexcept {
  return tag == DW_TAG_const_type || tag == DW_TAG_volatile_type || tag == DW_TAG_restrict_type || tag == DW_TAG_atomic_type;
}

std::string text_of(DWARFDie type, unsigned depth) {
  for (; type && is_transparent(type.getTag()) && depth < kMaxDepth; ++depth) type = type_of(type);
  if (!type || depth >= kMaxDepth) return "void";
  switch (type.getTag()) {
    case DW_TAG_pointer_type: {
      const std::string to = text_of(type_of(type), depth + 1);
      return to + (to.ends_with('*') ? "*" : " *");
    }
    case DW_TAG_structure_type: return "struct " + name_of(type);
    case DW_TAG_union_type: return "union " + name_of(type);
    case DW_TAG_enumeration_type: return "enum " + name_of(type);
    case DW_TAG_subroutine_type: return "function";
    case DW_TAG_array_type: return text_of(type_of(type), depth + 1) + "[]";
    default: return name_of(type);
  }
}

std::string passed_as(DWARFDie type) {
  for (unsigned depth = 0; type && depth < kMaxDepth && (is_transparent(type.getTag()) || type.getTag() == DW_TAG_typedef);
       ++depth)
    type = type_of(type);
  if (!type) return "void";
  const std::string size = std::to_string(number(type, DW_AT_byte_size));
  switch (type.getTag()) {
    case DW_TAG_pointer_type: return "pointer";
    case DW_TAG_enumeration_type: return "integer " + size;
    case DW_TAG_base_type: {
      const std::uint64_t encoding = number(type, DW_AT_encoding);
      if (encoding == DW_ATE_boolean) return "boolean";
      if (encoding == DW_ATE_float) return "floating " + size;
      return number(type, DW_AT_byte_size) >= 4
                 ? "integer " + size
                 : "integer " + size + (encoding == DW_ATE_signed || encoding == DW_ATE_signed_char ? " signed" : " unsigned");
    }
    default: return text_of(type, 0) + " " + size;
  }
}

ValueType value_of(const DWARFDie& die) { return {text_of(type_of(die), 0), passed_as(type_of(die))}; }

/// GCC splits a function into an abstract instance and concrete ones, which refer to it: the abstract one has the name and the types.
void collect(const DWARFDie& unit, Prototypes& product) {
  for (DWARFDie die = unit.getFirstChild(); die && die.getTag() != DW_TAG_null; die = die.getSibling()) {
    if (die.getTag() != DW_TAG_subprogram || die.find(DW_AT_declaration) || name_of(die).empty() ||
        die.find(DW_AT_abstract_origin))
      continue;
    Prototype prototype;
    // Types may be those of a declaration that went before.
    const DWARFDie declaration = die.getAttributeValueAsReferencedDie(DW_AT_specification);
    const DWARFDie typed = type_of(die) || !declaration ? die : declaration;
    prototype.result = value_of(typed);
    prototype.is_noreturn = die.find(DW_AT_noreturn).has_value();
    for (DWARFDie child = die.getFirstChild(); child && child.getTag() != DW_TAG_null; child = child.getSibling()) {
      if (child.getTag() == DW_TAG_formal_parameter) prototype.parameters.push_back(value_of(child));
      if (child.getTag() == DW_TAG_unspecified_parameters) prototype.is_variadic = true;
    }
    product.try_emplace(name_of(die), std::move(prototype));
  }
}

}  // namespace

bool Prototype::is_called_as(const Prototype& other) const {
  const auto same = [](const ValueType& left, const ValueType& right) { return left.passed_as == right.passed_as; };
  return same(result, other.result) && is_variadic == other.is_variadic && is_noreturn == other.is_noreturn &&
         std::ranges::equal(parameters, other.parameters, same);
}

std::string Prototype::text() const {
  std::string list;
  for (const ValueType& parameter : parameters) list += (list.empty() ? "" : ", ") + parameter.text;
  if (is_variadic) list += list.empty() ? "..." : ", ...";
  return result.text + " (" + (list.empty() ? "void" : list) + ")" + (is_noreturn ? " that does not return" : "");
}

Result<Prototypes> read_prototypes(const Object& object) {
  HP_ASSIGN(const std::unique_ptr<Dwarf> dwarf, Dwarf::open(object));
  Prototypes product;
  for (const auto& unit : dwarf->context().compile_units()) collect(unit->getUnitDIE(false), product);
  HP_TRY(dwarf->check());
  return product;
}

}  // namespace hotpatch::elf
