// SPDX-License-Identifier: GPL-2.0-or-later
#include "buildenv/pairs/line_sync.h"

#include <cctype>
#include <string_view>
#include <vector>

namespace hotpatch::buildenv {
namespace {

bool is_word(char byte) { return std::isalnum(static_cast<unsigned char>(byte)) != 0 || byte == '_'; }
bool is_blank(char byte) { return byte == ' ' || byte == '\t' || byte == '\r' || byte == '\v' || byte == '\f'; }

enum class Conditional { kNone, kOpens, kChanges, kCloses };  // #if…, #else and #elif, #endif

/// Follows C's lexical structure line by line, as far as needed to know where a directive may stand.
class LineScanner {
 public:
  /// True if a directive may stand before `line`, the next one to be scanned.
  [[nodiscard]] bool is_safe_before(std::string_view line) const {
    if (state_ != State::kCode || continued_ || in_directive_ || depth_ > 0) return false;
    // The parenthesis may belong to the name of a macro at the end of the line before.
    for (const char byte : line)
      if (!is_blank(byte)) return byte != '(';
    return true;
  }

  /// What the line just scanned does to conditional compilation.
  [[nodiscard]] Conditional conditional() const { return conditional_; }

  void scan(std::string_view line) {
    conditional_ = Conditional::kNone;
    const bool has_newline = line.ends_with('\n');
    if (has_newline) line.remove_suffix(1);
    std::string_view trimmed = line;
    while (!trimmed.empty() && is_blank(trimmed.back())) trimmed.remove_suffix(1);
    const bool continues = has_newline && trimmed.ends_with('\\');  // gcc lets blanks stand behind the backslash
    if (continues) line = trimmed.substr(0, trimmed.size() - 1);

    if (!continued_ && state_ == State::kCode) {
      if (!line.empty() && line.front() == '}') depth_ = 0;  // a function's end: what looked open was the work of a macro
      begin_line(line);
    }
    scan_bytes(line);
    if (!continues) {
      if (state_ == State::kLineComment || state_ == State::kString || state_ == State::kCharacter) state_ = State::kCode;
      // A block comment that begins in a directive's line carries the directive on to the comment's end.
      if (state_ == State::kCode) end_directive();
    }
    continued_ = continues;
  }

 private:
  enum class State { kCode, kBlockComment, kLineComment, kString, kCharacter, kRawString };

  void begin_line(std::string_view line) {
    if (in_directive_) return;
    std::size_t at = 0;
    while (at < line.size() && is_blank(line[at])) ++at;
    if (at >= line.size() || line[at] != '#') return;
    ++at;
    while (at < line.size() && is_blank(line[at])) ++at;
    std::size_t end = at;
    while (end < line.size() && is_word(line[end])) ++end;
    in_directive_ = true;
    directive_ = line.substr(at, end - at);
  }

  void end_directive() {
    if (!in_directive_) return;
    in_directive_ = false;
    if (directive_ == "if" || directive_ == "ifdef" || directive_ == "ifndef") {
      conditional_ = Conditional::kOpens;
      depths_.push_back(depth_);
    } else if (directive_ == "else" || directive_ == "elif") {
      conditional_ = Conditional::kChanges;
      if (!depths_.empty()) depth_ = depths_.back();  // each branch begins where the conditional did
    } else if (directive_ == "endif") {
      conditional_ = Conditional::kCloses;
      if (!depths_.empty()) depths_.pop_back();
    }
  }

  void scan_bytes(std::string_view line) {
    for (std::size_t i = 0; i < line.size(); ++i) {
      const char byte = line[i];
      const char next = i + 1 < line.size() ? line[i + 1] : '\0';
      switch (state_) {
        case State::kCode: i = scan_code(line, i); break;
        case State::kBlockComment:
          if (byte == '*' && next == '/') {
            state_ = State::kCode;
            ++i;
          }
          break;
        case State::kLineComment: return;
        case State::kString:
        case State::kCharacter:
          if (byte == '\\') {
            ++i;
          } else if (byte == (state_ == State::kString ? '"' : '\'')) {
            state_ = State::kCode;
          }
          break;
        case State::kRawString:
          if (line.substr(i).starts_with(raw_end_)) {
            state_ = State::kCode;
            i += raw_end_.size() - 1;
          }
          break;
      }
    }
  }

  /// Returns the index of the last byte that it took.
  std::size_t scan_code(std::string_view line, std::size_t i) {
    const char byte = line[i];
    const char next = i + 1 < line.size() ? line[i + 1] : '\0';
    if (byte == '/' && next == '*') {
      state_ = State::kBlockComment;
      return i + 1;
    }
    if (byte == '/' && next == '/') {
      state_ = State::kLineComment;
      return i + 1;
    }
    if (byte == '\'') {
      state_ = State::kCharacter;
    } else if (byte == '"') {
      if (begins_raw_string(line, i)) {
        const std::size_t open = line.find('(', i);
        if (open == std::string_view::npos) return i;
        raw_end_ = ")" + std::string(line.substr(i + 1, open - i - 1)) + "\"";
        state_ = State::kRawString;
        return open;
      }
      state_ = State::kString;
    } else if (!in_directive_) {
      if (byte == '(') ++depth_;
      if (byte == ')' && depth_ > 0) --depth_;
    }
    return i;
  }

  /// R"x( … )x" of C++11, which gcc also takes in GNU C: R, LR, uR, UR or u8R before the quote.
  static bool begins_raw_string(std::string_view line, std::size_t quote) {
    if (quote == 0 || line[quote - 1] != 'R') return false;
    std::size_t begin = quote - 1;
    while (begin > 0 && is_word(line[begin - 1])) --begin;
    const std::string_view prefix = line.substr(begin, quote - begin);
    return prefix == "R" || prefix == "LR" || prefix == "uR" || prefix == "UR" || prefix == "u8R";
  }

  State state_ = State::kCode;
  bool continued_ = false;  // the line before ends in a backslash
  bool in_directive_ = false;
  Conditional conditional_ = Conditional::kNone;
  int depth_ = 0;            // of parentheses
  std::vector<int> depths_;  // at each open #if
  std::string directive_;
  std::string raw_end_;
};

}  // namespace

std::string synchronize_lines(const SourceLines& lines) {
  std::string text;
  LineScanner scanner;
  std::uint32_t number = 1;  // what the compiler takes the next line for
  // A directive in a branch that is not compiled does nothing: behind the branch, the number is uncertain until said anew.
  bool is_uncertain = false;
  std::vector<bool> said;  // for each open conditional: a directive was put into one of its branches
  for (const SourceLine& line : lines) {
    if (line.origin != 0 && (line.origin != number || is_uncertain) && scanner.is_safe_before(line.text)) {
      text += "#line " + std::to_string(line.origin) + "\n";
      number = line.origin;
      is_uncertain = false;
      if (!said.empty()) said.back() = true;
    }
    text += line.text;
    ++number;
    scanner.scan(line.text);
    const Conditional conditional = scanner.conditional();
    if (conditional == Conditional::kOpens) said.push_back(false);
    if (conditional >= Conditional::kChanges && !said.empty() && said.back()) is_uncertain = true;
    if (conditional == Conditional::kCloses && !said.empty()) said.pop_back();
  }
  return text;
}

}  // namespace hotpatch::buildenv
