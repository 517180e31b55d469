// SPDX-License-Identifier: GPL-2.0-or-later
//
// Machine code as instructions: where each begins and ends, what it does to the flow of control, and where in it the fields lie that a
// relocation or a branch displacement fills. Nothing else is wanted of an instruction: its other bytes are compared as they are.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "common/support/bytes.h"
#include "common/support/result.h"

namespace hotpatch::target {

enum class Flow : std::uint8_t {
  kNext,         // goes on with the following instruction
  kCall,         // and comes back
  kJump,         // unconditional
  kConditional,  // jumps or goes on
  kReturn,       // or another end: iret, ud2, hlt in a loop
};

/// A field of an instruction that holds an immediate or a displacement.
struct OperandField {
  std::uint8_t offset = 0;  // bytes from the instruction's start
  std::uint8_t size = 0;    // bytes
};

/// What the displacement of an operand in memory is added to. Where there is one, it is the instruction's first field.
enum class Displacement : std::uint8_t {
  kNone,     // there is none
  kAlone,    // nothing: it is the address
  kFromEnd,  // the address of the next instruction (RIP)
  kIndexed,  // registers
};

struct Instruction {
  std::uint32_t offset = 0;  // bytes from the start of the code
  std::uint8_t length = 0;   // bytes
  Flow flow = Flow::kNext;
  bool is_valid = true;      // false: not decodable; one byte, taken as data
  bool is_indirect = false;  // a call or jump through a register or memory
  std::uint8_t field_count = 0;
  OperandField fields[2];
  /// For a direct jump: which, with the short and the long form folded into one: the condition code, or 0x10 for unconditional.
  std::uint8_t branch_condition = 0;
  Displacement displacement = Displacement::kNone;
  bool forms_address = false;  // LEA: the address is the outcome, and nothing is accessed there
  /// For a direct call or jump: where it goes, in bytes from the start of the code, if no relocation says otherwise.
  std::optional<std::int64_t> target;

  [[nodiscard]] std::uint32_t end() const noexcept { return offset + length; }
};

/// Holds LLVM's disassembler of one machine. Not for use by two threads at once.
class Decoder {
 public:
  /// The decoder of x86-64, with every instruction set extension on.
  static Result<Decoder> make();
  Decoder(Decoder&&) noexcept;
  Decoder& operator=(Decoder&&) noexcept;
  ~Decoder();

  /// Every byte of `code` belongs to exactly one instruction of the product. Never fails: what does not decode is marked.
  [[nodiscard]] std::vector<Instruction> decode(ByteView code);
  /// One instruction at the start of `code` in assembler syntax, for people: "mov %rax, 8(%rdi)".
  [[nodiscard]] std::string print(ByteView code, std::uint64_t address);

 private:
  struct Parts;
  explicit Decoder(std::unique_ptr<Parts> parts);
  std::unique_ptr<Parts> parts_;
};

/// Whether the code is nothing but what assemblers and compilers fill gaps between functions with: NOPs of any length, INT3, zeros.
[[nodiscard]] bool is_code_padding(ByteView code) noexcept;

}  // namespace hotpatch::target
