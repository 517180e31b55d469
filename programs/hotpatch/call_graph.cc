// SPDX-License-Identifier: GPL-2.0-or-later
#include "programs/hotpatch/call_graph.h"

#include <algorithm>
#include <map>
#include <set>

#include "common/safety/rules.h"
#include "common/support/bytes.h"

namespace hotpatch::cli {
namespace {

using diff::Entity;
using diff::EntityIndex;
using diff::EntityKind;

struct Callees {
  std::set<std::string> names;
  std::uint64_t indirect = 0;
};

void add_callees(const diff::ObjectModel& model, EntityIndex owner, EntityIndex part, Callees& product) {
  const Entity& entity = model.entity(part);
  for (const diff::Reference& reference : entity.references) {
    const Entity& target = model.entity(reference.target.entity);
    const bool is_own = reference.target.entity == owner || target.parent == owner;
    const bool is_code = target.kind == EntityKind::kFunction || target.kind == EntityKind::kExternal;
    if (reference.is_branch && is_code && !is_own)
      product.names.insert(model.describe(target.parent.value_or(reference.target.entity)));
  }
  for (const target::Instruction& instruction : entity.instructions)
    product.indirect += static_cast<std::uint64_t>(instruction.flow == target::Flow::kCall && instruction.is_indirect);
  for (const EntityIndex out_of_line : entity.parts) add_callees(model, owner, out_of_line, product);
}

/// Names of the data that hold the function's address.
std::vector<std::string> holders_in(const diff::ObjectModel& model, EntityIndex function) {
  std::set<std::string> names;
  for (std::size_t i = 0; i < model.entities().size(); ++i) {
    const Entity& entity = model.entities()[i];
    if (entity.kind != EntityKind::kData) continue;
    for (const diff::Reference& reference : entity.references)
      if (reference.target.entity == function) names.insert(model.describe(EntityIndex(i)));
  }
  return {names.begin(), names.end()};
}

/// By address of a patched function: what was found of it.
struct Found {
  std::set<std::string> callers;
  std::set<std::string> holders;
};
using FoundByAddress = std::map<std::uint64_t, Found>;

/// The instruction that has an operand in the four bytes at `field`, as the code reads from the start of `function`; nothing: none has.
std::optional<target::Instruction> instruction_at(const elf::Image& image, const elf::ImageSymbol& function, std::uint64_t field,
                                                  target::Decoder& decoder) {
  constexpr std::uint64_t kLongest = 15;  // bytes of an instruction
  const std::uint64_t at = field - function.address.value();
  std::optional<ByteView> code;
  for (std::uint64_t more = kLongest; !code && more >= 4; --more) code = image.bytes_at(function.address, at + more);
  if (!code) return std::nullopt;
  for (const target::Instruction& instruction : decoder.decode(*code)) {
    if (instruction.end() <= at) continue;
    for (std::size_t i = 0; i < instruction.field_count; ++i)
      if (instruction.offset + instruction.fields[i].offset == at && instruction.is_valid) return instruction;
    return std::nullopt;
  }
  return std::nullopt;
}

void scan_code(const elf::Image& image, const elf::Section& section, FoundByAddress& wanted, target::Decoder& decoder) {
  const std::uint64_t lowest = wanted.begin()->first;
  const std::uint64_t highest = wanted.rbegin()->first;
  const auto look = [&](std::uint64_t field, std::uint64_t target) {
    if (target < lowest || target > highest) return;
    const auto found = wanted.find(target);
    if (found == wanted.end()) return;
    const elf::ImageSymbol* user = image.symbol_at(TargetAddr(field));
    if (user == nullptr || user->address.value() == target) return;
    const auto instruction = instruction_at(image, *user, field, decoder);
    if (instruction) (instruction->target ? found->second.callers : found->second.holders).emplace(user->name);
  };
  for (std::size_t at = 0; at + 4 <= section.contents.size(); ++at) {
    const std::uint64_t field = section.address + at;
    const auto value = static_cast<std::uint64_t>(static_cast<std::int64_t>(load_le<std::int32_t>(section.contents, at)));
    look(field, field + 4 + value);
    look(field, value);
  }
}

void scan_data(const elf::Image& image, const elf::Section& section, FoundByAddress& wanted) {
  constexpr std::size_t kWord = sizeof(std::uint64_t);
  for (std::size_t at = 0; at + kWord <= section.contents.size(); at += kWord) {
    const auto found = wanted.find(load_le<std::uint64_t>(section.contents, at));
    if (found == wanted.end()) continue;
    const std::uint64_t address = section.address + at;
    const elf::ImageSymbol* holder = image.symbol_at(TargetAddr(address));
    // Lists of places that the tracer or the debugger knows have no object of their own; an object has a size.
    if (holder != nullptr && address < holder->address.value() + holder->size) found->second.holders.emplace(holder->name);
  }
}

}  // namespace

std::vector<Calls> list_calls(const UnitView& view, const std::string& unit) {
  std::vector<Calls> product;
  safety::UserIndex users(view.original);
  for (std::size_t i = 0; i < view.patched.entities().size(); ++i) {
    const EntityIndex index(i);
    const Entity& entity = view.patched.entity(index);
    if (entity.kind != EntityKind::kFunction || entity.parent || view.changes.of(index).verdict != diff::Verdict::kChanged)
      continue;
    Calls calls;
    calls.function = std::string(entity.name);
    calls.unit = unit;
    Callees after;
    add_callees(view.patched, index, index, after);
    calls.indirect = after.indirect;
    Callees before;
    if (const auto twin = view.correlation.to_original(index)) {
      add_callees(view.original, *twin, *twin, before);
      calls.original = view.original.entity(*twin).symbol;
      for (const EntityIndex caller : users.of(*twin).callers) calls.callers.push_back(view.original.describe(caller));
      calls.holders = holders_in(view.original, *twin);
      std::ranges::sort(calls.callers);
    }
    for (const std::string& name : after.names)
      calls.callees.push_back({name, before.names.contains(name) ? CallChange::kSame : CallChange::kNew});
    for (const std::string& name : before.names)
      if (!after.names.contains(name)) calls.callees.push_back({name, CallChange::kGone});
    std::ranges::sort(calls.callees, {}, &Callee::name);
    product.push_back(std::move(calls));
  }
  return product;
}

std::optional<elf::SymbolIndex> function_named(const elf::Object& object, const std::string& name) {
  for (std::size_t i = 0; i < object.symbols().size(); ++i)
    if (object.symbols()[i].name == name && object.symbols()[i].type == elf::SymbolType::kFunction) return elf::SymbolIndex(i);
  return std::nullopt;
}

void find_callers(std::span<Calls> calls, const prove::Located& located, const elf::Image& image, const std::string& name,
                  target::Decoder& decoder) {
  FoundByAddress wanted;
  const auto address_of = [&](const Calls& one) -> std::optional<TargetAddr> {
    if (!one.original || one.original->value() >= located.symbol_address.size()) return std::nullopt;
    return located.symbol_address[one.original->value()];
  };
  for (const Calls& one : calls)
    if (const auto address = address_of(one)) wanted.try_emplace(address->value());
  if (wanted.empty()) return;
  for (const elf::Section& section : image.object().sections()) {
    if (!section.is_allocated() || section.is_nobits()) continue;
    if (section.is_executable()) {
      scan_code(image, section, wanted, decoder);
    } else {
      scan_data(image, section, wanted);
    }
  }
  for (Calls& one : calls)
    if (const auto address = address_of(one)) {
      const Found& found = wanted.at(address->value());
      one.callers.assign(found.callers.begin(), found.callers.end());
      one.holders.assign(found.holders.begin(), found.holders.end());
      one.seen_in = name;
    }
}

}  // namespace hotpatch::cli
