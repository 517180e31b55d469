// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/host/dump.h"

#include <algorithm>
#include <charconv>
#include <optional>

namespace hotpatch::xen::host {
namespace {

/// Takes fields off the front of a line; once one does not fit, none does.
class LineReader {
 public:
  explicit LineReader(std::string_view line) : rest_(line) {}

  LineReader& skip(std::string_view text) {
    if (good_ && rest_.starts_with(text))
      rest_.remove_prefix(text.size());
    else
      good_ = false;
    return *this;
  }
  template <typename T>
  LineReader& number(T& value, int base) {
    const auto [end, failure] = std::from_chars(rest_.data(), rest_.data() + rest_.size(), value, base);
    if (!good_ || failure != std::errc())
      good_ = false;
    else
      rest_.remove_prefix(static_cast<std::size_t>(end - rest_.data()));
    return *this;
  }
  [[nodiscard]] bool good() const noexcept { return good_; }

 private:
  std::string_view rest_;
  bool good_ = true;
};

std::optional<DumpedPayload> read_payload_line(std::string_view line) {
  constexpr std::string_view kName = " name=";
  const std::size_t start = line.find(kName);
  const std::size_t state = line.rfind(" state=");
  if (start == std::string_view::npos || state == std::string_view::npos || state < start + kName.size()) return std::nullopt;
  DumpedPayload payload;
  payload.name = line.substr(start + kName.size(), state - start - kName.size());
  const std::size_t number = line.find('(', state);
  if (number == std::string_view::npos) return std::nullopt;
  LineReader reader(line.substr(number));
  reader.skip("(").number(payload.state, 10).skip(") ").number(payload.text, 16).skip(" (.data=").number(payload.rw, 16);
  reader.skip(", .rodata=").number(payload.ro, 16).skip(") using ").number(payload.pages, 10).skip(" pages.");
  return reader.good() ? std::optional(payload) : std::nullopt;
}

std::optional<DumpedFunction> read_function_line(std::string_view line) {
  constexpr std::string_view kIndent = "    ";
  const std::size_t patch = line.rfind(" patch ");
  const std::size_t start = line.find(kIndent);
  if (patch == std::string_view::npos || start == std::string_view::npos || patch < start + kIndent.size()) return std::nullopt;
  DumpedFunction function;
  std::string_view name = line.substr(start + kIndent.size(), patch - start - kIndent.size());
  name.remove_prefix(std::min(name.find_first_not_of(' '), name.size()));  // the console's own prefix may end in a space
  function.name = name;
  LineReader reader(line.substr(patch));
  reader.skip(" patch ").number(function.old_addr, 16).skip("(").number(function.old_size, 10).skip(") with ");
  reader.number(function.new_addr, 16).skip(" (").number(function.new_size, 10).skip(")");
  return reader.good() ? std::optional(function) : std::nullopt;
}

/// The digits behind `key`, which follows the console's own prefix.
std::string digits_after(std::string_view line, std::string_view key) {
  const std::size_t start = line.find(key);
  if (start == std::string_view::npos) return {};
  std::string digits;
  for (const char letter : line.substr(start + key.size())) {
    if (letter != ' ') digits += letter;
  }
  return digits;
}

}  // namespace

std::vector<DumpedPayload> parse_dump(std::string_view console) {
  std::vector<DumpedPayload> payloads;
  while (!console.empty()) {
    const std::size_t end = console.find('\n');
    std::string_view line = console.substr(0, end);
    console.remove_prefix(end == std::string_view::npos ? console.size() : end + 1);
    if (line.ends_with('\r')) line.remove_suffix(1);
    if (line.find("Dumping all livepatch patches") != std::string_view::npos) payloads.clear();
    if (auto payload = read_payload_line(line)) {
      payloads.push_back(*std::move(payload));
      continue;
    }
    if (payloads.empty()) continue;
    DumpedPayload& current = payloads.back();
    if (auto function = read_function_line(line)) {
      current.functions.push_back(*std::move(function));
    } else if (std::string id = digits_after(line, "depend-on-xen="); !id.empty()) {
      current.xen_depends = std::move(id);
    } else if (std::string base = digits_after(line, "depend-on="); !base.empty()) {
      current.depends = std::move(base);
    } else if (std::string own = digits_after(line, "build-id="); !own.empty()) {
      current.build_id = std::move(own);
    }
  }
  return payloads;
}

}  // namespace hotpatch::xen::host
