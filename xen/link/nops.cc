// SPDX-License-Identifier: GPL-2.0-or-later
#include "xen/link/nops.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <optional>
#include <set>

#include "common/support/text.h"
#include "common/target/decode.h"
#include "xen/payload/payload.h"

namespace hotpatch::xen {
namespace {

constexpr std::size_t kNearBranch = 4;      // bytes of a near branch's displacement, at its end
constexpr std::uint64_t kShortReach = 128;  // bytes that a short branch reaches, from its end
constexpr std::uint64_t kLongestInstruction = 15;
constexpr std::size_t kExceptionSize = 8;
/// struct bug_frame, and with an assertion's second half (arch/x86/include/asm/bug.h).
constexpr std::size_t kFrameSize = 8;
constexpr std::size_t kAssertionSize = 16;

std::optional<std::uint64_t> number(std::string_view text) {
  const bool is_hexadecimal = text.starts_with("0x") || text.starts_with("0X");
  if (is_hexadecimal) text.remove_prefix(2);
  std::uint64_t value = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), value, is_hexadecimal ? 16 : 10);
  if (failure != std::errc() || end != text.data() + text.size()) return std::nullopt;
  return value;
}

TargetAddr moved(TargetAddr address, std::int64_t distance) { return address + static_cast<std::uint64_t>(distance); }

/// Whether control leaves the function for good there: by a return, or by a jump to another one.
bool leaves(const target::Instruction& instruction, ByteView code) {
  constexpr std::array kUd2 = {std::byte{0x0f}, std::byte{0x0b}};
  if (instruction.flow == target::Flow::kReturn)
    return !std::ranges::equal(code.subspan(instruction.offset, instruction.length), kUd2);
  if (instruction.flow != target::Flow::kJump) return false;
  return instruction.is_indirect || !instruction.target || *instruction.target < 0 ||
         *instruction.target >= static_cast<std::int64_t>(code.size());
}

class Maker {
 public:
  Maker(const NopRequest& request, const Hypervisor& xen, std::span<const TargetAddr> below, target::Decoder& decoder,
        Diagnostics& findings)
      : request_(request), xen_(xen), below_(below), decoder_(decoder), findings_(findings) {}

  std::optional<NopEntry> run() {
    if (!find_function() || !find_stretch()) return std::nullopt;
    check_boundaries();
    check_entries();
    check_leaving();
    check_rewrites();
    check_sites();
    check_expectation();
    if (is_refused_) return std::nullopt;
    return make();
  }

 private:
  void add(const char* rule, Severity severity, std::string text, std::string remedy) {
    is_refused_ = is_refused_ || severity == Severity::kError;
    findings_.add({.rule = rule,
                   .severity = severity,
                   .where = {.unit = {}, .symbol = request_.text(), .section = {}, .source = {}},
                   .text = std::move(text),
                   .remedy = std::move(remedy)});
  }
  void refuse(const char* rule, std::string text, std::string remedy) {
    add(rule, Severity::kError, std::move(text), std::move(remedy));
  }

  bool find_function() {
    std::set<TargetAddr> places;
    for (const elf::ImageSymbol* symbol : xen_.image().find(request_.function)) {
      if (symbol->type != elf::SymbolType::kFunction || symbol->size == 0) continue;
      places.insert(symbol->address);
      function_ = symbol;
    }
    if (places.size() == 1) return true;
    if (places.empty())
      refuse("HP112-nop-function", "the image has no function " + request_.function + " whose size is known",
             "an inlined function has none of its own: name the one that it is inlined in");
    else
      refuse("HP112-nop-function", "the image has " + std::to_string(places.size()) + " functions " + request_.function,
             "change the one that is meant by a patch");
    return false;
  }

  bool find_stretch() {
    const TargetAddr start = function_->address;
    if (!xen_.text().contains(start) || xen_.init().contains(start)) {
      refuse("HP109-not-text", request_.function + " is at " + hex(start.value()) + ", outside of Xen's text",
             "only code that stays after boot can be taken away");
      return false;
    }
    const std::uint64_t size = function_->size;
    if (request_.offset > size || request_.length > size - request_.offset) {
      refuse("HP117-nop-length", request_.function + " has " + std::to_string(size) + " bytes", "stay within the function");
      return false;
    }
    const auto code = xen_.bytes_at(start, size);
    if (!code) {
      refuse("HP112-nop-function", "the image does not hold the code of " + request_.function, {});
      return false;
    }
    code_ = *code;
    stretch_ = {.begin = start + request_.offset, .end = start + request_.offset + request_.length};
    const bool keeps_endbr = xen_.has_endbr(stretch_.begin);
    const std::uint64_t least = keeps_endbr ? kEndbrSize + 1 : 1;
    if (request_.length < least || request_.length > kMaxExpectation) {
      refuse("HP117-nop-length",
             std::to_string(request_.length) + " bytes: Xen can take away " + std::to_string(least) + " to " +
                 std::to_string(kMaxExpectation) + " there" + (keeps_endbr ? ", of which it keeps the ENDBR64" : ""),
             request_.length < least ? "name what is to be taken away" : "make several entries of it");
      return false;
    }
    instructions_ = decoder_.decode(code_);
    return true;
  }

  [[nodiscard]] std::uint64_t end() const { return request_.offset + request_.length; }  // from the function's start
  [[nodiscard]] bool is_removed(const target::Instruction& one) const {
    return one.offset >= request_.offset && one.offset < end();
  }
  /// Where control may not come from elsewhere. At the start it may.
  [[nodiscard]] bool is_inside(TargetAddr address) const { return stretch_.begin < address && address < stretch_.end; }

  void check_boundaries() {
    const auto starts_at = [&](std::uint64_t offset) {
      return offset == code_.size() ||
             std::ranges::any_of(instructions_, [&](const target::Instruction& one) { return one.offset == offset; });
    };
    const auto unreadable =
        std::ranges::find_if(instructions_, [&](const target::Instruction& one) { return !one.is_valid && one.offset <= end(); });
    if (unreadable != instructions_.end()) {
      refuse("HP118-nop-boundary", "byte " + hex(unreadable->offset) + " of the function is no instruction that is known",
             "where instructions begin cannot be told: change the function by a patch");
      return;
    }
    for (const std::uint64_t offset : {request_.offset, end()}) {
      if (starts_at(offset)) continue;
      const auto cut = std::ranges::find_if(instructions_, [&](const target::Instruction& one) { return one.end() > offset; });
      refuse("HP118-nop-boundary",
             "byte " + hex(offset) + " is inside of '" + print(*cut) + "', at " + hex(cut->offset) + " to " + hex(cut->end()),
             "begin and end between instructions");
    }
  }

  void check_entries() {
    const auto found = [&](const std::string& what) {
      refuse("HP119-nop-entered", what + " leads into the middle of the stretch, where the NOPs have other boundaries",
             "begin the stretch there, or end it before");
    };
    for (const elf::ImageSymbol& symbol : xen_.image().symbols())
      if (is_inside(symbol.address)) found("the symbol " + std::string(symbol.name));
    for (const target::Instruction& one : instructions_)
      if (is_inside(function_->address + one.offset) && xen_.has_endbr(function_->address + one.offset))
        found("something that expects the ENDBR64 at " + hex(one.offset));
    for (const elf::ImageSymbol* user : possible_users()) check_branches_of(*user, found);
    for (const elf::Section& section : xen_.image().object().sections()) {
      if (!section.is_allocated() || section.is_nobits()) continue;
      if (section.is_executable()) {
        for_near_branches(section, [&](TargetAddr from) {
          const elf::ImageSymbol* user = xen_.image().symbol_at(from);
          if (user == nullptr || user->address + user->size <= from) found("what may be a branch at " + hex(from.value()));
        });
        continue;
      }
      for (std::size_t at = 0; at + sizeof(std::uint64_t) <= section.contents.size(); at += sizeof(std::uint64_t))
        if (is_inside(TargetAddr(load_le<std::uint64_t>(section.contents, at))))
          found("an address in " + std::string(section.name));
    }
  }

  /// Calls `visit` with the place of each displacement that would lead into the stretch, if it is one.
  template <typename Visit>
  void for_near_branches(const elf::Section& section, const Visit& visit) const {
    const TargetAddr base(section.address);
    for (std::size_t at = 1; at + kNearBranch <= section.contents.size(); ++at) {
      const TargetAddr from = base + at;
      if (is_inside(moved(from + kNearBranch, load_le<std::int32_t>(section.contents, at)))) visit(from);
    }
  }

  /// The functions that may have a branch into the stretch: itself, those with four bytes that would lead there, and the neighbours.
  [[nodiscard]] std::set<const elf::ImageSymbol*> possible_users() const {
    std::set<const elf::ImageSymbol*> users = {function_};
    for (const elf::Section& section : xen_.image().object().sections()) {
      if (!section.is_allocated() || section.is_nobits() || !section.is_executable()) continue;
      for_near_branches(section, [&](TargetAddr from) {
        const elf::ImageSymbol* user = xen_.image().symbol_at(from);
        if (user != nullptr && from < user->address + user->size) users.insert(user);
      });
    }
    const std::uint64_t reach = kShortReach + kLongestInstruction;
    for (const elf::ImageSymbol& symbol : xen_.image().symbols())
      if (symbol.type == elf::SymbolType::kFunction && symbol.address < stretch_.end + reach &&
          stretch_.begin < symbol.address + symbol.size + reach)
        users.insert(&symbol);
    return users;
  }

  template <typename Found>
  void check_branches_of(const elf::ImageSymbol& user, const Found& found) {
    const auto code = xen_.bytes_at(user.address, user.size);
    if (!code) return;
    for (const target::Instruction& one : decoder_.decode(*code)) {
      if (&user == function_ && is_removed(one)) continue;  // it is taken away itself
      std::optional<std::int64_t> leads = one.target;
      if (one.forms_address && one.displacement == target::Displacement::kFromEnd)
        leads = one.end() + std::int64_t{load_le<std::int32_t>(*code, one.offset + one.fields[0].offset)};
      if (leads && is_inside(moved(user.address, *leads)))
        found("'" + decoder_.print(code->subspan(one.offset), one.offset) + "' at " + std::string(user.name) + "+" +
              hex(one.offset));
    }
  }

  void check_leaving() {
    if (target::is_code_padding(code_.subspan(end()))) {
      refuse("HP11A-nop-return", "nothing of the function is left behind the stretch: what follows it would be executed",
             "leave what ends the function where it is");
      return;
    }
    bool had_exit = false;
    bool has_exit = false;
    for (const target::Instruction& one : instructions_) {
      if (!leaves(one, code_)) continue;
      had_exit = true;
      has_exit = has_exit || !is_removed(one);
    }
    if (had_exit && !has_exit)
      refuse("HP11A-nop-return", "the function's last return, or its last jump to another function, is taken away",
             "leave it where it is");
  }

  void check_rewrites() {
    if (const BootRewrite* rewrite = xen_.first_rewrite_in(stretch_))
      refuse("HP11B-nop-rewritten",
             std::string("boot rewrites bytes of it (") + rewrite->why + " at " + hex(rewrite->range.begin.value()) +
                 "): on each CPU they are other instructions",
             "end it before, or begin it behind");
  }

  void check_sites() {
    const auto table = [&](std::string_view begin, std::string_view end_mark) -> std::optional<AddrRange> {
      const auto first = xen_.image().address_of(begin);
      const auto last = xen_.image().address_of(end_mark);
      if (first && last && *first <= *last && xen_.bytes_at(*first, *last - *first)) return AddrRange{*first, *last};
      refuse("HP11C-nop-site", "the image does not say where the table from " + std::string(begin) + " is", {});
      return std::nullopt;
    };
    if (const auto exceptions = table("__start___ex_table", "__stop___ex_table")) {
      for (TargetAddr at = exceptions->begin; at + kExceptionSize <= exceptions->end; at = at + kExceptionSize)
        for (const std::uint64_t word : {std::uint64_t{0}, std::uint64_t{4}})
          check_site(moved(at + word, load_le<std::int32_t>(*xen_.bytes_at(at + word, 4), 0)), word == 0,
                     word == 0 ? "an instruction with an entry in the exception table" : "where an exception is continued");
    }
    std::string begin = "__start_bug_frames";
    for (int type = 0; type < 4; ++type) {
      const std::string last = "__stop_bug_frames_" + std::to_string(type);
      const auto frames = table(begin, last);
      if (!frames) return;
      const std::size_t size = type == 3 ? kAssertionSize : kFrameSize;
      for (TargetAddr at = frames->begin; at + size <= frames->end; at = at + size) {
        const auto word = load_le<std::uint32_t>(*xen_.bytes_at(at, 4), 0);
        check_site(moved(at, static_cast<std::int32_t>(word << 8U) >> 8), true, "the UD2 of a bug frame (BUG, WARN, ASSERT)");
      }
      begin = last;
    }
  }

  void check_site(TargetAddr place, bool counts_at_start, const char* what) {
    if (!is_inside(place) && !(counts_at_start && place == stretch_.begin)) return;
    refuse("HP11C-nop-site", std::string(what) + " is at " + hex(place - function_->address) + ": Xen's handler goes by it",
           "take away the branch that leads there, or the instructions before it");
  }

  void check_expectation() {
    const TargetAddr last = function_->address + function_->size;
    const auto below = std::ranges::lower_bound(below_, function_->address);
    if (below == below_.end() || *below >= last) return;
    refuse(
        "HP11D-nop-unexpected",
        "a payload below this one has spliced " + request_.function + ": its bytes cannot be expected, and nobody may run them",
        "make the change part of that payload's patch");
  }

  std::string print(const target::Instruction& one) {
    std::string text = decoder_.print(code_.subspan(one.offset), one.offset);
    const bool is_outside = one.target && (*one.target < 0 || *one.target >= static_cast<std::int64_t>(code_.size()));
    const elf::ImageSymbol* symbol = is_outside ? xen_.image().symbol_at(moved(function_->address, *one.target)) : nullptr;
    if (symbol != nullptr) text = text.substr(0, text.find_first_of(" \t")) + " " + std::string(symbol->name);
    return text;
  }

  NopEntry make() {
    NopEntry made;
    made.entry.name = request_.text();
    made.entry.name.resize(made.entry.name.rfind(':'));
    made.entry.old_addr = stretch_.begin;
    made.entry.old_size = static_cast<std::uint32_t>(request_.length);
    const ByteView bytes = code_.subspan(request_.offset, request_.length);
    made.entry.expect.assign(bytes.begin(), bytes.end());
    for (const target::Instruction& one : instructions_) {
      const bool is_kept = one.offset == request_.offset && xen_.has_endbr(stretch_.begin);
      if (is_removed(one) && !is_kept) made.removed.push_back("+" + hex(one.offset) + " " + print(one));
    }
    add("HP11E-nop-removed", Severity::kWarning, "these instructions are taken away: " + joined(made.removed, "; "),
        "nothing proves that the function still does what is meant: try it");
    return made;
  }

  const NopRequest& request_;
  const Hypervisor& xen_;
  std::span<const TargetAddr> below_;
  target::Decoder& decoder_;
  Diagnostics& findings_;
  const elf::ImageSymbol* function_ = nullptr;
  AddrRange stretch_;
  ByteView code_;  // of the whole function
  std::vector<target::Instruction> instructions_;
  bool is_refused_ = false;
};

}  // namespace

std::string NopRequest::text() const { return function + (offset == 0 ? "" : "+" + hex(offset)) + ":" + std::to_string(length); }

Result<NopRequest> parse_nop(std::string_view text) {
  const auto wrong = [&] {
    return tl::unexpected(Error(Errc::kUsage, "'" + std::string(text) + "' is not FUNCTION[+OFFSET]:LENGTH")
                              .with_remedy("bytes, in decimal or with 0x: do_nothing+0x12:5"));
  };
  const std::size_t colon = text.rfind(':');
  if (colon == std::string_view::npos) return wrong();
  const auto length = number(text.substr(colon + 1));
  const std::string_view place = text.substr(0, colon);
  const std::size_t plus = place.rfind('+');
  const auto offset = plus == std::string_view::npos ? std::optional<std::uint64_t>(0) : number(place.substr(plus + 1));
  NopRequest request;
  request.function = place.substr(0, plus);
  if (!length || !offset || request.function.empty()) return wrong();
  request.offset = *offset;
  request.length = *length;
  return request;
}

Result<std::vector<NopEntry>> make_nops(std::span<const NopRequest> requests, const Hypervisor& xen,
                                        std::span<const TargetAddr> patched_by_others, Diagnostics& findings) {
  std::vector<NopEntry> made;
  if (requests.empty()) return made;
  HP_ASSIGN(target::Decoder decoder, target::Decoder::make());
  for (const NopRequest& request : requests) {
    std::optional<NopEntry> entry = Maker(request, xen, patched_by_others, decoder, findings).run();
    if (entry) made.push_back(*std::move(entry));
  }
  return made;
}

}  // namespace hotpatch::xen
