// SPDX-License-Identifier: GPL-2.0-or-later
//
// Runs a fuzz target over a committed corpus, as an ordinary test under any compiler: replay_NAME FOLDER
//
// Inputs are kept as text: hexadecimal digits, two to a byte, white space and lines that begin with '#' left out. Beside each input, what
// it becomes when it is cut off at every byte, and, of an object, when each word of its section headers is given an absurd value.
#include <algorithm>
#include <cstdint>
#include <cstdio>
#include <cstring>
#include <filesystem>
#include <fstream>
#include <optional>
#include <string>
#include <vector>

#include <elf.h>

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size);

namespace {

std::optional<std::vector<std::uint8_t>> read_hex(const std::filesystem::path& path) {
  std::ifstream stream(path);
  std::vector<std::uint8_t> bytes;
  std::string digits;
  for (std::string line; std::getline(stream, line);) {
    if (line.starts_with('#')) continue;
    for (const char c : line)
      if (std::isxdigit(static_cast<unsigned char>(c)) != 0)
        digits += c;
      else if (std::isspace(static_cast<unsigned char>(c)) == 0)
        return std::nullopt;
  }
  if (!stream.eof() || digits.size() % 2 != 0) return std::nullopt;
  for (std::size_t i = 0; i < digits.size(); i += 2)
    bytes.push_back(static_cast<std::uint8_t>(std::stoul(digits.substr(i, 2), nullptr, 16)));
  return bytes;
}

void run_on(const std::vector<std::uint8_t>& bytes) { (void)LLVMFuzzerTestOneInput(bytes.data(), bytes.size()); }

void run_damaged(const std::vector<std::uint8_t>& whole) {
  for (std::size_t size = 0; size < whole.size(); ++size)
    run_on({whole.begin(), whole.begin() + static_cast<std::ptrdiff_t>(size)});
  // Of a pair of objects, the first stands behind its size.
  for (const std::size_t start : {std::size_t{0}, std::size_t{4}}) {
    Elf64_Ehdr header;
    if (whole.size() < start + sizeof header || std::memcmp(whole.data() + start, ELFMAG, SELFMAG) != 0) continue;
    std::memcpy(&header, whole.data() + start, sizeof header);
    const std::size_t table = start + header.e_shoff;
    const std::size_t end = std::min(whole.size(), table + header.e_shnum * sizeof(Elf64_Shdr));
    for (std::size_t at = table; at + 8 <= end; at += 8)
      for (const std::uint64_t absurd : {std::uint64_t{0}, ~std::uint64_t{0}, std::uint64_t{1} << 63, std::uint64_t{1} << 31,
                                         ~std::uint64_t{0} - 63, std::uint64_t{0xffff}}) {
        std::vector<std::uint8_t> damaged = whole;
        std::memcpy(damaged.data() + at, &absurd, sizeof absurd);
        run_on(damaged);
      }
  }
}

}  // namespace

int main(int argc, char** argv) {
  if (argc != 2) {
    (void)std::fprintf(stderr, "usage: %s FOLDER\n", argv[0]);
    return 64;
  }
  std::vector<std::filesystem::path> inputs;
  for (const auto& entry : std::filesystem::directory_iterator(argv[1]))
    if (entry.path().extension() == ".hex") inputs.push_back(entry.path());
  std::ranges::sort(inputs);
  for (const auto& path : inputs) {
    const auto bytes = read_hex(path);
    if (!bytes) {
      (void)std::fprintf(stderr, "%s: not hexadecimal text\n", path.c_str());
      return 1;
    }
    (void)std::fprintf(stderr, "%s: %zu bytes\n", path.filename().c_str(), bytes->size());
    (void)LLVMFuzzerTestOneInput(bytes->data(), bytes->size());
    run_damaged(*bytes);
  }
  if (inputs.empty()) {
    (void)std::fprintf(stderr, "%s: holds no inputs\n", argv[1]);
    return 1;
  }
  return 0;
}
