// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/line_proof.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <cstdlib>
#include <utility>

#include "common/support/parallel.h"

namespace hotpatch::diff {
namespace {

constexpr std::size_t kReach = 16;  // instructions: the arguments of one call

/// The opcode and operand bytes of an instruction, without its prefixes.
struct Encoding {
  std::size_t opcode = 0;  // offset, bytes
  unsigned rex = 0;
};

Encoding encoding(ByteView code) {
  Encoding found;
  if (!code.empty() && code[0] == std::byte{0x66}) ++found.opcode;
  if (found.opcode < code.size() && (std::to_integer<unsigned>(code[found.opcode]) & 0xf0) == 0x40)
    found.rex = std::to_integer<unsigned>(code[found.opcode++]);
  return found;
}

/// The number of the register that the instruction moves an immediate to; nothing if it does something else.
std::optional<unsigned> loaded_register(ByteView code) {
  const Encoding at = encoding(code);
  if (at.opcode >= code.size()) return std::nullopt;
  const unsigned opcode = std::to_integer<unsigned>(code[at.opcode]);
  const unsigned high = (at.rex & 1) << 3;
  if (opcode >= 0xb8 && opcode <= 0xbf) return (opcode - 0xb8) | high;
  if (opcode != 0xc7 || at.opcode + 1 >= code.size()) return std::nullopt;
  const unsigned operands = std::to_integer<unsigned>(code[at.opcode + 1]);
  return operands >> 6 == 3 ? std::optional((operands & 7) | high) : std::nullopt;
}

/// Whether the instruction sets up another argument: it neither reads nor writes `argument`, and goes nowhere.
bool sets_another(ByteView code, unsigned argument) {
  if (const auto loaded = loaded_register(code)) return *loaded != argument;
  const Encoding at = encoding(code);
  if (at.opcode >= code.size()) return false;
  const unsigned opcode = std::to_integer<unsigned>(code[at.opcode]);
  const bool is_pop = opcode >= 0x58 && opcode <= 0x5f;  // before a tail call
  if (is_pop) return ((opcode - 0x58) | ((at.rex & 1) << 3)) != argument;
  // What does not fit into registers goes by way of the stack.
  const bool is_push = opcode >= 0x50 && opcode <= 0x57;
  if (is_push) return ((opcode - 0x50) | ((at.rex & 1) << 3)) != argument;
  if (opcode == 0x68 || opcode == 0x6a) return true;
  if (at.opcode + 1 >= code.size()) return false;
  const unsigned operands = std::to_integer<unsigned>(code[at.opcode + 1]);
  const unsigned mode = operands >> 6;
  const unsigned memory = (operands & 7) | ((at.rex & 1) << 3);
  const unsigned other = ((operands >> 3) & 7) | ((at.rex & 4) << 1);
  const bool is_move = opcode == 0x89 || opcode == 0x8b || opcode == 0x8d || opcode == 0x31 || opcode == 0x33;
  const bool moves_stack = (opcode == 0x81 || opcode == 0x83) && mode == 3 && memory == 4;
  const bool has_index = mode != 3 && (operands & 7) == 4;
  const bool is_relative = mode == 0 && (operands & 7) == 5;
  const bool pushes_memory = opcode == 0xff && other == 6 && mode != 3;
  const bool is_apart = !has_index && (is_relative || memory != argument);
  return moves_stack || (is_apart && (pushes_memory || (is_move && other != argument)));
}

/// Whether it stores an immediate in memory, but for the stack.
bool stores_in_object(ByteView code) {
  constexpr unsigned kStackPointer = 4;
  const Encoding at = encoding(code);
  if (at.opcode + 2 >= code.size() || std::to_integer<unsigned>(code[at.opcode]) != 0xc7) return false;
  const unsigned operands = std::to_integer<unsigned>(code[at.opcode + 1]);
  if (operands >> 6 == 3) return false;
  const bool has_sib = (operands & 7) == 4;
  const bool is_stack = has_sib && (std::to_integer<unsigned>(code[at.opcode + 2]) & 7) == kStackPointer && (at.rex & 1) == 0;
  return !is_stack;
}

std::string_view without_directories(std::string_view path) { return path.substr(path.rfind('/') + 1); }

struct LineDirective {
  std::uint64_t number = 0;
  std::string_view name;  // empty: the same as before
};

/// Of "#line 7 "name"" and "# 7".
std::optional<LineDirective> line_directive(std::string_view line) {
  const auto skip = [&line](std::string_view what) {
    if (!line.starts_with(what)) return false;
    line.remove_prefix(what.size());
    return true;
  };
  const auto skip_spaces = [&line] { line.remove_prefix(std::min(line.find_first_not_of(" \t"), line.size())); };
  skip_spaces();
  if (!skip("#")) return std::nullopt;
  skip_spaces();
  (void)skip("line");
  skip_spaces();
  LineDirective found;
  const auto [end, error] = std::from_chars(line.data(), line.data() + line.size(), found.number);
  if (error != std::errc()) return std::nullopt;
  line.remove_prefix(static_cast<std::size_t>(end - line.data()));
  skip_spaces();
  if (skip("\"")) found.name = line.substr(0, line.find('"'));
  return found;
}

/// Whether a token of the text is that number, in whatever base.
bool has_token(std::string_view text, std::uint64_t number) {
  const auto is_word = [](char one) { return std::isalnum(static_cast<unsigned char>(one)) != 0 || one == '_'; };
  for (std::size_t at = 0; at < text.size();) {
    if (!is_word(text[at])) {
      ++at;
      continue;
    }
    std::size_t end = at;
    while (end < text.size() && is_word(text[end])) ++end;
    const std::string token(text.substr(at, end - at));
    at = end;
    if (std::isdigit(static_cast<unsigned char>(token[0])) == 0) continue;
    char* rest = nullptr;
    const std::uint64_t value = std::strtoull(token.c_str(), &rest, 0);
    if (value == number && std::string_view(rest).find_first_not_of("uUlL") == std::string_view::npos) return true;
  }
  return false;
}

}  // namespace

SourceText::SourceText(const std::string& name, std::string_view text) {
  std::string file(without_directories(name));
  std::uint64_t number = 1;
  while (!text.empty()) {
    const std::size_t end = std::min(text.find('\n'), text.size());
    const std::string_view line = text.substr(0, end);
    text.remove_prefix(std::min(end + 1, text.size()));
    if (const auto told = line_directive(line)) {
      number = told->number;
      if (!told->name.empty()) file = without_directories(told->name);
      continue;
    }
    lines_.emplace(std::pair(file, number++), line);
  }
}

bool SourceText::has_number(std::string_view file, std::uint64_t line, std::uint64_t number) const {
  constexpr std::uint64_t kStatement = 4;  // lines
  const std::string name(without_directories(file));
  return std::any_of(lines_.lower_bound({name, line}), lines_.lower_bound({name, line + kStatement}),
                     [&](const auto& entry) { return has_token(entry.second, number); });
}

/// Follows the code from the instruction to the call that it sets up an argument of.
bool LineProof::is_line_argument(const ObjectModel& model, const Entity& entity, std::size_t index) const {
  constexpr std::uint8_t kRegisters[] = {7, 6, 2, 1, 8, 9};  // of the arguments, by the System V ABI
  const ByteView contents = model.contents(entity);
  const auto& instructions = entity.instructions;
  const auto code_of = [&](const target::Instruction& instruction) {
    return contents.subspan(instruction.offset, instruction.length);
  };
  const auto argument = loaded_register(code_of(instructions[index]));
  if (!argument) return false;
  const auto begins_with = [&](const Reference& reference, std::string_view text) {
    const Entity& string = model.entity(reference.target.entity);
    return string.kind == EntityKind::kString && reference.target.offset == 0 &&
           as_text(model.contents(string)).starts_with(text);
  };
  std::size_t at = index + 1;
  for (std::size_t step = 0; step < kReach && at < instructions.size(); ++step) {
    const target::Instruction& instruction = instructions[at];
    const auto reference = std::ranges::lower_bound(entity.references, instruction.offset, {}, &Reference::offset);
    const bool has_reference = reference != entity.references.end() && reference->offset < instruction.end();
    const bool is_call = instruction.flow == target::Flow::kCall || (instruction.flow == target::Flow::kJump && has_reference);
    if (is_call) {
      if (!has_reference || !reference->is_branch || reference->target.offset != 0) return false;
      const std::string_view callee = model.entity(reference->target.entity).name;
      return std::ranges::any_of(model.profile().line_arguments, [&](const target::LineArgument& line) {
        return line.callee == callee && kRegisters[line.argument - 1] == *argument &&
               (line.format.empty() || std::ranges::any_of(entity.references, [&](const Reference& text) {
                  const std::uint64_t first = instructions[index - std::min(index, kReach)].offset;
                  return text.offset >= first && text.offset < instruction.offset && begins_with(text, line.format);
                }));
      });
    }
    switch (instruction.flow) {
      case target::Flow::kJump: {
        if (!instruction.target) return false;
        const auto next = std::ranges::lower_bound(instructions, *instruction.target, {},
                                                   [](const target::Instruction& i) { return std::int64_t{i.offset}; });
        if (next == instructions.end() || next->offset != *instruction.target) return false;
        at = static_cast<std::size_t>(next - instructions.begin());
        continue;
      }
      case target::Flow::kNext:
        if (!instruction.is_valid || !sets_another(code_of(instruction), *argument)) return false;
        ++at;
        continue;
      case target::Flow::kCall:
      case target::Flow::kConditional:
      case target::Flow::kReturn: return false;
    }
  }
  return false;
}

void LineProof::read() {
  if (is_read_) return;
  is_read_ = true;
  parallel_for(2, 2, [&](std::size_t side) {
    auto lines = elf::read_lines((side == 0 ? original_ : patched_).object());
    if (lines) (side == 0 ? original_lines_ : patched_lines_) = std::move(*lines);
  });
}

bool LineProof::may_be_line(const ObjectModel& side, const Entity& function, std::uint64_t value) {
  constexpr std::uint64_t kStatement = 32;  // lines that one may have: of a macro's call it is the last that counts
  read();
  const std::optional<elf::LineTable>& lines = &side == &original_ ? original_lines_ : patched_lines_;
  if (!lines) return true;
  std::map<std::string, std::pair<std::uint64_t, std::uint64_t>> spans;  // by file: the first and the last line
  for (const target::Instruction& instruction : function.instructions) {
    const auto line = lines->find(function.section, function.offset + instruction.offset);
    if (!line) continue;
    auto& [first, last] = spans.try_emplace(line->file, line->line, line->line).first->second;
    first = std::min<std::uint64_t>(first, line->line);
    last = std::max<std::uint64_t>(last, line->line);
  }
  return std::ranges::any_of(
      spans, [&](const auto& entry) { return value >= entry.second.first && value <= entry.second.second + kStatement; });
}

bool LineProof::proves(const Entity& original, const Entity& patched, std::size_t index, std::uint64_t original_value,
                       std::uint64_t patched_value) {
  if (is_line_argument(original_, original, index) && is_line_argument(patched_, patched, index)) return true;
  const target::Instruction& instruction = original.instructions[index];
  if (texts_ == nullptr && stores_in_object(original_.contents(original).subspan(instruction.offset, instruction.length)))
    return false;
  read();
  if (!original_lines_ || !patched_lines_) return false;
  const std::size_t end = std::min({index + kReach + 1, original.instructions.size(), patched.instructions.size()});
  for (std::size_t i = index - std::min(index, kReach); i < end; ++i) {
    const auto before = original_lines_->find(original.section, original.offset + original.instructions[i].offset);
    const auto after = patched_lines_->find(patched.section, patched.offset + patched.instructions[i].offset);
    if (!before || !after || before->file != after->file || before->line != original_value || after->line != patched_value)
      continue;
    return texts_ == nullptr || !(texts_->original.has_number(before->file, before->line, original_value) ||
                                  texts_->patched.has_number(after->file, after->line, patched_value));
  }
  return false;
}

std::optional<PassedImmediate> passed_immediate(ByteView code, const target::Instruction& instruction) {
  if (instruction.field_count == 0 || instruction.flow != target::Flow::kNext) return std::nullopt;
  // The immediate comes last. Prefixes: operand size, REX. Opcodes: mov to a register (b8+r), to a register or memory (c7 /0), push (68).
  const target::OperandField field = instruction.fields[instruction.field_count - 1];
  if (field.offset + field.size != instruction.length || (field.size != 4 && field.size != 2)) return std::nullopt;
  const auto byte = [&](std::size_t at) { return std::to_integer<unsigned>(code[instruction.offset + at]); };
  std::size_t at = 0;
  if (byte(at) == 0x66) ++at;
  if ((byte(at) & 0xf0) == 0x40) ++at;
  const unsigned opcode = byte(at);
  const bool passes_on = (opcode >= 0xb8 && opcode <= 0xbf) || opcode == 0xc7 || opcode == 0x68;
  if (!passes_on) return std::nullopt;
  const ByteView bytes = code.subspan(instruction.offset + field.offset, field.size);
  return PassedImmediate{field.size == 4 ? load_le<std::uint32_t>(bytes, 0) : load_le<std::uint16_t>(bytes, 0), field.offset};
}

}  // namespace hotpatch::diff
