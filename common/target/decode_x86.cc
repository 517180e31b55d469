// SPDX-License-Identifier: GPL-2.0-or-later
//
// The one user of LLVM MC.
#include <algorithm>
#include <array>
#include <mutex>
#include <string_view>
#include <utility>

#include <llvm/MC/MCAsmInfo.h>
#include <llvm/MC/MCContext.h>
#include <llvm/MC/MCDisassembler/MCDisassembler.h>
#include <llvm/MC/MCDisassembler/MCRelocationInfo.h>
#include <llvm/MC/MCDisassembler/MCSymbolizer.h>
#include <llvm/MC/MCInst.h>
#include <llvm/MC/MCInstPrinter.h>
#include <llvm/MC/MCInstrDesc.h>
#include <llvm/MC/MCInstrInfo.h>
#include <llvm/MC/MCRegisterInfo.h>
#include <llvm/MC/MCSubtargetInfo.h>
#include <llvm/MC/MCTargetOptions.h>
#include <llvm/MC/TargetRegistry.h>
#include <llvm/Support/raw_ostream.h>
#include <llvm/TargetParser/Triple.h>

#include "common/target/decode.h"

// llvm/Support/TargetSelect.h declares these for every target that LLVM was built with; one is wanted.
extern "C" void LLVMInitializeX86TargetInfo();
extern "C" void LLVMInitializeX86TargetMC();
extern "C" void LLVMInitializeX86Disassembler();

namespace hotpatch::target {
namespace {

constexpr const char* kTriple = "x86_64-unknown-elf";

/// LLVM tells a symbolizer of each immediate and displacement before it adds the operand: the one place where their position in the
/// instruction can be learnt. It is noted; the operand is left as it is.
class FieldNoter final : public llvm::MCSymbolizer {
 public:
  FieldNoter(llvm::MCContext& context, std::unique_ptr<llvm::MCRelocationInfo> info, Instruction*& current)
      : MCSymbolizer(context, std::move(info)), current_(current) {}
  bool tryAddingSymbolicOperand(llvm::MCInst&, llvm::raw_ostream&, std::int64_t, std::uint64_t, bool, std::uint64_t offset,
                                std::uint64_t size, std::uint64_t) override {
    if (current_ == nullptr) return false;
    if (size == 0) has_bare_operand_ = true;
    if (size == 0 || current_->field_count == std::size(current_->fields)) return false;
    OperandField& field = current_->fields[current_->field_count++];
    field.offset = static_cast<std::uint8_t>(offset);
    field.size = static_cast<std::uint8_t>(size);
    return false;
  }
  void tryAddingPcLoadReferenceComment(llvm::raw_ostream&, std::int64_t, std::uint64_t) override {}

  /// Whether an operand since the last question was one in memory without a displacement.
  bool take_bare_operand() { return std::exchange(has_bare_operand_, false); }

 private:
  Instruction*& current_;
  bool has_bare_operand_ = false;
};

/// LLVM describes an operand in memory as base, scale, index, displacement and segment; that of LEA, which is behind its destination, it
/// does not call one in memory.
Displacement displacement_of(const llvm::MCInst& decoded, const Instruction& instruction, const llvm::MCInstrDesc& description,
                             const llvm::MCRegisterInfo& registers) {
  constexpr unsigned kParts = 5;
  constexpr unsigned kIndex = 2;
  unsigned operand = instruction.forms_address ? 1 : 0;
  if (!instruction.forms_address)
    while (operand < description.getNumOperands() && description.operands()[operand].OperandType != llvm::MCOI::OPERAND_MEMORY)
      ++operand;
  if (operand + kParts > decoded.getNumOperands() || !decoded.getOperand(operand).isReg() ||
      !decoded.getOperand(operand + kIndex).isReg())
    return Displacement::kNone;
  const auto name = [&](unsigned part) {
    const llvm::MCRegister found = decoded.getOperand(operand + part).getReg();
    return found.isValid() ? std::string_view(registers.getName(found)) : std::string_view();
  };
  const std::string_view base = name(0);
  const std::string_view index = name(kIndex);
  if (base == "RIP" || base == "EIP") return Displacement::kFromEnd;
  const bool has_index = !index.empty() && index != "RIZ" && index != "EIZ";
  return base.empty() && !has_index ? Displacement::kAlone : Displacement::kIndexed;
}

std::uint8_t byte_at(ByteView code, std::size_t offset) { return std::to_integer<std::uint8_t>(code[offset]); }

/// The condition of a direct jump, from its opcode bytes: 70+cc rel8, 0f 80+cc rel32, e3 (jrcxz) and loops stand for themselves.
std::uint8_t condition_of(ByteView code, const Instruction& instruction) {
  if (instruction.field_count == 0) return 0;
  const std::size_t opcode_at = instruction.offset + instruction.fields[0].offset - 1U;
  const std::uint8_t opcode = byte_at(code, opcode_at);
  if (opcode == 0xe9 || opcode == 0xeb) return 0x10;
  if (opcode >= 0x70 && opcode <= 0x8f) return opcode & 0xf;
  return opcode;
}

/// The signed displacement of a direct branch.
std::int64_t displacement(ByteView code, std::size_t at, OperandField field) {
  if (field.size == 1) return static_cast<std::int8_t>(byte_at(code, at + field.offset));
  return static_cast<std::int32_t>(load_le<std::uint32_t>(code, at + field.offset));
}

/// Instructions that were met before: most of a program's are among a few thousand.
///
/// What an instruction is does not depend on where it stands, on what follows it, or on the values of its immediates and displacements:
/// prefixes, opcode, ModRM and SIB alone decide on its length, its fields and what it does to the flow of control (Intel SDM, volume 2,
/// section 2.1). So one that is the same byte for byte outside of its fields is the same instruction, and of a branch the destination
/// alone is computed anew. Bytes that look like an immediate and are part of the opcode (3DNow, registers in the last byte of some AVX
/// instructions) are no field to LLVM, and are compared. Instructions with legacy prefixes are left out: LLVM looks ahead to tell a prefix
/// that belongs to what follows from one that stands for itself.
class KnownInstructions {
 public:
  KnownInstructions() : table_(kSize) {}

  /// Null if none is known that `code` begins with at `at`.
  [[nodiscard]] const Instruction* find(ByteView code, std::size_t at) const {
    if (code.size() - at < kPrefix) return nullptr;
    const Known& known = table_[slot(code, at)];
    const std::size_t length = known.instruction.length;
    if (length == 0 || length > code.size() - at) return nullptr;
    for (std::size_t i = 0; i < length; ++i)
      if ((code[at + i] & known.mask[i]) != known.bytes[i]) return nullptr;
    return &known.instruction;
  }

  void add(ByteView code, std::size_t at, const Instruction& instruction) {
    if (code.size() - at < kPrefix || instruction.length > kLongest || has_legacy_prefix(code, at)) return;
    Known made;
    made.instruction = instruction;
    std::ranges::fill(made.mask, std::byte{0xff});
    for (unsigned i = 0; i < instruction.field_count; ++i) {
      const OperandField field = instruction.fields[i];
      if (field.offset + field.size > instruction.length) return;
      std::fill_n(made.mask.begin() + field.offset, field.size, std::byte{0});
    }
    if (instruction.target) {
      const OperandField field = instruction.fields[0];
      if ((field.size != 1 && field.size != 4) ||
          *instruction.target != static_cast<std::int64_t>(instruction.end()) + displacement(code, at, field))
        return;
    }
    for (std::size_t i = 0; i < instruction.length; ++i) made.bytes[i] = code[at + i] & made.mask[i];
    table_[slot(code, at)] = made;
  }

 private:
  static constexpr std::size_t kSize = 4096;   // a power of two
  static constexpr std::size_t kPrefix = 3;    // bytes that choose the place in the table
  static constexpr std::size_t kLongest = 15;  // bytes: an instruction of this machine is no longer
  struct Known {
    std::array<std::byte, kLongest> bytes = {};  // without the fields
    std::array<std::byte, kLongest> mask = {};
    Instruction instruction;  // of no length: none
  };
  /// Intel SDM, volume 2, section 2.1.1; behind a REX prefix as well.
  static bool has_legacy_prefix(ByteView code, std::size_t at) {
    constexpr std::array<std::uint8_t, 11> kPrefixes = {0x26, 0x2e, 0x36, 0x3e, 0x64, 0x65, 0x66, 0x67, 0xf0, 0xf2, 0xf3};
    const std::uint8_t first = byte_at(code, at);
    return std::ranges::find(kPrefixes, (first & 0xf0U) == 0x40 ? byte_at(code, at + 1) : first) != kPrefixes.end();
  }
  static std::size_t slot(ByteView code, std::size_t at) {
    const std::uint32_t prefix = byte_at(code, at) | byte_at(code, at + 1) * 0x100U | byte_at(code, at + 2) * 0x10000U;
    return (prefix * 0x9e3779b1U >> 20) % kSize;
  }
  std::vector<Known> table_;
};

}  // namespace

struct Decoder::Parts {
  std::unique_ptr<llvm::MCRegisterInfo> registers;
  std::unique_ptr<llvm::MCAsmInfo> assembler;
  std::unique_ptr<llvm::MCSubtargetInfo> subtarget;
  std::unique_ptr<llvm::MCInstrInfo> instructions;
  std::unique_ptr<llvm::MCContext> context;
  std::unique_ptr<llvm::MCDisassembler> disassembler;
  std::unique_ptr<llvm::MCInstPrinter> printer;
  Instruction* current = nullptr;
  FieldNoter* noter = nullptr;  // the disassembler's
  KnownInstructions known;
  std::vector<Instruction> decoded;  // of the code at hand: how many there are is known at its end
};

Decoder::Decoder(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
Decoder::Decoder(Decoder&&) noexcept = default;
Decoder& Decoder::operator=(Decoder&&) noexcept = default;
Decoder::~Decoder() = default;

Result<Decoder> Decoder::make() {
  static std::once_flag once;
  std::call_once(once, [] {
    LLVMInitializeX86TargetInfo();
    LLVMInitializeX86TargetMC();
    LLVMInitializeX86Disassembler();
  });
  std::string problem;
  const llvm::Target* target = llvm::TargetRegistry::lookupTarget(kTriple, problem);
  if (target == nullptr) return fail(Errc::kUnsupported, "this LLVM has no x86-64 disassembler: " + problem);
  auto parts = std::make_unique<Parts>();
  const llvm::Triple triple(kTriple);
  parts->registers.reset(target->createMCRegInfo(kTriple));
  parts->assembler.reset(target->createMCAsmInfo(*parts->registers, kTriple, llvm::MCTargetOptions()));
  parts->subtarget.reset(target->createMCSubtargetInfo(kTriple, "", ""));
  parts->instructions.reset(target->createMCInstrInfo());
  parts->context =
      std::make_unique<llvm::MCContext>(triple, parts->assembler.get(), parts->registers.get(), parts->subtarget.get());
  parts->disassembler.reset(target->createMCDisassembler(*parts->subtarget, *parts->context));
  parts->printer.reset(target->createMCInstPrinter(triple, 0, *parts->assembler, *parts->instructions, *parts->registers));
  if (!parts->disassembler || !parts->printer) return fail(Errc::kUnsupported, "this LLVM cannot disassemble x86-64");
  auto noter =
      std::make_unique<FieldNoter>(*parts->context, std::make_unique<llvm::MCRelocationInfo>(*parts->context), parts->current);
  parts->noter = noter.get();
  parts->disassembler->setSymbolizer(std::move(noter));
  return Decoder(std::move(parts));
}

std::vector<Instruction> Decoder::decode(ByteView code) {
  std::vector<Instruction>& product = parts_->decoded;
  product.clear();
  const llvm::ArrayRef<std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(code.data()), code.size());
  for (std::size_t at = 0; at < code.size();) {
    Instruction instruction;
    if (const Instruction* known = parts_->known.find(code, at)) {
      instruction = *known;
      instruction.offset = static_cast<std::uint32_t>(at);
      if (instruction.target)
        instruction.target = static_cast<std::int64_t>(instruction.end()) + displacement(code, at, instruction.fields[0]);
      product.push_back(instruction);
      at += instruction.length;
      continue;
    }
    instruction.offset = static_cast<std::uint32_t>(at);
    llvm::MCInst decoded;
    std::uint64_t size = 0;
    parts_->current = &instruction;
    const auto status = parts_->disassembler->getInstruction(decoded, size, bytes.slice(at), at, llvm::nulls());
    parts_->current = nullptr;
    const bool is_bare = parts_->noter->take_bare_operand();
    if (status != llvm::MCDisassembler::Success || size == 0 || size > code.size() - at) {
      instruction = {};
      instruction.offset = static_cast<std::uint32_t>(at);
      instruction.length = 1;
      instruction.is_valid = false;
      product.push_back(instruction);
      ++at;
      continue;
    }
    instruction.length = static_cast<std::uint8_t>(size);
    const llvm::MCInstrDesc& description = parts_->instructions->get(decoded.getOpcode());
    if (description.isCall()) {
      instruction.flow = Flow::kCall;
    } else if (description.isReturn()) {
      instruction.flow = Flow::kReturn;
    } else if (description.isBranch()) {
      instruction.flow = description.isConditionalBranch() ? Flow::kConditional : Flow::kJump;
    } else if (description.isBarrier() || description.isTrap() ||
               (byte_at(code, at) == 0x0f && size == 2 && byte_at(code, at + 1) == 0x0b)) {
      instruction.flow = Flow::kReturn;  // ud2: GCC's unreachable(), Xen's BUG()
    }
    const bool transfers = instruction.flow != Flow::kNext && instruction.flow != Flow::kReturn;
    instruction.is_indirect = transfers && (description.isIndirectBranch() || decoded.getNumOperands() == 0 ||
                                            description.mayLoad() || !decoded.getOperand(0).isImm());
    if (transfers && !instruction.is_indirect && instruction.field_count == 1) {
      instruction.target = static_cast<std::int64_t>(at + size) + decoded.getOperand(0).getImm();
      if (instruction.flow != Flow::kCall) instruction.branch_condition = condition_of(code, instruction);
    }
    instruction.forms_address =
        parts_->instructions->getName(decoded.getOpcode()).starts_with("LEA") && description.getNumOperands() > 1;
    if (instruction.field_count != 0 && !is_bare)
      instruction.displacement = displacement_of(decoded, instruction, description, *parts_->registers);
    parts_->known.add(code, at, instruction);
    product.push_back(instruction);
    at += size;
  }
  return {product.begin(), product.end()};  // no larger than it needs to be: it is kept
}

std::string Decoder::print(ByteView code, std::uint64_t address) {
  const llvm::ArrayRef<std::uint8_t> bytes(reinterpret_cast<const std::uint8_t*>(code.data()), code.size());
  llvm::MCInst decoded;
  std::uint64_t size = 0;
  if (parts_->disassembler->getInstruction(decoded, size, bytes, address, llvm::nulls()) != llvm::MCDisassembler::Success)
    return code.empty() ? std::string() : ".byte " + hex(byte_at(code, 0));
  std::string text;
  llvm::raw_string_ostream stream(text);
  parts_->printer->printInst(&decoded, address, "", *parts_->subtarget, stream);
  std::ranges::replace(text, '\t', ' ');
  const std::size_t start = text.find_first_not_of(' ');
  return start == std::string::npos ? text : text.substr(start);
}

bool is_code_padding(ByteView code) noexcept {
  // 00 and CC; 90; and the long forms that GNU as and LLVM emit: any number of 66 and CS (2e) prefixes, then 90 or 0F 1F /0.
  for (std::size_t at = 0; at < code.size();) {
    if (code[at] == std::byte{0x00} || code[at] == std::byte{0xcc}) {
      ++at;
      continue;
    }
    while (at < code.size() && (code[at] == std::byte{0x66} || code[at] == std::byte{0x2e})) ++at;
    if (at < code.size() && code[at] == std::byte{0x90}) {
      ++at;
      continue;
    }
    if (code.size() - at < 3 || code[at] != std::byte{0x0f} || code[at + 1] != std::byte{0x1f}) return false;
    const std::uint8_t modrm = byte_at(code, at + 2);
    at += 3 + ((modrm & 7) == 4 && modrm < 0xc0 ? 1U : 0U) + (modrm >> 6 == 1 ? 1U : modrm >> 6 == 2 ? 4U : 0U);
  }
  return true;
}

}  // namespace hotpatch::target
