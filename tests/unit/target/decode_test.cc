// SPDX-License-Identifier: GPL-2.0-or-later
#include "common/target/decode.h"

#include <doctest/doctest.h>

#include <random>

using namespace hotpatch;
using target::Displacement;
using target::Flow;

namespace {

Bytes code(std::initializer_list<unsigned> values) {
  Bytes bytes;
  for (const unsigned value : values) bytes.push_back(static_cast<std::byte>(value));
  return bytes;
}

std::vector<target::Instruction> decode(const Bytes& bytes) {
  auto decoder = target::Decoder::make();
  REQUIRE(decoder);
  return decoder->decode(bytes);
}

}  // namespace

TEST_CASE("a RIP-relative store of an immediate shows both of its fields") {
  // movl $0x11223344, 0x55667788(%rip)
  const auto instructions = decode(code({0xc7, 0x05, 0x88, 0x77, 0x66, 0x55, 0x44, 0x33, 0x22, 0x11}));
  REQUIRE(instructions.size() == 1);
  CHECK(instructions[0].length == 10);
  REQUIRE(instructions[0].field_count == 2);
  CHECK(instructions[0].fields[0].offset == 2);
  CHECK(instructions[0].fields[1].offset == 6);
  CHECK(instructions[0].flow == Flow::kNext);
}

TEST_CASE("what a displacement is added to is told, LEA from an access, and a displacement from an immediate") {
  const auto only = [](std::initializer_list<unsigned> bytes) {
    const auto instructions = decode(code(bytes));
    REQUIRE(instructions.size() == 1);
    return instructions[0];
  };
  // mov 0x10(%rip), %eax; lea 0x10(%rip), %rax
  CHECK(only({0x8b, 0x05, 0x10, 0, 0, 0}).displacement == Displacement::kFromEnd);
  CHECK_FALSE(only({0x8b, 0x05, 0x10, 0, 0, 0}).forms_address);
  CHECK(only({0x48, 0x8d, 0x05, 0x10, 0, 0, 0}).displacement == Displacement::kFromEnd);
  CHECK(only({0x48, 0x8d, 0x05, 0x10, 0, 0, 0}).forms_address);
  // lea -7586(%rbp,%rdx), %r12: its SIB byte is what the ModRM byte of the one before is
  CHECK(only({0x4c, 0x8d, 0xa4, 0x15, 0x5e, 0xe2, 0xff, 0xff}).displacement == Displacement::kIndexed);
  // mov 0x1c(,%rbx,4), %edi; mov 0x1c(%rbx), %edi; mov 0x1c, %eax by its address alone
  CHECK(only({0x8b, 0x3c, 0x9d, 0x1c, 0, 0, 0}).displacement == Displacement::kIndexed);
  CHECK(only({0x8b, 0xbb, 0x1c, 0, 0, 0}).displacement == Displacement::kIndexed);
  CHECK(only({0x8b, 0x04, 0x25, 0x1c, 0, 0, 0}).displacement == Displacement::kAlone);
  // movl $0x1c, (%rax) and mov $0x1c, %eax hold an immediate; leave has nothing
  CHECK(only({0xc7, 0x00, 0x1c, 0, 0, 0}).displacement == Displacement::kNone);
  CHECK(only({0xb8, 0x1c, 0, 0, 0}).displacement == Displacement::kNone);
  CHECK_FALSE(only({0xc9}).forms_address);
}

TEST_CASE("the short and the long form of a conditional jump have one condition and the right target") {
  const auto instructions = decode(code({0x74, 0x06, 0x0f, 0x84, 0xf8, 0xff, 0xff, 0xff, 0xc3}));
  REQUIRE(instructions.size() == 3);
  CHECK(instructions[0].flow == Flow::kConditional);
  CHECK(instructions[0].target == 8);
  CHECK(instructions[1].flow == Flow::kConditional);
  CHECK(instructions[1].target == 0);
  CHECK(instructions[0].branch_condition == instructions[1].branch_condition);
  CHECK(instructions[2].flow == Flow::kReturn);
}

TEST_CASE("calls, jumps and traps are told apart, direct from indirect") {
  const auto instructions = decode(code({0xe8, 0,    0, 0, 0,     // call rel32
                                         0xff, 0x15, 0, 0, 0, 0,  // call *(%rip)
                                         0xff, 0xe0,              // jmp *%rax
                                         0xe9, 0,    0, 0, 0,     // jmp rel32
                                         0x0f, 0x0b}));           // ud2
  REQUIRE(instructions.size() == 5);
  CHECK(instructions[0].flow == Flow::kCall);
  CHECK_FALSE(instructions[0].is_indirect);
  CHECK(instructions[0].target == 5);
  CHECK(instructions[1].flow == Flow::kCall);
  CHECK(instructions[1].is_indirect);
  CHECK(instructions[2].flow == Flow::kJump);
  CHECK(instructions[2].is_indirect);
  CHECK(instructions[3].flow == Flow::kJump);
  CHECK_FALSE(instructions[3].is_indirect);
  CHECK(instructions[4].flow == Flow::kReturn);
}

TEST_CASE("what is not an instruction is one byte of data, and every byte is accounted for") {
  const Bytes bytes = code({0x06, 0x90, 0x0f});
  const auto instructions = decode(bytes);
  std::size_t at = 0;
  for (const auto& instruction : instructions) {
    CHECK(instruction.offset == at);
    at = instruction.end();
  }
  CHECK(at == bytes.size());
  CHECK_FALSE(instructions[0].is_valid);
  CHECK(instructions[1].is_valid);
}

TEST_CASE("what fills gaps between functions is told from code") {
  CHECK(target::is_code_padding(code({})));
  CHECK(target::is_code_padding(code({0x90, 0x66, 0x90, 0xcc, 0x00})));
  CHECK(target::is_code_padding(code({0x0f, 0x1f, 0x44, 0x00, 0x00, 0x66, 0x2e, 0x0f, 0x1f, 0x84, 0, 0, 0, 0, 0})));
  CHECK_FALSE(target::is_code_padding(code({0x90, 0xc3})));
  CHECK_FALSE(target::is_code_padding(code({0x66})));
  CHECK_FALSE(target::is_code_padding(code({0x66, 0x89, 0xc0})));
}

TEST_CASE("what a decoder has met before it decodes as one that has met nothing") {
  std::mt19937 random(1);
  // Bytes that begin many instructions, so that equal beginnings and different fields are frequent, among any others.
  const Bytes frequent =
      code({0x48, 0x89, 0x8b, 0xe8, 0xe9, 0x74, 0x0f, 0x84, 0x05, 0xc7, 0x66, 0xf3, 0x2e, 0xff, 0x83, 0xc4, 0x62, 0x00});
  auto experienced = target::Decoder::make();
  REQUIRE(experienced);
  std::size_t instructions = 0;
  for (unsigned round = 0; round < 400; ++round) {
    Bytes bytes(64);
    for (std::byte& byte : bytes)
      byte = random() % 4 == 0 ? static_cast<std::byte>(random()) : frequent[random() % frequent.size()];
    const auto expected = decode(bytes);
    const auto first = experienced->decode(bytes);
    const auto again = experienced->decode(bytes);
    REQUIRE(first.size() == expected.size());
    REQUIRE(again.size() == expected.size());
    instructions += expected.size();
    for (const auto* const product : {&first, &again})
      for (std::size_t i = 0; i < expected.size(); ++i) {
        const target::Instruction& got = (*product)[i];
        const target::Instruction& wanted = expected[i];
        CHECK(got.offset == wanted.offset);
        CHECK(got.length == wanted.length);
        CHECK(got.flow == wanted.flow);
        CHECK(got.is_valid == wanted.is_valid);
        CHECK(got.is_indirect == wanted.is_indirect);
        CHECK(got.target == wanted.target);
        CHECK(got.branch_condition == wanted.branch_condition);
        REQUIRE(got.field_count == wanted.field_count);
        for (unsigned field = 0; field < wanted.field_count; ++field) {
          CHECK(got.fields[field].offset == wanted.fields[field].offset);
          CHECK(got.fields[field].size == wanted.fields[field].size);
        }
      }
  }
  CHECK(instructions > 1000);
}
