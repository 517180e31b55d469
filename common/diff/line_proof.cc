// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/diff/line_proof.h"

#include <algorithm>

namespace hotpatch::diff {

bool LineProof::proves(const Entity& original, const Entity& patched, std::size_t index, std::uint64_t original_value,
                       std::uint64_t patched_value) {
  constexpr std::size_t kReach = 16;  // instructions to either side: the arguments of one call
  if (!is_read_) {
    is_read_ = true;
    if (auto lines = elf::read_lines(original_.object())) original_lines_ = std::move(*lines);
    if (auto lines = elf::read_lines(patched_.object())) patched_lines_ = std::move(*lines);
  }
  if (!original_lines_ || !patched_lines_) return false;
  const std::size_t end = std::min({index + kReach + 1, original.instructions.size(), patched.instructions.size()});
  for (std::size_t i = index - std::min(index, kReach); i < end; ++i) {
    const auto before = original_lines_->find(original.section, original.offset + original.instructions[i].offset);
    const auto after = patched_lines_->find(patched.section, patched.offset + patched.instructions[i].offset);
    if (before && after && before->file == after->file && before->line == original_value && after->line == patched_value)
      return true;
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
