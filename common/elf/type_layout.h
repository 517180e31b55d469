// SPDX-License-Identifier: GPL-2.0-or-later
//
// The layout of every type that an object's debugging information describes: what two builds of a unit must agree on while objects of
// these types are alive. The compiler's view, after preprocessing and for the very flags of the build; nothing is parsed from source.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "common/elf/object.h"

namespace hotpatch::elf {

enum class TypeKind : std::uint8_t { kStruct, kUnion, kEnum };

struct TypeMember {
  std::string name;              // empty for an anonymous struct or union
  std::uint64_t offset = 0;      // bytes from the start of the type; of the containing byte for a bit-field
  std::uint64_t size = 0;        // bytes of its type; 0 for a flexible array
  std::uint32_t bit_offset = 0;  // bit-field: bits from the start of the type
  std::uint32_t bit_size = 0;    // 0: not a bit-field
  /// Without qualifiers and without typedefs of named types: "struct domain *", "unsigned int [4]", "int (*)(struct vcpu *)".
  /// A type that has no name is spelled by its place: "struct hvm_domain::io".
  std::string type;
  /// Key in TypeTable::types of the struct, union or enum that the member holds by value, through arrays; empty for others.
  std::string holds;
  friend bool operator==(const TypeMember&, const TypeMember&) = default;
};

struct Enumerator {
  std::string name;
  std::int64_t value = 0;
  friend bool operator==(const Enumerator&, const Enumerator&) = default;
};

struct Type {
  TypeKind kind = TypeKind::kStruct;
  std::uint64_t size = 0;           // bytes
  std::uint64_t alignment = 0;      // bytes that the source asks for; 0: what the members need
  std::vector<TypeMember> members;  // in the order of the declaration
  std::vector<Enumerator> enumerators;
  std::string source;  // "include/xen/sched.h:370", as the compiler was told; empty if not known
};

struct TypeTable {
  /// By "struct NAME", "union NAME", "enum NAME"; a typedef of a type without a tag by the typedef's name; a member's or variable's
  /// type without a tag by "struct OUTER::member" or "variable NAME"; a type inside of a function with "FUNCTION()::" before it; an enum
  /// without any of these by "enum {FIRST_ENUMERATOR}". Declarations without content are left out.
  std::map<std::string, Type> types;
};

/// From the DWARF (version 2 to 5) of a relocatable object. kNotFound if it has none, with the remedy; kMalformed if it contradicts itself.
Result<TypeTable> read_types(const Object& object);

}  // namespace hotpatch::elf
